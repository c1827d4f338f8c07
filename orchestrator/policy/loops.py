"""The loop breaker: same call and same result is a repeat, anything else is progress.

Levels, after the detectors in the field and the reports of where they fail:

- L1 identical call in an unchanged world: answered from what is known, then refused with the
  tool hidden, then a new plan, then the end. A read that three spellings of the same call have
  answered alike counts as identical however it is spelled.
- L2 a cycle of two to eight calls, repeated three times with equal results: a new plan.
- L3 no progress: six settled calls of a step, or three equal errors, that brought nothing new.
- A call that failed is not made again with the same arguments in the same attempt at its step,
  unless the error says that it may pass: the tool is hidden, and the step counts a failure.
- L4 a namespace that the step is not about: closed for one turn after three turns.

Every count is over the whole run, survives a resume, and includes refused calls. A new plan has
two calls of its own before what came before it counts against it.
"""

import re
from collections.abc import Sequence

from orchestrator.core.errors import ToolFailed
from orchestrator.core.fingerprints import call_fingerprint, call_likeness
from orchestrator.core.runs import Proposal, RunState, SettledCall
from orchestrator.core.tools import ToolCall, split_name
from orchestrator.core.verdicts import ALLOW, Verdict

CYCLE_PERIODS = (2, 3, 4, 5, 6, 7, 8)
"""The longest period is that of the detectors in the field; longer ones meet the budget."""

CYCLE_REPEATS = 3
"""Two rounds are how an edit is tested again; nothing honest comes a third time unchanged."""

STALLED_CALLS = 6
"""The length of the histories in which the detectors in the field look for A, B, A, B."""

EQUAL_ERRORS = 3
"""A busy server is asked again twice; detectors in the field stop at three or four."""

ALIKE_CALLS = 3
"""Two names may differ in case alone and both be empty; a third that is too shows a habit."""

FOREIGN_TURNS = 3
REFUSALS_BEFORE_STOP = 3
TRIES_OF_A_PLAN = 2
"""Calls that a new plan may make before it is blamed for those of the plan before."""

REPEATED = "repeated_call"
_PASSING = re.compile(
    r"\b(?:429|5\d\d|busy|temporar\w*|tim(?:ed?|ing)[ -]?out|unavailable|try again|retry|locked"
    r"|overloaded|rate|refused|reset|away|down|offline|not (?:yet )?(?:ready|available))\b",
    re.IGNORECASE,
)
"""What an error says that may well be over when the same is asked again."""


def loop_verdict(state: RunState, proposal: Proposal) -> Verdict:
    """What the breaker says of a proposal; the first level that objects decides."""
    for level in (_foreign, _identical, _failed_before, _cycle, _failing, _stalled):
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
            if settled.fingerprint == wanted and settled.outcome.ok and _same_world(state, settled)
        ),
        None,
    )


def _same_world(state: RunState, settled: SettledCall) -> bool:
    """Whether nothing was written since, but for what its own proposal wrote."""
    if settled.world + _wrote(settled) == state.writes:
        return True
    return _wrote(settled) and _turn(settled) == _last_writing_turn(state)


def _last_writing_turn(state: RunState) -> str:
    """The proposal that wrote last; the calls of one proposal stand together."""
    return next(_turn(call) for call in reversed(state.settled) if _wrote(call) and not call.reused)


def _wrote(call: SettledCall) -> bool:
    return call.outcome.ok and call.effect != "read"


