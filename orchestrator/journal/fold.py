"""The run's state as the fold of its events: the one place where an event gains meaning.

One small function an event, from a state and an event to the next state. Nothing here fails:
an event that refers to something unknown changes only what it can, so that a journal that
was written can always be read.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.core import events
from orchestrator.core.chat import Frozen, Message
from orchestrator.core.errors import ToolOutcomeUnknown
from orchestrator.core.events import Entry, Event
from orchestrator.core.fingerprints import call_fingerprint, call_likeness, result_digest
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import FINAL, Proposal, RunState, SettledCall, StepState
from orchestrator.core.tools import ToolCall, split_name
from orchestrator.core.verdicts import LOOP_CODES

_NO_PROPOSAL: dict[str, Any] = {"proposal": None, "verdict": None, "approval": None}
_NO_HINTS: dict[str, Any] = {"masked": (), "closed_namespace": "", "query": ""}


def fold(state: RunState, happened: Entry | Event) -> RunState:
    """Give the state after one event; an entry also brings its place and its working time."""
    if not isinstance(happened, Entry):
        return _FOLDS[type(happened)](state, happened)
    after = _FOLDS[type(happened.event)](state, happened.event)
    return _with(
        after,
        run_id=happened.run_id,
        last_seq=happened.seq,
        seconds=after.seconds + happened.seconds,
    )


def fold_entries(entries: Iterable[Entry]) -> RunState:
    """Give the state that a whole journal comes to."""
    state = RunState()
    for entry in entries:
        state = fold(state, entry)
    return state


def _with(state: RunState, **changes: Any) -> RunState:
    return state.model_copy(update=changes)


def _with_step(
    state: RunState, step_id: str, change: Callable[[StepState], dict[str, Any]]
) -> tuple[StepState, ...]:
    return tuple(
        step.model_copy(update=change(step)) if step.step.id == step_id else step
        for step in state.steps
    )


def _one_more_failure(step: StepState) -> dict[str, Any]:
    return {"failures": step.failures + 1}


def _counted(counts: Mapping[str, int], key: str, by: int = 1) -> dict[str, int]:
    return {**counts, key: counts.get(key, 0) + by}


def _run_started(state: RunState, event: events.RunStarted) -> RunState:
    return _with(state, request=event.request, status="running")


def _run_resumed(state: RunState, event: events.RunResumed) -> RunState:
    if state.status in FINAL:
        return state
    words = {"approve": event.approve} | ({"budget": event.budget} if event.budget else {})
    request = state.request and state.request.model_copy(update=words)
    changes: dict[str, Any] = {"request": request, "error": "", "error_code": ""}
    if state.status == "incomplete":
        changes["steps"] = _reopened(state.steps)
    if state.status != "running":
        # What was said when the run came to rest is not the answer to its rest.
        changes |= {"status": "running", "answer": ""}
    if state.verdict and state.verdict.kind == "stop":
        changes |= _NO_PROPOSAL
    return _with(state, **changes)


def _question_answered(state: RunState, event: events.QuestionAnswered) -> RunState:
    return _with(state, replan_reason=f"The person answers: {event.text}", deflected=True)


def _reopened(steps: tuple[StepState, ...]) -> tuple[StepState, ...]:
    """Open what was not wholly done, and what follows from it; what succeeded is kept."""
    again: set[str] = set()
    for step in steps:
        partly = step.status == "done" and bool(step.step.over and step.note)
        if step.status == "failed" or partly or again.intersection(step.step.sources):
            again.add(step.step.id)
    return tuple(
        step.model_copy(update={"status": "open", "failures": 0, "note": "", "why": ""})
        if step.step.id in again
        else step
        for step in steps
    )


def _model_called(state: RunState, event: events.ModelCalled) -> RunState:
    counted = _with(state, usage=state.usage + event.usage, model_calls=state.model_calls + 1)
    if event.role != "planner" or not event.keep:
        return counted
    reply = (Message(role="assistant", content=event.reply),) if event.reply else ()
    return _with(counted, transcript=counted.transcript + event.appended + reply)


def _transcript_renewed(state: RunState, event: events.TranscriptRenewed) -> RunState:
    return _with(state, transcript=event.messages, disclosed=(), examples={})


def _plan_made(state: RunState, event: events.PlanMade) -> RunState:
    kept = {old.step.id: old for old in state.steps if old.step.id in event.kept}
    return _with(
        state,
        plan=event.plan,
        steps=tuple(_kept_or_open(step, kept) for step in event.plan.steps),
        replans=state.replans + (state.plan is not None),
        replan_reason="",
        note="",
        held=(),
        **_NO_PROPOSAL,
        **_NO_HINTS,
    )


def _kept_or_open(step: PlanStep, kept: Mapping[str, StepState]) -> StepState:
    return kept.get(step.id) or StepState(step=step)


def _plan_refused(state: RunState, event: events.PlanRefused) -> RunState:
    note = "; ".join(event.problems)
    return _with(state, note=note, deflected=state.deflected or event.deflection)


def _tools_disclosed(state: RunState, event: events.ToolsDisclosed) -> RunState:
    shown = {event.example: len(state.transcript)} if event.example else {}
    return _with(
        state,
        turns=state.turns + 1,
        disclosed=state.disclosed + event.added,
        examples={**state.examples, **shown},
    )


def _call_proposed(state: RunState, event: events.CallProposed) -> RunState:
    return _with(
        state,
        proposal=event.proposal,
        polls=0,
        verdict=None,
        approval=None,
        masked=(),
        closed_namespace="",
    )


def _decision_failed(state: RunState, event: events.DecisionFailed) -> RunState:
    return _with(
        state,
        steps=_with_step(state, event.step, _one_more_failure),
        note=event.reason,
        refusals=_counted(state.refusals, event.code),
        masked=(event.tool,) if event.tool else (),
        # Where a held step failed, it is decided again before anything that comes after it.
        held=_held_without(state, event.step),
        **_NO_PROPOSAL,
    )


def _held_without(state: RunState, step: str) -> tuple[Proposal, ...]:
    return tuple(proposal for proposal in state.held if proposal.step != step)


def _tools_searched(state: RunState, event: events.ToolsSearched) -> RunState:
    return _with(state, query=event.query, note=f"searched for {event.query!r}", masked=())


def _folder_looked_into(state: RunState, event: events.FolderLookedInto) -> RunState:
    looks = {**state.looks, event.look.folder: event.look}
    return _with(state, looks=looks, executed=state.executed + 1)


def _verdict_given(state: RunState, event: events.VerdictGiven) -> RunState:
    kind = event.verdict.kind
    if kind in {"allow", "ask"}:
        return _permitted(state, event)
    if kind == "stop":
        code = event.verdict.code or kind
        return _with(state, verdict=event.verdict, error=event.verdict.reason, error_code=code)
    return _refused(state, event)


def _permitted(state: RunState, event: events.VerdictGiven) -> RunState:
    if state.proposal is None or state.proposal.id != event.proposal:
        return state
    if event.held:
        return _with(state, held=(*state.held, state.proposal), **_NO_PROPOSAL, **_NO_HINTS)
    # A new verdict is a new question: what was granted to an older one does not answer it.
    return _with(state, verdict=event.verdict, approval=None)


def _refused(state: RunState, event: events.VerdictGiven) -> RunState:
    verdict = event.verdict
    changes: dict[str, Any] = {
        "proposal": None,
        "approval": None,
        "verdict": verdict,
        "note": verdict.reason,
        "refusals": _counted(state.refusals, verdict.code or verdict.kind),
    }
    if verdict.kind == "replan":
        changes["replan_reason"] = verdict.reason or verdict.code or verdict.kind
    else:
        changes |= {"masked": verdict.mask, "closed_namespace": verdict.close_namespace}
        if state.proposal and verdict.code not in LOOP_CODES:
            changes["steps"] = _with_step(state, state.proposal.step, _one_more_failure)
    return _with(state, **changes)


def _approval_asked(state: RunState, event: events.ApprovalAsked) -> RunState:
    return _with(state, approval=event.approval)


def _approval_given(state: RunState, event: events.ApprovalGiven) -> RunState:
    asked, proposal = state.approval, state.proposal
    if asked is None or proposal is None or asked.granted is not None:
        return state
    if (asked.digest, asked.proposal) != (event.digest, proposal.id):
        return state
    if event.granted:
        return _with(state, approval=asked.model_copy(update={"granted": True}))
    return _with(
        state,
        steps=_with_step(state, proposal.step, _one_more_failure),
        note=f"a person refused {proposal.tool}",
        refusals=_counted(state.refusals, "denied"),
        **_NO_PROPOSAL,
    )


def _call_intended(state: RunState, event: events.CallIntended) -> RunState:
    others = tuple(intent for intent in state.intended if intent[0] != event.id)
    intended = (*others, (event.id, event.call, event.parent))
    if state.verdict and state.verdict.code == ToolOutcomeUnknown.code:
        # The leave to repeat a call is used up by repeating it: should the process die again,
        # a person is asked again.
        return _with(state, intended=intended, approval=None)
    return _with(state, intended=intended)


def _call_settled(state: RunState, event: events.CallSettled) -> RunState:
    settled, ok = _settled(state, event), event.outcome.ok
    if event.poll:
        return _polled(state, event, settled)
    wrote = ok and not settled.reused and settled.effect != "read"
    handled = _with_step(state, event.step, lambda step: _with_call(state, step, event))
    return _with(
        state,
        intended=tuple(intent for intent in state.intended if not _settles(event, intent)),
        executed=state.executed + (not settled.reused),
        settled=(*state.settled, settled),
        steps=handled if ok else state.steps,
        writes=state.writes + wrote,
        usage=state.usage + event.outcome.usage,
        model_calls=state.model_calls + event.outcome.model_calls,
    )


def _polled(state: RunState, event: events.CallSettled, settled: SettledCall) -> RunState:
    """The state after a call was repeated: what it found now is what the step has found.

    A repetition that failed leaves what was found before.
    """
    return _with(
        state,
        intended=tuple(intent for intent in state.intended if not _settles(event, intent)),
        executed=state.executed + 1,
        settled=tuple(
            settled if event.outcome.ok and call.id == event.id else call for call in state.settled
        ),
        polls=max(state.polls, event.poll),
        usage=state.usage + event.outcome.usage,
        model_calls=state.model_calls + event.outcome.model_calls,
    )


def _settles(event: events.CallSettled, intent: tuple[str, ToolCall, int]) -> bool:
    """Whether an intent is answered: its own call came to something, or an equal one did."""
    intent_id, call, _ = intent
    return intent_id == event.id or (
        not event.reused and call_fingerprint(call.tool, call.arguments) == event.fingerprint
    )


def _with_call(state: RunState, step: StepState, event: events.CallSettled) -> dict[str, Any]:
    """A step's handle is what its own namespace returned, or a tool that serves it better.

    Any other call elsewhere is a detour.
    """
    proposal = state.proposal_of(event.id)
    serves = proposal is not None and proposal.serves
    own = serves or split_name(event.tool)[0] == step.step.namespace
    return {"calls": (*step.calls, event.id)} if own else {}


def _settled(state: RunState, event: events.CallSettled) -> SettledCall:
    outcome, proposal = event.outcome, state.proposal_of(event.id)
    return SettledCall(
        id=event.id,
        step=event.step,
        parent=event.parent,
        tool=event.tool,
        fingerprint=event.fingerprint,
        # Without its proposal nothing is known of the call, so the worst is assumed.
        effect=proposal.effect if proposal else "egress",
        outcome=outcome,
        result=result_digest(outcome.data if outcome.ok else outcome.error),
        world=state.writes,
        reused=bool(event.reused),
        likeness=_likeness(proposal, event),
        plan=state.replans,
    )


def _likeness(proposal: Proposal | None, event: events.CallSettled) -> str:
    """Of the proposed call that this is the outcome of; "" where the proposal is not known."""
    proposed, _, index = event.id.rpartition(".")
    if proposal is None or proposal.id != proposed or not index.isdecimal():
        return ""
    call = next(iter(proposal.calls[int(index) : int(index) + 1]), None)
    return call_likeness(call.tool, call.arguments) if call else ""


def _step_closed(state: RunState, event: events.StepClosed) -> RunState:
    closed = {"status": event.status, "note": event.note, "why": event.why}
    steps = _with_step(state, event.step, lambda _: closed)
    held = _held_without(state, event.step)
    if held != state.held:
        # It says nothing of the step at hand, which was decided while this one was held.
        return _with(state, steps=steps, held=held)
    return _with(state, steps=steps, **_NO_PROPOSAL, **_NO_HINTS)


def _replan_asked(state: RunState, event: events.ReplanAsked) -> RunState:
    return _with(state, replan_reason=event.reason)


def _answer_given(state: RunState, event: events.AnswerGiven) -> RunState:
    return _with(state, answer=event.text)


def _run_ended(state: RunState, event: events.RunEnded) -> RunState:
    if state.status in FINAL:
        return state
    return _with(
        state,
        status=event.status,
        error=event.error or state.error,
        error_code=event.code or state.error_code,
    )


_FOLDS: Mapping[type[Frozen], Callable[[RunState, Any], RunState]] = {
    events.RunStarted: _run_started,
    events.RunResumed: _run_resumed,
    events.QuestionAnswered: _question_answered,
    events.ModelCalled: _model_called,
    events.TranscriptRenewed: _transcript_renewed,
    events.PlanMade: _plan_made,
    events.PlanRefused: _plan_refused,
    events.ToolsDisclosed: _tools_disclosed,
    events.CallProposed: _call_proposed,
    events.DecisionFailed: _decision_failed,
    events.ToolsSearched: _tools_searched,
    events.FolderLookedInto: _folder_looked_into,
    events.VerdictGiven: _verdict_given,
    events.ApprovalAsked: _approval_asked,
    events.ApprovalGiven: _approval_given,
    events.CallIntended: _call_intended,
    events.CallSettled: _call_settled,
    events.StepClosed: _step_closed,
    events.ReplanAsked: _replan_asked,
    events.AnswerGiven: _answer_given,
    events.RunEnded: _run_ended,
}
