"""act: carry out the calls of an allowed proposal, each with its intent written before it."""

import asyncio

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
from orchestrator.graph.context import RunContext
from orchestrator.graph.state import GraphState
from orchestrator.graph.waiting import waited
from orchestrator.journal.next_node import standing_approval
from orchestrator.policy.budgets import objection

UNKNOWN = "tool_outcome_unknown"


async def act(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Make the calls that are not settled yet, then close the step or say what failed."""
    context, run = runtime.context, state["run"]
    proposal = run.proposal
    if proposal is None:
        return state
    if unknown := _unknown(context, run, proposal):
        return await context.happened(unknown)
    await _carry_out(context, proposal)
    if unknown := _unknown(context, context.state, proposal):
        return await context.happened(unknown)
    if reason := _unfinished(context.state, proposal):
        stopped = RunEnded(status="stopped", error=reason, code="budget_exceeded")
        return await context.happened(stopped)
    conclusion = _conclusion(context.state, proposal)
    if isinstance(conclusion, StepClosed) and (ending := await waited(context, proposal)):
        return await context.happened(ending)
    return await context.happened(conclusion)


def _unfinished(run: RunState, proposal: Proposal) -> str:
    """The limit that kept some of the calls from being made; a resume with more goes on there."""
    settled = {call.id for call in run.settled}
    missing = [i for i in range(len(proposal.calls)) if proposal.call_id(i) not in settled]
    return objection(run, calls=1) if missing else ""


def _unknown(context: RunContext, run: RunState, proposal: Proposal) -> Event | None:
    """The question to ask before a call is repeated whose first outcome nobody knows."""
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
    reason = (
        f"{unsafe[0].tool} was begun and nobody knows whether it was done:"
        f" {canonical_json(unsafe[0].arguments)}. Granting this repeats it."
    )
    reuse = verdict.reuse if verdict else {}
    asked = Verdict(kind="ask", code=UNKNOWN, reason=reason, reuse=reuse)
    return VerdictGiven(proposal=proposal.id, verdict=asked)


async def _carry_out(context: RunContext, proposal: Proposal) -> None:
    """Make every call once, in parallel; equal calls of one proposal share one outcome."""
    limit = asyncio.Semaphore(context.parallel_calls)
    settled = {call.id for call in context.state.settled}
    first: dict[str, int] = {}
    for index, call in enumerate(proposal.calls):
        first.setdefault(call_fingerprint(call.tool, call.arguments), index)

    async def one(index: int, answered: str) -> None:
        if proposal.call_id(index) not in settled:
            async with limit:
                if not objection(context.state, calls=1):
                    await _settle(context, proposal, index, answered)

    reuse = context.state.verdict.reuse if context.state.verdict else {}
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
