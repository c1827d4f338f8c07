"""What an MCP client says to Ferryman and is told by it: the schemas of the tools."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.runs import Approve, RunStatus
from orchestrator.service.native.wire import (
    NAME,
    NO_NUL,
    ApprovalView,
    ErrorView,
    RunItem,
    RunView,
    Text,
)

WAIT_S = 45.0
"""Seconds that a call waits when it does not say: common clients give up after 60."""
MOST_WAIT_S = 600.0
MOST_RUNS = 100

RunId = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$", description="The run's id, as it was given.")
]
Wait = Annotated[
    float,
    Field(
        ge=0,
        le=MOST_WAIT_S,
        description="Seconds to wait at most until the run is over or needs a person.",
    ),
]

_NEXT: dict[RunStatus, str] = {
    "running": "The run goes on. Call get_run with this run_id and wait_seconds to wait for it.",
    "waiting_approval": (
        "The run rests. Show the calls to the person, then call approve with this run_id, the "
        "digest, and their word. This can wait for days."
    ),
    "needs_input": "The run rests. Put the question to the person, then call answer.",
    "waiting_tools": "The run rests until the client that started it gives its tools' results.",
    "planned": "The run has a plan and rests; resume carries it out.",
    "stopped": "A limit or the loop breaker stopped the run; resume goes on with it.",
    "failed": "The error says what to do about it; resume goes on with the run.",
    "cancelled": "The run was cancelled; resume goes on with it.",
    "incomplete": "Part of the task could not be done; resume tries what is left.",
}

_WAITING: frozenset[RunStatus] = frozenset({"waiting_approval", "needs_input", "waiting_tools"})
"""What such a run wants is told by itself, not as an error."""


class RunTask(Frozen):
    """Start a run."""

    goal: Text = Field(description="What is to be done, in words.")
    places: dict[str, Annotated[str, Field(pattern=NO_NUL)]] | None = Field(
        default=None,
        description="Folders that the goal speaks of: their paths by the names used for them, "
        "inside the operator's. The operator's own when left out.",
    )
    approve: Approve = Field(
        default="ask",
        description="What happens where the policy asks a person: `ask` rests the run, `yes` "
        "grants what stays inside the allowed folders, `no` refuses.",
    )
    thread: str = Field(
        default="", pattern=NAME, description="A name under which runs are listed together."
    )
    once: str = Field(
        default="",
        pattern=r"^[\x21-\x7e]{0,255}$",
        description="A key of your choice: the same key with the same task gives the same run, "
        "so that a call can be repeated safely.",
    )
    wait_seconds: Wait = WAIT_S


class GetRun(Frozen):
    """Look at a run, or wait for it."""

    run_id: RunId
    wait_seconds: Wait = 0.0


class ListRuns(Frozen):
    """Look for runs."""

    limit: int = Field(default=20, ge=1, le=MOST_RUNS, description="How many runs at most.")
    status: RunStatus | None = Field(default=None, description="Only runs in this status.")
    thread: str | None = Field(default=None, pattern=NAME, description="Only runs of this thread.")


class Decide(Frozen):
    """Decide about what a run wants to do."""

    run_id: RunId
    digest: str = Field(
        pattern=r"^[0-9a-f]{16,64}$", description="The digest of the approval that is decided."
    )
    granted: bool = Field(description="The person's word: true does the calls, false does not.")
    edited: list[dict[str, JsonValue]] | None = Field(
        default=None,
        max_length=1000,
        description="With granted: other arguments for the calls, one object a call, in their "
        "order. They are checked anew before anything is done.",
    )
    wait_seconds: Wait = WAIT_S


class GiveAnswer(Frozen):
    """Answer a run's question."""

    run_id: RunId
    text: Text = Field(description="The person's answer.")
    wait_seconds: Wait = WAIT_S


class GoOn(Frozen):
    """Go on with a run."""

    run_id: RunId
    wait_seconds: Wait = WAIT_S


class Stop(Frozen):
    """End the work on a run."""

    run_id: RunId


class StepTold(Frozen):
    """A step of the plan, and how far it is."""

    id: str
    intent: str
    namespace: str
    status: str
    note: str = ""


class RunTold(Frozen):
    """A run; `next` says what can be done about it now."""

    run_id: str
    status: RunStatus
    goal: str
    answer: str = ""
    error: ErrorView | None = None
    question: str = ""
    approval: ApprovalView | None = None
    steps: tuple[StepTold, ...] = ()
    created: datetime
    next: str = ""


class RunsTold(Frozen):
    """Runs, the newest first; with `has_more` there are older ones."""

    runs: tuple[RunItem, ...]
    has_more: bool


def told(view: RunView) -> RunTold:
    """A run in the words that a model needs, without what only a console shows."""
    return RunTold(
        run_id=view.id,
        status=view.status,
        goal=view.goal,
        answer=view.answer,
        error=None if view.status in _WAITING else view.error,
        question=view.question,
        approval=view.approval,
        steps=tuple(
            StepTold(
                id=state.step.id,
                intent=state.step.intent,
                namespace=state.step.namespace,
                status=state.status,
                note=state.note,
            )
            for state in view.steps
        ),
        created=view.created,
        next=_NEXT.get(view.status, ""),
    )
