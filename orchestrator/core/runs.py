"""A run: what was asked, what it may cost, and what it has come to so far."""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen, Message, Usage
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.tools import Effect, ToolCall, ToolOutcome, ToolSpec
from orchestrator.core.verdicts import Verdict

RunStatus = Literal[
    "running",
    "planned",
    "waiting_approval",
    "waiting_tools",
    "needs_input",
    "completed",
    "incomplete",
    "stopped",
    "failed",
    "cancelled",
]
Approve = Literal["ask", "yes", "no"]
"""What a caller says beforehand to a question about a call."""

FINAL: frozenset[RunStatus] = frozenset({"completed"})
"""Statuses that a resume leaves as they are; from every other one a run can go on."""


class Budget(Frozen):
    """The limits of one run; reaching any of them stops it with `budget_exceeded`.

    Turns and calls are counts, `seconds` is wall time of work (waiting for a person is free),
    token limits count prompt and generated tokens of all model calls.
    """

    turns: int = Field(default=40, gt=0)
    replans: int = Field(default=3, ge=0)
    model_calls: int = Field(default=400, gt=0)
    tool_calls: int = Field(default=3000, gt=0)
    seconds: float = Field(default=3600.0, gt=0)
    prompt_tokens: int = Field(default=2_000_000, gt=0)
    generated_tokens: int = Field(default=100_000, gt=0)


class RunRequest(Frozen):
    """A goal and the limits within which it is carried out.

    `places` are the folders that the goal may speak of, by the name a person uses for them.
    `approve` says what happens when the policy asks and nobody is there: `ask` rests the run,
    `yes` grants what stays inside the allowed folders, `no` refuses.

    `tenant` is whose run it is; the local one has no name. `history` are the earlier turns of the
    conversation, oldest first: they are read as data, never obeyed. `tools` are tools that the
    caller carries out itself, with ids `client.NAME`; the run rests as `waiting_tools` until it
    gives their results. `metadata` is what the caller wants to find again with the run.
    """

    goal: str = Field(min_length=1, max_length=8000)
    places: dict[str, str] = Field(default_factory=dict)
    budget: Budget = Budget()
    approve: Approve = "ask"
    thread: str = ""
    seed: int = 0
    tenant: str = ""
    history: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)


class Candidate(Frozen):
    """A tool that a decision may choose, and why it is there."""

    tool: str
    score: float = 0.0
    why: str = ""


class Proposal(Frozen):
    """What a decision wants to do: one tool, argument expressions, and the calls they become.

    `parents` gives, for each call, the id of the item of the `over` step that it is for.
    `serves` says that a tool outside the step's namespace fits the step better than any in it,
    so that what it reads is the step's own result.
    """

    id: str
    step: str
    tool: str
    expressions: dict[str, JsonValue]
    calls: tuple[ToolCall, ...]
    parents: tuple[int, ...]
    effect: Effect
    margin: float | None = None
    serves: bool = False

    def call_id(self, index: int) -> str:
        """The id of one of its calls."""
        return f"{self.id}.{index}"


class SettledCall(Frozen):
    """A call with its outcome, as the loop breaker and the references see it.

    `parent` is the id of the item of the step's `over` step; `world` is how many writes
    the run had settled before it, `plan` how many plans had been replaced. `likeness` is the
    same for calls that differ in no more than their spelling.
    """

    id: str
    step: str
    parent: int
    tool: str
    fingerprint: str
    effect: Effect
    outcome: ToolOutcome
    result: str
    world: int
    reused: bool = False
    likeness: str = ""
    plan: int = 0


SkipReason = Literal["", "no_items", "condition"]
"""Why a step was skipped: it had no items to go over, or its condition did not hold."""


class StepState(Frozen):
    """How far a step has come; `calls` are the settled calls whose results are its handle."""

    step: PlanStep
    status: Literal["open", "done", "failed", "skipped"] = "open"
    calls: tuple[str, ...] = ()
    failures: int = 0
    note: str = ""
    why: SkipReason = ""


class Seen(Frozen):
    """A file or folder that a look found, by name."""

    name: str
    folder: bool = False


class Look(Frozen):
    """What is in a folder, by reference; `world` is how many writes the run had settled then."""

    folder: str
    entries: tuple[Seen, ...] = ()
    world: int = 0


class Approval(Frozen):
    """A question to a person about exactly one proposal, bound to it by its digest.

    From `expires` on a yes is no longer taken: what was asked may not be what it was.
    """

    proposal: str
    digest: str
    reason: str
    granted: bool | None = None
    expires: datetime | None = None


class RunState(Frozen):
    """The fold of a run's events: everything `next_node` and the nodes decide from.

    `polls` is how often the calls of the proposal at hand were repeated to wait for something.
    `held` are the proposals that were allowed and wait for others to be carried out with them.
    """

    run_id: str = ""
    request: RunRequest | None = None
    status: RunStatus = "running"
    plan: Plan | None = None
    steps: tuple[StepState, ...] = ()
    settled: tuple[SettledCall, ...] = ()
    intended: tuple[tuple[str, ToolCall, int], ...] = ()
    proposal: Proposal | None = None
    held: tuple[Proposal, ...] = ()
    polls: int = 0
    verdict: Verdict | None = None
    approval: Approval | None = None
    masked: tuple[str, ...] = ()
    closed_namespace: str = ""
    query: str = ""
    transcript: tuple[Message, ...] = ()
    disclosed: tuple[str, ...] = ()
    examples: dict[str, int] = Field(default_factory=dict)
    looks: dict[str, Look] = Field(default_factory=dict)
    usage: Usage = Usage()
    model_calls: int = 0
    executed: int = 0
    turns: int = 0
    replans: int = 0
    replan_reason: str = ""
    refusals: dict[str, int] = Field(default_factory=dict)
    deflected: bool = False
    writes: int = 0
    seconds: float = 0.0
    note: str = ""
    answer: str = ""
    error: str = ""
    error_code: str = ""
    last_seq: int = 0

    def proposal_of(self, call_id: str) -> Proposal | None:
        """The held proposal that a call belongs to, else the one at hand."""
        owner = call_id.rpartition(".")[0]
        return next((held for held in self.held if held.id == owner), self.proposal)

    @property
    def client_tools(self) -> frozenset[str]:
        """The ids of the tools that the client carries out."""
        return frozenset(spec.id for spec in self.request.tools) if self.request else frozenset()

    @property
    def awaited(self) -> tuple[tuple[str, ToolCall, int], ...]:
        """The calls, by id and with their item, that the client has been asked to make."""
        decided = {each.id for each in (*self.held, self.proposal) if each is not None}
        own = self.client_tools
        return tuple(
            intent
            for intent in self.intended
            if intent[1].tool in own and intent[0].rpartition(".")[0] in decided
        )

    @property
    def held_calls(self) -> int:
        """How many calls are decided and will be made whatever is decided next."""
        return sum(len(held.calls) for held in self.held)


class RunResult(Frozen):
    """What a run came to: its status, its answer, and the state it was folded into."""

    run_id: str
    status: RunStatus
    answer: str
    error: str = ""
    error_code: str = ""
    state: RunState
