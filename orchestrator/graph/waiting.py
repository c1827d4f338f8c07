"""Waiting for something: the same reading calls again, with pauses, and no model in between."""

import asyncio

from orchestrator.core.errors import InvalidPlan, RunCancelled
from orchestrator.core.events import CallIntended, CallSettled, Event, RunEnded, StepClosed
from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import Proposal, RunState
from orchestrator.core.tools import ToolOutcome
from orchestrator.graph.context import RunContext
from orchestrator.policy.budgets import objection
from orchestrator.policy.conditions import all_hold, written
from orchestrator.policy.endings import new_plan_or_failure
from orchestrator.policy.handles import reading, settled_by_id

POLLS = 60
SHORTEST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0


async def waited(context: RunContext, proposal: Proposal) -> Event | None:
    """Repeat the calls whose result is not yet what the step waits for, until it is.

    Returns:
        What ends the waiting early; None when nothing is waited for any longer.
    """
    step = next((s for s in context.state.steps if s.step.id == proposal.step), None)
    if step is None or proposal.effect != "read":
        return None
    try:
        while left := _unmet(context.state, step.step, proposal):
            if ending := _no_more(context.state, step.step, proposal, len(left)):
                return ending
            poll = context.state.polls + 1
            await context.clock.sleep(pause(poll))
            outcomes = await _again(context, proposal, left, poll)
            if any(outcome.code == RunCancelled.code for outcome in outcomes):
                return RunEnded(
                    status="cancelled", error="The run was cancelled.", code=RunCancelled.code
                )
    except InvalidPlan as error:
        reason = f"{step.step.id}: {error.message} {error.hint}"
        return new_plan_or_failure(context.state, step, reason)
    return None


def pause(poll: int) -> float:
    """Seconds before the nth repetition: doubling, up to a limit."""
    return min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** (poll - 1))


def _unmet(run: RunState, step: PlanStep, proposal: Proposal) -> list[int]:
    """The calls that succeeded and whose result is not yet what the step waits for."""
    calls = settled_by_id(run)
    made = [calls.get(proposal.call_id(index)) for index in range(len(proposal.calls))]
    return [
        index
        for index, call in enumerate(made)
        if call is not None
        and call.outcome.ok
        and not all_hold(step.wait_until, reading(step.id, call))
    ]


def _no_more(run: RunState, step: PlanStep, proposal: Proposal, calls: int) -> Event | None:
    """Why nothing is repeated any more."""
    if proposal.tool in run.client_tools:
        note = f"{written(step.wait_until)} does not hold, and the client makes a call only once."
        return StepClosed(step=step.id, status="failed", note=note)
    if run.polls >= POLLS:
        note = f"It was looked at {POLLS} more times and {written(step.wait_until)} never held."
        return StepClosed(step=step.id, status="failed", note=note)
    if reason := objection(run, calls=calls):
        return RunEnded(status="stopped", error=reason, code="budget_exceeded")
    return None


async def _again(
    context: RunContext, proposal: Proposal, left: list[int], poll: int
) -> list[ToolOutcome]:
    limit = asyncio.Semaphore(context.parallel_calls)

    async def one(index: int) -> ToolOutcome:
        async with limit:
            return await _repeated(context, proposal, index, poll)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(index)) for index in left]
    return [task.result() for task in tasks]


async def _repeated(context: RunContext, proposal: Proposal, index: int, poll: int) -> ToolOutcome:
    first = proposal.calls[index]
    # Its own key: a server must not answer it with what it said before.
    call = first.model_copy(update={"key": f"{first.key}:{poll}" if first.key else ""})
    call_id, parent = proposal.call_id(index), proposal.parents[index]
    await context.happened(CallIntended(id=call_id, step=proposal.step, parent=parent, call=call))
    outcome = await context.toolset.call(call)
    await context.happened(
        CallSettled(
            id=call_id,
            step=proposal.step,
            parent=parent,
            tool=call.tool,
            fingerprint=call_fingerprint(call.tool, call.arguments),
            outcome=outcome,
            poll=poll,
        )
    )
    return outcome
