"""act: carry out the calls of allowed proposals, each with its intent written before it."""

import asyncio
import functools

from langgraph.runtime import Runtime

from orchestrator.core.events import (
    CallIntended,
    CallSettled,
    DecisionFailed,
    Event,
    RunEnded,
    StepClosed,
    VerdictGiven,
)
from orchestrator.core.fingerprints import call_fingerprint, canonical_json
from orchestrator.core.runs import Proposal, RunState, SettledCall
from orchestrator.core.tools import split_name
from orchestrator.core.verdicts import Verdict
from orchestrator.graph.client_tools import rest_for_client
from orchestrator.graph.context import RunContext
from orchestrator.graph.judging import judged
from orchestrator.graph.state import GraphState
from orchestrator.graph.waiting import waited
from orchestrator.journal.fold import fold
from orchestrator.journal.next_node import next_node, standing_approval
from orchestrator.journal.together import together
from orchestrator.policy.budgets import objection

UNKNOWN = "tool_outcome_unknown"


async def act(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Carry out what was decided: the held proposals with the one at hand, or before it."""
    while next_node(state["run"]) == "act":
        state = await _act(runtime.context, together(state["run"]))
    return state


async def _act(context: RunContext, group: tuple[Proposal, ...]) -> GraphState:
    """Make the calls that are not settled yet, then close the steps or say what failed."""
    if unknown := _unknown(context, group):
        return await context.happened(unknown)
    await _carry_out(context, group)
    if unknown := _unknown(context, group):
        return await context.happened(unknown)
    if rest := rest_for_client(context.state):
        return await context.happened(rest)
    if reason := _unfinished(context.state, group):
        stopped = RunEnded(status="stopped", error=reason, code="budget_exceeded")
        return await context.happened(stopped)
    conclusions = _conclusions(context.state, group)
    if isinstance(conclusions[0], StepClosed) and (ending := await waited(context, group[0])):
        return await context.happened(ending)
    return await context.happened(*conclusions, *_judged_anew(context, conclusions))


def _judged_anew(context: RunContext, conclusions: list[Event]) -> list[Event]:
    """The verdict on a proposal that comes after the held ones, now that they are done."""
    after = functools.reduce(fold, conclusions, context.state)
    if after.proposal is None or after.status != "running":
        return []
    return judged(context, after, after.proposal)


def _unfinished(run: RunState, group: tuple[Proposal, ...]) -> str:
    """The limit that kept some of the calls from being made; a resume with more goes on there."""
    settled = {call.id for call in run.settled}
    ids = [each.call_id(index) for each in group for index in range(len(each.calls))]
    return "" if settled.issuperset(ids) else objection(run, calls=1)


def _unknown(context: RunContext, group: tuple[Proposal, ...]) -> Event | None:
    """The question to ask before a call is repeated whose first outcome nobody knows.

    Held proposals only read, and what only reads may be repeated unasked. The client knows
    itself what became of the calls that it makes.
    """
    run, proposal = context.state, context.state.proposal
    if proposal is None or proposal not in group or proposal.tool in run.client_tools:
        return None
    begun = {call_fingerprint(call.tool, call.arguments) for _, call, _ in run.intended}
    unsafe = [
        call
        for call in proposal.calls
        if call_fingerprint(call.tool, call.arguments) in begun
        and not context.specs[call.tool].retry_safe
    ]
    verdict, approval = run.verdict, standing_approval(run)
    about_this = verdict is not None and verdict.code == UNKNOWN
    if not unsafe or (about_this and approval is not None and approval.granted):
        return None
    them = ", ".join(canonical_json(call.arguments) for call in unsafe)
    repeats = "it" if len(unsafe) == 1 else "each of them"
    reason = (
        f"{unsafe[0].tool} was begun and nobody knows whether it was done:"
        f" {them}. Granting this repeats {repeats}."
    )
    reuse = verdict.reuse if verdict else {}
    asked = Verdict(kind="ask", code=UNKNOWN, reason=reason, reuse=reuse)
    return VerdictGiven(proposal=proposal.id, verdict=asked)


async def _carry_out(context: RunContext, group: tuple[Proposal, ...]) -> None:
    """Make the calls of all of them in parallel."""
    limit = asyncio.Semaphore(context.parallel_calls)
    async with asyncio.TaskGroup() as tasks:
        for proposal in group:
            tasks.create_task(_make_calls(context, proposal, limit))


async def _make_calls(context: RunContext, proposal: Proposal, limit: asyncio.Semaphore) -> None:
    """Make every call once, in parallel; equal calls of one proposal share one outcome."""
    settled = {call.id for call in context.state.settled}
    first: dict[str, int] = {}
    for index, call in enumerate(proposal.calls):
        first.setdefault(call_fingerprint(call.tool, call.arguments), index)

    async def one(index: int, answered: str) -> None:
        if proposal.call_id(index) not in settled:
            async with limit:
                if not objection(context.state, calls=1):
                    await _settle(context, proposal, index, answered)

    at_hand = context.state.verdict if proposal == context.state.proposal else None
    reuse = at_hand.reuse if at_hand else {}
    async with asyncio.TaskGroup() as group:
        for index in first.values():
            group.create_task(one(index, reuse.get(index, "")))
    for index, call in enumerate(proposal.calls):
        original = first[call_fingerprint(call.tool, call.arguments)]
        if original != index:
            await one(index, proposal.call_id(original))


async def _settle(context: RunContext, proposal: Proposal, index: int, answered: str) -> None:
    call = proposal.calls[index]
    known = next((c for c in context.state.settled if answered and c.id == answered), None)
    intended = CallIntended(
        id=proposal.call_id(index),
        step=proposal.step,
        parent=proposal.parents[index],
        call=call,
    )
    if known is None and call.tool in context.state.client_tools:
        await _ask_client(context, intended, answered)
        return
    if known is None:
        await context.happened(intended)
        outcome = await context.toolset.call(call)
        if outcome.code == UNKNOWN and not context.specs[call.tool].retry_safe:
            return  # The intent stays open: a person is asked before anything is repeated.
    else:
        outcome = known.outcome
    settled = CallSettled(
        id=intended.id,
        step=proposal.step,
        parent=intended.parent,
        tool=call.tool,
        fingerprint=call_fingerprint(call.tool, call.arguments),
        outcome=outcome,
        reused=answered,
    )
    await context.happened(settled)


async def _ask_client(context: RunContext, intended: CallIntended, answered: str) -> None:
    """Leave a call to the client, once; one that an equal call will answer waits for that."""
    begun = any(intent[0] == intended.id for intent in context.state.intended)
    if not begun and not answered:
        await context.happened(intended)


def _conclusions(run: RunState, group: tuple[Proposal, ...]) -> list[Event]:
    """What follows for each of them; where one was cancelled, the run's end comes last, once."""
    found = [_conclusion(run, proposal) for proposal in group]
    return list(dict.fromkeys(sorted(found, key=lambda event: isinstance(event, RunEnded))))


def _conclusion(run: RunState, proposal: Proposal) -> Event:
    mine = [call for call in run.settled if call.id.rpartition(".")[0] == proposal.id]
    failed = [call for call in mine if not call.outcome.ok]
    cancelled = [call for call in failed if call.outcome.code == "run_cancelled"]
    if cancelled:
        return RunEnded(status="cancelled", error="The run was cancelled.", code="run_cancelled")
    if len(failed) == len(mine):
        return DecisionFailed(step=proposal.step, code="tool_failed", reason=_codes(failed))
    step = run.plan.step(proposal.step) if run.plan else None
    elsewhere = step is None or split_name(proposal.tool)[0] != step.namespace
    if elsewhere and not proposal.serves:
        return _elsewhere(proposal, step.namespace if step else "")
    return StepClosed(step=proposal.step, status="done", note=_note(mine, failed))


def _note(mine: list[SettledCall], failed: list[SettledCall]) -> str:
    """What is missing from a step that is done: failed calls, and results that were cut."""
    notes = [f"{len(failed)} of {len(mine)} failed. {_words(failed)}"] if failed else []
    cut = [call for call in mine if _is_cut(call)]
    if cut:
        notes.append(f"{cut[0].tool} gave only a part of its result.")
    return " ".join(notes)


def _is_cut(call: SettledCall) -> bool:
    data = call.outcome.data
    return isinstance(data, dict) and data.get("truncated") is True


def _elsewhere(proposal: Proposal, namespace: str) -> Event:
    reason = f"{proposal.tool} was called, but this step is still open: it is about {namespace}."
    return DecisionFailed(step=proposal.step, code="step_open", reason=reason)


def _codes(failed: list[SettledCall]) -> str:
    """What the planner may know of a failure: its kind, never the words a tool put into it."""
    codes = ", ".join(dict.fromkeys(call.outcome.code or "tool_failed" for call in failed))
    return f"{failed[0].tool} failed for all of {len(failed)} calls ({codes})."


def _words(failed: list[SettledCall]) -> str:
    errors = dict.fromkeys(call.outcome.error for call in failed)
    return " ".join(f"{failed[0].tool} failed: {error}" for error in list(errors)[:2])
