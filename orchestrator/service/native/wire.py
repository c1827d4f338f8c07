"""The JSON of the native API: what a caller asks for, and how a run is shown."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from orchestrator.core.chat import Usage
from orchestrator.core.events import RunHead
from orchestrator.core.plans import Plan
from orchestrator.core.runs import Approve, Budget, RunRequest, RunState, RunStatus, StepState
from orchestrator.core.tools import Effect, ToolCall, ToolOutcome
from orchestrator.policy.preview import preview
from orchestrator.policy.provenance import Origin, origins, summary

NO_NUL = r"^[^\x00]*$"
"""SQLite ends a text at the first NUL."""
NAME = r"^[\w.:@/ -]{0,128}$"
_MOST_INTEGER, _MOST_SECONDS = 10**9, 10**7


def _whole(value: Any) -> Any:
    """The value, where it is a whole number that was written with a point: JSON knows no other."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Text = Annotated[str, Field(min_length=1, max_length=8000, pattern=NO_NUL)]
Count = Annotated[int, Field(strict=True, gt=0, le=_MOST_INTEGER), WHOLE]


class Body(BaseModel):
    """A request's body; a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetWish(Body):
    """Limits of a run; what is left out stays as it is."""

    turns: Count | None = None
    replans: Annotated[int, Field(strict=True, ge=0, le=_MOST_INTEGER), WHOLE] | None = None
    model_calls: Count | None = None
    tool_calls: Count | None = None
    seconds: (
        Annotated[float, Field(strict=True, gt=0, le=_MOST_SECONDS, allow_inf_nan=False)] | None
    ) = None
    prompt_tokens: Count | None = None
    generated_tokens: Count | None = None

    def over(self, budget: Budget) -> Budget:
        """The budget with these limits in the place of its own."""
        return budget.model_copy(update=self.model_dump(exclude_none=True))


class NewRun(Body):
    """A goal, and within which limits it is carried out.

    `places` are names for folders of the service; without them it has its own. `approve` is the
    word on questions beforehand, for which `yes` needs the scope approve. With `plan_only` the
    run rests once it has a plan.
    """

    goal: Text
    places: dict[str, Annotated[str, Field(pattern=NO_NUL)]] | None = None
    budget: BudgetWish = BudgetWish()
    approve: Approve = "ask"
    thread: str = Field(default="", pattern=NAME)
    seed: Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31), WHOLE] = 0
    plan_only: bool = Field(default=False, strict=True)


class Decision(Body):
    """A word on exactly the calls that a run asks about, named by their digest."""

    digest: str = Field(pattern=r"^[0-9a-f]{16,64}$")


class Grant(Decision):
    """A yes; with `edited` the arguments of each call are replaced, and checked anew."""

    edited: list[dict[str, JsonValue]] | None = Field(default=None, max_length=1000)


class Answer(Body):
    """What a run asked for, in words."""

    text: Text


class ClientResult(Body):
    """What one of the client's own tools gave: `data`, or an `error` for a failure."""

    data: JsonValue = None
    error: str = Field(default="", max_length=8000)

    def outcome(self) -> ToolOutcome:
        """The result as the run sees it."""
        if self.error:
            return ToolOutcome(ok=False, error=self.error, code="tool_failed")
        return ToolOutcome(ok=True, data=self.data)


class Results(Body):
    """Results of the client's own tools, by the id of the call."""

    results: dict[str, ClientResult] = Field(min_length=1, max_length=1000)


class Resume(Body):
    """New limits to go on with, counted from the run's beginning."""

    budget: BudgetWish | None = None


class CallView(BaseModel):
    """One call as it will be made; `expressions` tell where its arguments are from."""

    id: str
    tool: str
    arguments: dict[str, JsonValue]


