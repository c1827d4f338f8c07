"""What is to be done: a goal parted into steps, or an answer, or a question."""

from typing import Literal

from pydantic import Field, model_validator

from orchestrator.core.chat import Frozen

MAX_STEPS = 12
Operator = Literal["is", "is not", "contains", "starts with", "ends with", ">", "<"]
OPERATORS: tuple[Operator, ...] = (
    "is not",
    "is",
    "contains",
    "starts with",
    "ends with",
    ">",
    "<",
)


class Condition(Frozen):
    """A test on one typed field of an item; text is compared without case."""

    field: str
    op: Operator
    value: str

    def written(self) -> str:
        """The condition as a plan writes it."""
        return f"{self.field} {self.op} {self.value}"


class Fact(Frozen):
    """A test on what an earlier step found: its `count` of items, or a field of any of them."""

    step: str
    condition: Condition

    def written(self) -> str:
        """The fact as a plan writes it."""
        return f"{self.step}.{self.condition.written()}"


class PlanStep(Frozen):
    """One action of a plan: what it is for and which namespace does it, never which tool.

    `over` names the step whose items it is carried out for, one call each; `where` keeps
    only the items for which every condition holds, and `take` only the first so many (written
    at the end of the condition: `size > 1000 take 3`). `only_if` are facts that must hold when
    the step's turn comes, else it is skipped. `wait_until` has its call, which may only read,
    repeated until every condition holds for what the call returned. `needs` are the steps
    without whose results or effects it cannot even be decided: with None nothing is said, and
    only steps that say it may be carried out together.
    """

    id: str = Field(pattern=r"^s\d{1,2}$")
    intent: str = Field(min_length=1, max_length=400)
    namespace: str
    needs: tuple[str, ...] | None = None
    over: str = ""
    where: tuple[Condition, ...] = ()
    take: int | None = Field(default=None, gt=0)
    only_if: tuple[Fact, ...] = ()
    wait_until: tuple[Condition, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The steps that it goes over or whose results its condition looks at, in that order."""
        named = ([self.over] if self.over else []) + [fact.step for fact in self.only_if]
        return tuple(dict.fromkeys(named))


class Plan(Frozen):
    """Exactly one of: steps, a direct answer, or a question to the user."""

    steps: tuple[PlanStep, ...] = ()
    answer: str = ""
    question: str = ""

    @model_validator(mode="after")
    def _one_of(self) -> "Plan":
        if sum(map(bool, (self.steps, self.answer, self.question))) != 1:
            raise ValueError("A plan has steps, or an answer, or a question.")
        return self

    def step(self, step_id: str) -> PlanStep | None:
        """The step of that id, if the plan has it."""
        return next((step for step in self.steps if step.id == step_id), None)
