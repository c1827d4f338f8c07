"""The loop breaker: same call and same result is a repeat, anything else is progress.

Levels, after the detectors in the field and the reports of where they fail:

- L1 identical call in an unchanged world: answered from what is known, then refused with the
  tool hidden, then a new plan, then the end.
- L2 a cycle of two to four calls, repeated three times with equal results: a new plan.
- L3 no progress: six settled calls, or three equal errors, that brought nothing new.
- L4 a namespace that the step is not about: closed for one turn after three turns.

Every count is over the whole run, survives a resume, and includes refused calls.
"""

from collections.abc import Sequence

from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.runs import Proposal, RunState, SettledCall
from orchestrator.core.tools import ToolCall, split_name
from orchestrator.core.verdicts import ALLOW, Verdict

CYCLE_PERIODS = (2, 3, 4)
CYCLE_REPEATS = 3
STALLED_CALLS = 6
EQUAL_ERRORS = 3
FOREIGN_TURNS = 3
REFUSALS_BEFORE_STOP = 3
REPEATED = "repeated_call"


def loop_verdict(state: RunState, proposal: Proposal) -> Verdict:
    """What the breaker says of a proposal; the first level that objects decides."""
    for level in (_foreign, _identical, _cycle, _stalled):
        verdict = level(state, proposal)
        if verdict != ALLOW:
            return verdict
    return ALLOW


def answering_call(state: RunState, call: ToolCall) -> SettledCall | None:
    """The settled call that already answers this one: identical, and no write came since."""
    wanted = call_fingerprint(call.tool, call.arguments)
    return next(
        (
            settled
            for settled in reversed(state.settled)
            if settled.fingerprint == wanted
            and settled.outcome.ok
            and settled.world + (settled.effect != "read") == state.writes
        ),
        None,
    )


def _identical(state: RunState, proposal: Proposal) -> Verdict:
    answers = {
        index: settled
        for index, call in enumerate(proposal.calls)
        if (settled := answering_call(state, call) or _done_before(state, proposal, index))
    }
    if not answers:
        return ALLOW
    reuse = {index: settled.id for index, settled in answers.items()}
    if len(answers) < len(proposal.calls):
        return Verdict(kind="allow", reason="Some of it was done before.", reuse=reuse)
    return _ladder(state, proposal, reuse)


def _done_before(state: RunState, proposal: Proposal, index: int) -> SettledCall | None:
    """The write that this item of this step has already had, whatever was written since."""
    call = proposal.calls[index]
    wanted = (
        proposal.step,
        proposal.parents[index],
        call_fingerprint(call.tool, call.arguments),
    )
    return next(
        (
            settled
            for settled in state.settled
            if (settled.step, settled.parent, settled.fingerprint) == wanted
            and settled.outcome.ok
            and settled.effect != "read"
        ),
        None,
    )


def _ladder(state: RunState, proposal: Proposal, reuse: dict[int, str]) -> Verdict:
    calls = proposal.calls
    wanted = {call_fingerprint(call.tool, call.arguments) for call in calls}
    served = sum(call.reused and call.fingerprint in wanted for call in state.settled)
    again = f"{proposal.tool} was already called with these arguments and nothing has changed."
    if served < len(calls):
        reason = f"{again} Here is its result."
        return Verdict(kind="allow", code=REPEATED, reason=reason, reuse=reuse)
    if state.refusals.get(REPEATED, 0) < REFUSALS_BEFORE_STOP:
        return Verdict(
            kind="redirect",
            code=REPEATED,
            reason=f"{again} Choose another tool.",
            mask=(proposal.tool,),
        )
    return _give_up(state, f"{again} It was refused {REFUSALS_BEFORE_STOP} times.")


def _cycle(state: RunState, proposal: Proposal) -> Verdict:
    history = [(call.fingerprint, call.result) for call in state.settled]
    period = next((p for p in CYCLE_PERIODS if _repeats(history, p)), None)
    if period is None:
        return ALLOW
    last = state.settled[-period * CYCLE_REPEATS :]
    next_in_cycle = last[0].fingerprint
    if all(call_fingerprint(c.tool, c.arguments) != next_in_cycle for c in proposal.calls):
        return ALLOW
    return _give_up(
        state, f"The same {period} calls came {CYCLE_REPEATS} times with equal results."
    )


def _repeats(history: Sequence[tuple[str, str]], period: int) -> bool:
    span = period * CYCLE_REPEATS
    if len(history) < span:
        return False
    tail = history[-span:]
    return all(tail[i] == tail[i % period] for i in range(span)) and len(set(tail[:period])) > 1


def _stalled(state: RunState, proposal: Proposal) -> Verdict:
    if all(call.tool != proposal.tool for call in state.settled[-STALLED_CALLS:]):
        return ALLOW
    last = state.settled[-EQUAL_ERRORS:]
    errors = [call.outcome.error for call in last if not call.outcome.ok]
    if len(errors) == EQUAL_ERRORS and len({(call.tool, call.step) for call in last}) == 1:
        if len(set(errors)) > 1 or last[0].tool != proposal.tool or _batch(last):
            return ALLOW
        code = last[0].outcome.code or "tool_failed"
        return _give_up(state, f"{last[0].tool} failed {EQUAL_ERRORS} times alike ({code}).")
    recent = state.settled[-STALLED_CALLS:]
    if _batch(recent) or any(call.effect != "read" and call.outcome.ok for call in recent):
        return ALLOW
    known = {call.result for call in state.settled[:-STALLED_CALLS]}
    if len(recent) < STALLED_CALLS or not known or any(c.result not in known for c in recent):
        return ALLOW
    return _give_up(state, f"The last {STALLED_CALLS} calls brought nothing new.")


def _batch(calls: Sequence[SettledCall]) -> bool:
    """Whether the calls are items of one fan-out, which is one act however many items fail."""
    return len({call.parent for call in calls}) == len(calls) and calls[0].parent >= 0


def _foreign(state: RunState, proposal: Proposal) -> Verdict:
    step = state.plan.step(proposal.step) if state.plan else None
    namespace = split_name(proposal.tool)[0]
    if step is None or namespace == step.namespace:
        return ALLOW
    calls = [call for call in state.settled if call.step == proposal.step]
    foreign = {_turn(call) for call in calls if split_name(call.tool)[0] == namespace}
    if len(foreign) < FOREIGN_TURNS:
        return ALLOW
    if state.refusals.get("namespace_fixation", 0) >= REFUSALS_BEFORE_STOP:
        return _give_up(state, f"The step is about {step.namespace}, not {namespace}.")
    return Verdict(
        kind="redirect",
        code="namespace_fixation",
        reason=f"This step is about {step.namespace}; {namespace} is closed for one turn.",
        close_namespace=namespace,
    )


def _turn(call: SettledCall) -> str:
    """The proposal that a call was part of: a fan-out is one act, however many its items."""
    return call.id.rpartition(".")[0]


def _give_up(state: RunState, reason: str) -> Verdict:
    """A new plan the first time, the end of the run the second."""
    if state.refusals.get("loop_replan", 0):
        return Verdict(kind="stop", code="loop_detected", reason=reason)
    return Verdict(kind="replan", code="loop_replan", reason=reason)