class ApprovalView(BaseModel):
    """What a run asks a person: exactly these calls, bound by the digest.

    `preview` says in lines what they would do, `provenance` in words where each argument is from,
    and `origins` the same for every call, to be read by a program.
    """

    digest: str
    reason: str
    step: str
    tool: str
    effect: Effect
    expressions: dict[str, JsonValue]
    calls: list[CallView]
    preview: list[str] = []
    provenance: dict[str, str] = {}
    origins: list[dict[str, Origin]] = []
    expires: datetime | None = None


class ErrorView(BaseModel):
    """Why a run did not do all that it was asked."""

    code: str
    message: str


class RunItem(BaseModel):
    """A run in a list."""

    id: str
    object: str = "run"
    status: RunStatus
    goal: str
    thread: str
    created: datetime
    last_seq: int


class RunView(RunItem):
    """A run with all it came to; `approval`, `question` or `calls` is what it waits for."""

    answer: str = ""
    error: ErrorView | None = None
    plan: Plan | None = None
    steps: list[StepState] = []
    usage: Usage = Usage()
    model_calls: int = 0
    tool_calls: int = 0
    turns: int = 0
    replans: int = 0
    seconds: float = 0.0
    budget: Budget = Budget()
    approval: ApprovalView | None = None
    question: str = ""
    calls: list[CallView] = []


class RunList(BaseModel):
    """Runs, newest first; with `has_more` there are older ones than the last."""

    object: str = "list"
    data: list[RunItem]
    has_more: bool


class ApprovalList(BaseModel):
    """Runs that wait for a person's yes, newest first."""

    object: str = "list"
    data: list[RunView]
    has_more: bool


class PlanView(BaseModel):
    """The plan of a run as it is now, and how far each step has come."""

    id: str
    plan: Plan | None
    steps: list[StepState]


def request_of(new: NewRun, *, tenant: str, places: dict[str, str], budget: Budget) -> RunRequest:
    """The request of a new run of a tenant."""
    return RunRequest(
        goal=new.goal,
        places=places,
        budget=new.budget.over(budget),
        approve=new.approve,
        thread=new.thread,
        seed=new.seed,
        tenant=tenant,
    )


def item_of(head: RunHead) -> RunItem:
    """A run as a list shows it."""
    return RunItem(
        id=head.run_id,
        status=head.status,
        goal=head.goal,
        thread=head.thread,
        created=head.started,
        last_seq=head.last_seq,
    )


def view_of(head: RunHead, state: RunState) -> RunView:
    """A run with all it came to."""
    failed = ErrorView(code=state.error_code, message=state.error)
    budget = state.request.budget if state.request else Budget()
    return RunView(
        **item_of(head).model_dump(exclude={"status", "last_seq"}),
        status=state.status,
        last_seq=state.last_seq,
        answer=state.answer,
        error=failed if state.error_code else None,
        plan=state.plan,
        steps=list(state.steps),
        usage=state.usage,
        model_calls=state.model_calls,
        tool_calls=state.executed,
        turns=state.turns,
        replans=state.replans,
        seconds=state.seconds,
        budget=budget,
        approval=_approval_of(state),
        question=state.plan.question if state.status == "needs_input" and state.plan else "",
        calls=[_call(call_id, call) for call_id, call, _ in state.awaited],
    )


def _approval_of(state: RunState) -> ApprovalView | None:
    asked, proposal = state.approval, state.proposal
    if asked is None or asked.granted is not None or proposal is None:
        return None
    return ApprovalView(
        digest=asked.digest,
        reason=asked.reason,
        step=proposal.step,
        tool=proposal.tool,
        effect=proposal.effect,
        expressions=proposal.expressions,
        calls=[_call(proposal.call_id(at), call) for at, call in enumerate(proposal.calls)],
        preview=preview(state, proposal).told,
        provenance=summary(state, proposal),
        origins=list(origins(state, proposal)),
        expires=asked.expires,
    )


def _call(call_id: str, call: ToolCall) -> CallView:
    return CallView(id=call_id, tool=call.tool, arguments=call.arguments)
