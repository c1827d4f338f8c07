"""Whether and how a run that exists can go on, as its journal tells it."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.core.errors import RunConflict, ToolDefinitionChanged, ToolUnavailable
from orchestrator.core.events import (
    Entry,
    Event,
    QuestionAnswered,
    RunEnded,
    RunResumed,
    RunStarted,
)
from orchestrator.core.fingerprints import digest
from orchestrator.core.runs import FINAL
from orchestrator.core.tools import ToolSpec
from orchestrator.journal.writer import Journal

_TAKEN_UP = (RunStarted, RunResumed, QuestionAnswered)
"""The newest entry of a run that nobody has begun to work on since it was taken up."""


def definition(spec: ToolSpec) -> str:
    """The digest of a tool's definition, by which a change is noticed."""
    return digest(spec.model_dump(mode="json"))[:16]


def check_can_go_on(
    journal: Journal,
    specs: Iterable[ToolSpec],
    unavailable: Mapping[str, str],
    *,
    refused: bool = False,
) -> None:
    """Keep a run that is over, or whose next calls cannot be what they were, from going on.

    Args:
        journal: The run's journal.
        specs: The tools there are now.
        unavailable: Why a namespace has no tools now.
        refused: Whether the calls that it asks about are refused, so that they need no tool.

    Raises:
        RunConflict: It is over.
        ToolUnavailable: The server of the tool it was about to call does not start.
        ToolDefinitionChanged: The tool it was about to call is not the same any more.
    """
    state = journal.state
    if state.status in FINAL:
        raise RunConflict(
            f"Run {state.run_id} is over: {state.status}.", hint="Start a new run instead."
        )
    then = started(journal.entries()).tools
    asked = [state.proposal] if state.proposal and not refused else []
    decided = [*state.held, *asked]
    now = {spec.id: definition(spec) for spec in specs} if decided else {}
    for tool in (proposal.tool for proposal in decided):
        why = unavailable.get(tool.partition(".")[0])
        if tool not in now and why:
            raise ToolUnavailable(why, hint="Start the server, then resume the run.")
        if now.get(tool) != then.get(tool):
            raise ToolDefinitionChanged(f"{tool} is not what it was when the run began.")


def started(entries: Sequence[Entry]) -> RunStarted:
    """What the run began with."""
    return next(e.event for e in entries if isinstance(e.event, RunStarted))


def plans_only(entries: Sequence[Entry]) -> bool:
    """Whether a run is to rest once it has a plan; one that has rested is to be carried out."""
    rested = any(isinstance(entry.event, RunEnded) for entry in entries)
    return started(entries).plan_only and not rested


def gone_on_with(journal: Journal) -> list[Event]:
    """The event that says that a process took the run up, where that is not said already."""
    if isinstance(journal.entries()[-1].event, _TAKEN_UP):
        return []
    request = journal.state.request
    return [RunResumed(approve=request.approve if request else "ask")]