def _identical(state: RunState, proposal: Proposal) -> Verdict:
    answers = {
        index: settled
        for index, call in enumerate(proposal.calls)
        if (
            settled := answering_call(state, call)
            or _done_before(state, proposal, index)
            or _alike(state, proposal)
        )
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
    fingerprint = call_fingerprint(call.tool, call.arguments)
    wanted = (proposal.step, proposal.parents[index], fingerprint)
    return next(
        (
            settled
            for settled in state.settled
            if (settled.step, settled.parent, settled.fingerprint) == wanted and _wrote(settled)
        ),
        None,
    )


def _alike(state: RunState, proposal: Proposal) -> SettledCall | None:
    """The read that answers this one too; the items of a fan-out are only what they are called."""
    if len(proposal.calls) > 1 or proposal.effect != "read":
        return None
    wanted = call_likeness(proposal.tool, proposal.calls[0].arguments)
    alike = [
        settled
        for settled in state.settled
        if settled.likeness == wanted
        and settled.parent < 0
        and settled.outcome.ok
        and not settled.reused
        and _same_world(state, settled)
    ]
    if len(alike) < ALIKE_CALLS or len({settled.result for settled in alike}) > 1:
        return None
    return alike[-1]


def _ladder(state: RunState, proposal: Proposal, reuse: dict[int, str]) -> Verdict:
    calls = proposal.calls
    again = f"{proposal.tool} was already called with these arguments and nothing has changed."
    if _served(state, proposal) < len(calls):
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


def _served(state: RunState, proposal: Proposal) -> int:
    """How often this step was given the known result; another step may ask for it once more."""
    wanted = {call_fingerprint(call.tool, call.arguments) for call in proposal.calls}
    alike = {call_likeness(call.tool, call.arguments) for call in proposal.calls}
    return sum(
        call.reused
        and call.step == proposal.step
        and (call.fingerprint in wanted or call.likeness in alike)
        for call in state.settled
    )


def _failed_before(state: RunState, proposal: Proposal) -> Verdict:
    """A call that failed in this attempt at the step would fail again: nothing has changed.

    A server that was busy, slow or gone is asked again; a step that was reopened, by a resume or a
    new plan, starts afresh, for a person may have mended what was wrong.
    """
    attempts = next((s.failures for s in state.steps if s.step.id == proposal.step), 0)
    failed = {
        call.fingerprint
        for call in state.settled
        if call.step == proposal.step
        and call.plan == state.replans
        and not call.outcome.ok
        and call.outcome.code == ToolFailed.code
        and not _PASSING.search(call.outcome.error)
        and _same_world(state, call)
    }
    wanted = {call_fingerprint(call.tool, call.arguments) for call in proposal.calls}
    if not attempts or not wanted or not wanted <= failed:
        return ALLOW
    reason = f"{proposal.tool} failed with these very arguments and nothing has changed."
    return Verdict(kind="redirect", code="failed_before", reason=reason, mask=(proposal.tool,))


def _cycle(state: RunState, proposal: Proposal) -> Verdict:
    history = [(call.fingerprint, call.result) for call in state.settled]
    period = next((p for p in CYCLE_PERIODS if _repeats(history, p)), None)
    if period is None:
        return ALLOW
    next_in_cycle = history[-period * CYCLE_REPEATS][0]
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


def _failing(state: RunState, proposal: Proposal) -> Verdict:
    """Three equal errors in a row of one tool in one step, or of one call in the same world."""
    failed = _failed_alike(state, proposal)
    if _is_new_plan(state) or len(failed) < EQUAL_ERRORS or _batch(failed):
        return ALLOW
    code = failed[-1].outcome.code or "tool_failed"
    return _give_up(state, f"{proposal.tool} failed {EQUAL_ERRORS} times alike ({code}).")


def _failed_alike(state: RunState, proposal: Proposal) -> Sequence[SettledCall]:
    last = state.settled[-EQUAL_ERRORS:]
    alike = {(call.tool, call.step, call.outcome.ok, call.result) for call in last}
    if alike == {(proposal.tool, proposal.step, False, last[0].result if last else "")}:
        return last
    wanted = {call_fingerprint(call.tool, call.arguments) for call in proposal.calls}
    before = [c for c in state.settled if c.fingerprint in wanted and _same_world(state, c)]
    tries = before[-EQUAL_ERRORS:] if len(wanted) == 1 else []
    equal = all(not call.outcome.ok and call.result == tries[0].result for call in tries)
    return tries if equal else []


def _stalled(state: RunState, proposal: Proposal) -> Verdict:
    recent = state.settled[-STALLED_CALLS:]
    mine = {call.step for call in recent} == {proposal.step}
    if not mine or _is_new_plan(state) or _batch(recent):
        return ALLOW
    if all(call.tool != proposal.tool for call in recent):
        return ALLOW
    if any(_wrote(call) for call in recent):
        return ALLOW
    known = {call.result for call in state.settled[:-STALLED_CALLS]}
    if any(call.result not in known for call in recent):
        return ALLOW
    return _give_up(state, f"The last {STALLED_CALLS} calls brought nothing new.")


def _is_new_plan(state: RunState) -> bool:
    """Whether the plan has had no chance yet to do better than the one it replaced."""
    return sum(call.plan == state.replans for call in state.settled) < TRIES_OF_A_PLAN


def _batch(calls: Sequence[SettledCall]) -> bool:
    """Whether the calls are items of one fan-out, which is one act however many items fail."""
    return len({call.parent for call in calls}) == len(calls)


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
