"""The journal's events: each says what happened, in the order in which it did."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from orchestrator.core.chat import Frozen, Message, Usage
from orchestrator.core.plans import Plan
from orchestrator.core.roles import Role
from orchestrator.core.runs import (
    Approval,
    Approve,
    Budget,
    Candidate,
    Look,
    Proposal,
    RunRequest,
    RunStatus,
    SkipReason,
)
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import Verdict


class ModelInfo(Frozen):
    """Which model plays a role in this run, and the record that binds it."""

    role: Role
    backend: str
    model: str
    sha256: str = ""
    record: str = ""


class RunStarted(Frozen):
    """The run exists: its request, the models bound to its roles, the tools in scope.

    With `plan_only` it rests as `planned` once it has a plan.
    """

    type: Literal["run_started"] = "run_started"
    request: RunRequest
    models: tuple[ModelInfo, ...] = ()
    tools: dict[str, str] = Field(default_factory=dict)
    unavailable: dict[str, str] = Field(default_factory=dict)
    prompts: dict[str, str] = Field(default_factory=dict)
    plan_only: bool = False


class RunResumed(Frozen):
    """A process took the run up again; `approve` and `budget` replace the request's own."""

    type: Literal["run_resumed"] = "run_resumed"
    approve: Approve = "ask"
    budget: Budget | None = None


class QuestionAnswered(Frozen):
    """A person answered the question that the plan put."""

    type: Literal["question_answered"] = "question_answered"
    text: str


class ModelCalled(Frozen):
    """A model answered.

    `appended` are the messages that this call added to the role's transcript; with `keep` False
    the transcript is left as it was.
    """

    type: Literal["model_called"] = "model_called"
    role: Role
    purpose: str
    step: str = ""
    appended: tuple[Message, ...] = ()
    reply: str = ""
    usage: Usage = Usage()
    seconds: float = 0.0
    margin: float | None = None
    keep: bool = True


class TranscriptRenewed(Frozen):
    """The planner's transcript had grown too long and starts anew at these messages."""

    type: Literal["transcript_renewed"] = "transcript_renewed"
    messages: tuple[Message, ...]


class PlanMade(Frozen):
    """A plan that passed the validator; steps already done are kept at its head.

    In the place of an older plan, `dropped` are the ids of that plan's steps which this one does
    without, and `added` the ids of this plan's steps which that one had not.
    """

    type: Literal["plan_made"] = "plan_made"
    plan: Plan
    kept: tuple[str, ...] = ()
    reason: str = ""
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


class PlanRefused(Frozen):
    """A reply that is no usable plan, and why."""

    type: Literal["plan_refused"] = "plan_refused"
    problems: tuple[str, ...]
    deflection: bool = False


class ToolsDisclosed(Frozen):
    """What a decision could choose from and what was shown for it.

    `distance` is the number of tokens between the end of the worked example and the decision;
    None when no example fits the step.
    """

    type: Literal["tools_disclosed"] = "tools_disclosed"
    step: str
    candidates: tuple[Candidate, ...]
    added: tuple[str, ...] = ()
    example: str = ""
    example_again: bool = False
    distance: int | None = None


class CallProposed(Frozen):
    """A decision: one tool with argument expressions, resolved to its calls."""

    type: Literal["call_proposed"] = "call_proposed"
    proposal: Proposal


class DecisionFailed(Frozen):
    """A decision that came to nothing: no usable tool or arguments, or a call that failed.

    `tool` names the tool that no arguments could be found for; the next decision does without.
    """

    type: Literal["decision_failed"] = "decision_failed"
    step: str
    code: str
    reason: str
    tool: str = ""


class ToolsSearched(Frozen):
    """The decision asked for other tools: the next shortlist follows this query."""

    type: Literal["tools_searched"] = "tools_searched"
    step: str
    query: str


class FolderLookedInto(Frozen):
    """The run listed a folder that a step speaks of, to offer its files by name.

    `tool` did it. A look that failed found nothing.
    """

    type: Literal["folder_looked_into"] = "folder_looked_into"
    step: str
    tool: str
    look: Look
    ok: bool = True


class VerdictGiven(Frozen):
    """What the guard said of the proposal.

    With `held` it is carried out together with those of the next steps, which do not need it.
    """

    type: Literal["verdict_given"] = "verdict_given"
    proposal: str
    verdict: Verdict
    held: bool = False


class ApprovalAsked(Frozen):
    """The run rests until a person decides."""

    type: Literal["approval_asked"] = "approval_asked"
    approval: Approval


class ApprovalGiven(Frozen):
    """A person, or the operator's standing word, decided."""

    type: Literal["approval_given"] = "approval_given"
    digest: str
    granted: bool
    by: str


class CallIntended(Frozen):
    """A call is about to be made; written before it is."""

    type: Literal["call_intended"] = "call_intended"
    id: str
    step: str
    parent: int
    call: ToolCall


class CallSettled(Frozen):
    """A call's outcome; `reused` names the settled call that answered it in its place.

    With `poll` it is the outcome of the call's nth repetition, which takes the place of the
    outcome before it.
    """

    type: Literal["call_settled"] = "call_settled"
    id: str
    step: str
    parent: int
    tool: str
    fingerprint: str
    outcome: ToolOutcome
    reused: str = ""
    poll: int = Field(default=0, ge=0)


class StepClosed(Frozen):
    """A step came to its end; `why` says of a skipped one what kept it from being done."""

    type: Literal["step_closed"] = "step_closed"
    step: str
    status: Literal["done", "failed", "skipped"]
    note: str = ""
    why: SkipReason = ""


class ReplanAsked(Frozen):
    """The plan cannot go on as it is."""

    type: Literal["replan_asked"] = "replan_asked"
    reason: str


class AnswerGiven(Frozen):
    """The answer, and the sentences that were taken out because the journal does not hold them."""

    type: Literal["answer_given"] = "answer_given"
    text: str
    refused: tuple[str, ...] = ()
    by: Literal["synthesizer", "journal"] = "synthesizer"


class RunEnded(Frozen):
    """The run is over or at rest, and why."""

    type: Literal["run_ended"] = "run_ended"
    status: RunStatus
    error: str = ""
    code: str = ""


Event = Annotated[
    RunStarted
    | RunResumed
    | QuestionAnswered
    | ModelCalled
    | TranscriptRenewed
    | PlanMade
    | PlanRefused
    | ToolsDisclosed
    | CallProposed
    | DecisionFailed
    | ToolsSearched
    | FolderLookedInto
    | VerdictGiven
    | ApprovalAsked
    | ApprovalGiven
    | CallIntended
    | CallSettled
    | StepClosed
    | ReplanAsked
    | AnswerGiven
    | RunEnded,
    Field(discriminator="type"),
]


class Entry(Frozen):
    """One row of a journal: an event in its place in the run's hash chain.

    `hash` is the sha256 of the previous hash and the canonical JSON of the rest of the row.
    """

    run_id: str
    seq: int = Field(gt=0)
    at: datetime
    seconds: float = 0.0
    event: Event
    prev: str = ""
    hash: str = ""


class RunHead(Frozen):
    """A run as a directory lists it; `tenant` is whose it is, `thread` what it belongs to."""

    run_id: str
    goal: str
    status: RunStatus
    started: datetime
    last_seq: int
    tenant: str = ""
    thread: str = ""
