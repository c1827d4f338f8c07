"""What each tool of the MCP face does: the route of the native API that it stands for.

Tools and routes are one thing told twice, so scopes, tenants, places and idempotency keys hold for
both; a tool also waits, tells what happens meanwhile, and gives the run as it is afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.responses import Response

from orchestrator.core.errors import InvalidRequest, ServiceBusy
from orchestrator.core.events import Entry
from orchestrator.core.runs import RunState
from orchestrator.journal.fold import fold
from orchestrator.journal.sentences import sentence
from orchestrator.service.context import Service
from orchestrator.service.gate.keys import Caller
from orchestrator.service.mcp.words import (
    Decide,
    GetRun,
    GiveAnswer,
    GoOn,
    ListRuns,
    RunsTold,
    RunTask,
    RunTold,
    Stop,
    told,
)
from orchestrator.service.native import runs
from orchestrator.service.native.wire import Answer, Decision, Grant, NewRun

Tell = Callable[[float, str], Awaitable[None]]
"""Takes the number of a journal entry and what it says in a line."""


@dataclass(frozen=True)
class Request:
    """One call of a client: on which service, by whom, and who hears of its progress."""

    service: Service
    caller: Caller
    tell: Tell


async def run_task(request: Request, given: RunTask) -> RunTold:
    """Start a run and wait for it."""
    new = NewRun(goal=given.goal, places=given.places, approve=given.approve, thread=given.thread)
    view = await runs.create(new, request.service, request.caller, Response(), given.once)
    return await _watched(request, view.id, given.wait_seconds)


async def get_run(request: Request, given: GetRun) -> RunTold:
    """Show a run, once it is over, rests, or the time has passed."""
    view = await runs.shown(given.run_id, request.service, request.caller)
    if not given.wait_seconds:
        return told(view)
    return await _watched(request, view.id, given.wait_seconds, known=view.last_seq)


async def list_runs(request: Request, given: ListRuns) -> RunsTold:
    """List the caller's runs."""
    found = await runs.listed(
        request.service,
        request.caller,
        limit=given.limit,
        status=given.status,
        thread=given.thread,
    )
    return RunsTold(runs=tuple(found.data), has_more=found.has_more)


async def approve(request: Request, given: Decide) -> RunTold:
    """Give a person's word on exactly the calls of a digest."""
    service, caller = request.service, request.caller
    if given.granted:
        grant = Grant(digest=given.digest, edited=given.edited)
        view = await runs.approve(given.run_id, grant, service, caller)
    elif given.edited is not None:
        raise InvalidRequest(
            "Edited arguments come with granted=true.", hint="Leave `edited` out, or grant it."
        )
    else:
        decision = Decision(digest=given.digest)
        view = await runs.deny(given.run_id, decision, service, caller)
    return await _watched(request, view.id, given.wait_seconds, known=view.last_seq)


async def answer(request: Request, given: GiveAnswer) -> RunTold:
    """Give a person's answer to the question of a run."""
    said = Answer(text=given.text)
    view = await runs.answer(given.run_id, said, request.service, request.caller)
    return await _watched(request, view.id, given.wait_seconds, known=view.last_seq)


async def resume(request: Request, given: GoOn) -> RunTold:
    """Go on with a run that rests, stopped, failed or was cancelled."""
    view = await runs.resume(given.run_id, request.service, request.caller)
    return await _watched(request, view.id, given.wait_seconds, known=view.last_seq)


async def cancel(request: Request, given: Stop) -> RunTold:
    """End the work on a run; what was done stays done."""
    return told(await runs.cancel(given.run_id, request.service, request.caller))


async def _watched(request: Request, run_id: str, seconds: float, *, known: int = 0) -> RunTold:
    """Tell what happens in a run for so long at most, and then what it has come to."""
    service = request.service
    watching = asyncio.create_task(_follow(request, run_id, known))
    ends = (
        watching,
        asyncio.create_task(service.clock.sleep(seconds)),
        asyncio.create_task(service.draining.wait()),
    )
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            # A service that goes down has said all that it will: the run goes on when it is back.
            with suppress(ServiceBusy):
                watching.result()
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
    return told(await runs.shown(run_id, service, request.caller))


async def _follow(request: Request, run_id: str, known: int) -> None:
    state = RunState()
    async with aclosing(request.service.dispatcher.follow(run_id)) as entries:
        async for entry in entries:
            if not isinstance(entry, Entry):
                continue
            before, state = state, fold(state, entry)
            line = sentence(before, entry.event, state)
            if line and entry.seq > known:
                await request.tell(entry.seq, f"run {run_id}: {line}")
