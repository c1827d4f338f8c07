"""What happened, in one line: the words of the progress log."""

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.core import events
from orchestrator.core.runs import RunState

SHOWN_TOOLS = 4
_SHORT = 90


def sentence(before: RunState, event: events.Event, after: RunState) -> str:
    """Tell an event in a line, or "" when it says nothing that the others do not."""
    tell = _SENTENCES.get(type(event))
    return tell(before, event, after) if tell else ""


def tokens_line(state: RunState) -> str:
    """What the run has spent so far."""
    usage = state.usage
    return (
        f"{state.model_calls} model calls, {usage.prompt:,} prompt tokens "
        f"({usage.cached:,} cached), {usage.generated:,} generated"
    )


def shortlist_line(event: events.ToolsDisclosed, scope: int = 0) -> str:
    """Which tools a decision can choose from."""
    tools = [candidate.tool for candidate in event.candidates]
    more = f" and {len(tools) - SHOWN_TOOLS} more" if len(tools) > SHOWN_TOOLS else ""
    of = f" of {scope}" if scope else ""
    return f"{len(tools)}{of} tools shown: {', '.join(tools[:SHOWN_TOOLS])}{more}"


def shortened(text: str, length: int = _SHORT) -> str:
    """A text on one line, cut to a length."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _started(_: RunState, event: events.RunStarted, __: RunState) -> str:
    spaces = {tool.partition(".")[0] for tool in event.tools}
    lost = f"; unavailable: {', '.join(event.unavailable)}" if event.unavailable else ""
    return f"started with {len(event.tools)} tools in {len(spaces)} namespaces{lost}"


def _resumed(before: RunState, _: events.RunResumed, __: RunState) -> str:
    return f"resumed after entry {before.last_seq}"


def _model_called(_: RunState, event: events.ModelCalled, after: RunState) -> str:
    margin = "" if event.margin is None else f", margin {event.margin:.2f}"
    step = f"{event.step} " if event.step else ""
    reply = shortened(event.reply)
    return f"{step}{event.purpose}: {reply} ({event.seconds:.1f} s{margin}; {tokens_line(after)})"


def _plan_made(_: RunState, event: events.PlanMade, __: RunState) -> str:
    plan = event.plan
    if plan.answer or plan.question:
        return f"plan: {'answer at once' if plan.answer else 'ask the user'}"
    again = "new plan" if event.reason else "plan"
    steps = [f"    {s.id} {s.namespace}: {s.intent}{_over(s)}" for s in plan.steps]
    return "\n".join([f"{again} of {len(steps)} steps", *steps])


def _over(step: Any) -> str:
    if not step.over:
        return ""
    where = " and ".join(condition.written() for condition in step.where)
    return f" (for each of {step.over}{f' where {where}' if where else ''})"


def _plan_refused(_: RunState, event: events.PlanRefused, __: RunState) -> str:
    return f"plan refused: {' '.join(event.problems)}"


def _disclosed(_: RunState, event: events.ToolsDisclosed, __: RunState) -> str:
    example = "" if event.distance is None else f"; example {event.distance} tokens back"
    return f"{event.step} {shortlist_line(event)}{example}"


def _failed(_: RunState, event: events.DecisionFailed, __: RunState) -> str:
    return f"{event.step} {event.code}: {shortened(event.reason, 200)}"


def _searched(_: RunState, event: events.ToolsSearched, __: RunState) -> str:
    return f"{event.step} searches for other tools: {event.query}"


def _verdict(before: RunState, event: events.VerdictGiven, __: RunState) -> str:
    verdict, proposal = event.verdict, before.proposal
    if verdict.kind == "allow" and not verdict.reuse:
        return ""
    tool = f" {proposal.tool}" if proposal else ""
    return f"guard: {verdict.kind}{tool}: {verdict.reason}"


def _approval(_: RunState, event: events.ApprovalGiven, __: RunState) -> str:
    return f"{'approved' if event.granted else 'refused'} by {event.by}"


def _settled(before: RunState, event: events.CallSettled, after: RunState) -> str:
    proposal = before.proposal_of(event.id)
    total = len(proposal.calls) if proposal else 1
    prefix = f"{event.id.partition('.')[0]}."
    done = sum(call.id.startswith(prefix) for call in after.settled)
    how = "from what is known" if event.reused else f"{event.outcome.seconds:.1f} s"
    if not event.outcome.ok:
        how = f"failed: {shortened(event.outcome.error, 160)}"
    return f"{event.step} {event.tool} {done}/{total}: {how}"


def _closed(_: RunState, event: events.StepClosed, __: RunState) -> str:
    note = f": {shortened(event.note, 200)}" if event.note else ""
    return f"{event.step} {event.status}{note}"


def _replan(_: RunState, event: events.ReplanAsked, __: RunState) -> str:
    return f"the plan cannot go on: {shortened(event.reason, 200)}"


def _ended(_: RunState, event: events.RunEnded, __: RunState) -> str:
    return f"{event.status}{f': {shortened(event.error, 300)}' if event.error else ''}"


_SENTENCES: Mapping[type[Any], Callable[[RunState, Any, RunState], str]] = {
    events.RunStarted: _started,
    events.RunResumed: _resumed,
    events.ModelCalled: _model_called,
    events.PlanMade: _plan_made,
    events.PlanRefused: _plan_refused,
    events.ToolsDisclosed: _disclosed,
    events.DecisionFailed: _failed,
    events.ToolsSearched: _searched,
    events.VerdictGiven: _verdict,
    events.ApprovalGiven: _approval,
    events.CallSettled: _settled,
    events.StepClosed: _closed,
    events.ReplanAsked: _replan,
    events.RunEnded: _ended,
}
