"""The native API: start runs, watch them event by event, decide, answer, cancel, resume."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from starlette.requests import Request

from orchestrator.core.errors import (
    Forbidden,
    InvalidRequest,
    OrchestratorError,
    RunConflict,
    RunNotFound,
    ServiceBusy,
)
from orchestrator.core.events import Entry, RunHead
from orchestrator.core.fingerprints import digest
from orchestrator.core.runs import RunRequest, RunState, RunStatus
from orchestrator.service.context import Service, service_of
from orchestrator.service.dispatch.dispatcher import Delta
from orchestrator.service.errors import told
from orchestrator.service.gate.auth import Approver, Reader, Runner
from orchestrator.service.gate.keys import Caller
from orchestrator.service.native.wire import (
    Answer,
    ApprovalList,
    Decision,
    Grant,
    NewRun,
    PlanView,
    Results,
    Resume,
    RunList,
    RunView,
    item_of,
    request_of,
    view_of,
)
from orchestrator.service.sse import EventStream, frame, kept_alive


def nothing_unknown(request: Request) -> None:
    """A dependency that refuses a query parameter which the route does not have.

    Raises:
        InvalidRequest: There is one; a misspelt one is never without effect.
    """
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    if unknown := [name for name in request.query_params if name not in known]:
        raise InvalidRequest(
            f"{unknown[0]!r} is no parameter of this route.",
            hint=f"It has {', '.join(sorted(known)) or 'none'}.",
        )


router = APIRouter(prefix="/v1", tags=["runs"], dependencies=[Depends(nothing_unknown)])
ID_LENGTH = 32
Here = Annotated[Service, Depends(service_of)]
RunId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[str, Query(pattern=r"^[0-9A-Za-z_-]{0,64}$")]
Once = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{0,255}$")]
After = Annotated[int, Query(ge=0, lt=2**53)]
LastSeen = Annotated[int, Header(alias="Last-Event-ID", ge=-1, lt=2**53)]


@router.post("/runs", status_code=201, responses={200: {"model": RunView}})
async def create(
    new: NewRun, service: Here, caller: Runner, response: Response, once: Once = ""
) -> RunView:
    """Start a run; it is durable when this answers.

    The same Idempotency-Key with the same body gives the same run, however often it is sent.
    """
    if new.approve == "yes" and not caller.may("approve"):
        raise Forbidden("A run with approve=yes needs a key with the scope 'approve'.")
    request = request_of(
        new, tenant=caller.tenant, places=_places(new, service), budget=service.budget
    )
    if not once:
        run_id, made = await service.dispatcher.start(request, plan_only=new.plan_only), True
    else:
        run_id, made = await _started_once(service, request, once, plan_only=new.plan_only)
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return await _view(service, await _own(service, caller, run_id))


@router.get("/runs")
async def listed(
    service: Here,
    caller: Reader,
    *,
    limit: Limit = 50,
    before: Before = "",
    status: RunStatus | None = None,
    thread: Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]*$")] = None,
) -> RunList:
    """List the caller's runs, newest first; `before` is the id of a run to go on after."""
    heads = await service.directory.heads(
        limit + 1,
        tenant=caller.tenant,
        thread=thread,
        statuses=(status,) if status else (),
        before=before,
    )
    return RunList(data=[item_of(head) for head in heads[:limit]], has_more=len(heads) > limit)


@router.get("/approvals")
async def approvals(
    service: Here, caller: Reader, *, limit: Limit = 50, before: Before = ""
) -> ApprovalList:
    """List the caller's runs that wait for a yes, each with exactly what it asks."""
    heads = await service.directory.heads(
        limit + 1, tenant=caller.tenant, statuses=("waiting_approval",), before=before
    )
    data = [await _view(service, head) for head in heads[:limit]]
    return ApprovalList(data=data, has_more=len(heads) > limit)


@router.get("/runs/{run_id}")
async def shown(run_id: RunId, service: Here, caller: Reader) -> RunView:
    """Show a run: what it came to, or what it waits for."""
    return await _view(service, await _own(service, caller, run_id))


@router.get("/runs/{run_id}/plan")
async def plan(run_id: RunId, service: Here, caller: Reader) -> PlanView:
    """Show the plan of a run and how far each step has come."""
    state = await _state(service, await _own(service, caller, run_id))
    return PlanView(id=run_id, plan=state.plan, steps=list(state.steps))


@router.get(
    "/runs/{run_id}/events",
    response_class=EventStream,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    run_id: RunId,
    service: Here,
    caller: Reader,
    *,
    after: After = 0,
    last_seen: LastSeen = -1,
    deltas: bool = False,
) -> EventStream:
    """Stream a run's journal: each entry once, in order, from any point on.

    `id` is the entry's number, `event` its type, `data` the entry. Last-Event-ID, which a browser
    sends by itself, goes before `after`. The event `end` says that the run is over or at rest.
    With `deltas` there are events `delta` with text as it is written, which no journal keeps.
    """
    await _own(service, caller, run_id)
    seen = after if last_seen < 0 else last_seen
    frames = _frames(service, run_id, after=seen, deltas=deltas)
    limits = service.limits
    return EventStream(kept_alive(frames, every_s=limits.keep_alive_s, until=service.draining))


@router.post("/runs/{run_id}/approve", status_code=202)
async def approve(run_id: RunId, grant: Grant, service: Here, caller: Approver) -> RunView:
    """Grant exactly the calls of this digest; edited ones are checked and carried out instead."""
    head = await _own(service, caller, run_id)
    await service.dispatcher.decide(
        run_id, digest=grant.digest, granted=True, by=caller.name, edited=grant.edited
    )
    return await _view(service, head)


@router.post("/runs/{run_id}/deny", status_code=202)
async def deny(run_id: RunId, decision: Decision, service: Here, caller: Approver) -> RunView:
    """Refuse the calls of this digest; the run looks for another way."""
    head = await _own(service, caller, run_id)
    await service.dispatcher.decide(run_id, digest=decision.digest, granted=False, by=caller.name)
    return await _view(service, head)


@router.post("/runs/{run_id}/answer", status_code=202)
async def answer(run_id: RunId, given: Answer, service: Here, caller: Runner) -> RunView:
    """Answer the question that the run put."""
    head = await _own(service, caller, run_id)
    await service.dispatcher.answer(run_id, given.text)
    return await _view(service, head)


@router.post("/runs/{run_id}/results", status_code=202)
async def results(run_id: RunId, given: Results, service: Here, caller: Runner) -> RunView:
    """Give what the client's own tools came to."""
    head = await _own(service, caller, run_id)
    outcomes = {call_id: result.outcome() for call_id, result in given.results.items()}
    await service.dispatcher.settle(run_id, outcomes)
    return await _view(service, head)


@router.post("/runs/{run_id}/cancel")
async def cancel(run_id: RunId, service: Here, caller: Runner) -> RunView:
    """Cancel a run that works or waits its turn; one that rests or is over stays as it is."""
    head = await _own(service, caller, run_id)
    await service.dispatcher.cancel(run_id)
    return await _view(service, head)


@router.post("/runs/{run_id}/resume", status_code=202)
async def resume(
    run_id: RunId, service: Here, caller: Runner, wish: Resume | None = None
) -> RunView:
    """Go on with a run that rests, stopped, failed or was cancelled."""
    head = await _own(service, caller, run_id)
    budget = None
    if wish and wish.budget:
        state = await _state(service, head)
        budget = wish.budget.over(state.request.budget if state.request else service.budget)
    await service.dispatcher.resume(run_id, budget=budget)
    return await _view(service, head)


def run_id_of(tenant: str, once: str) -> str:
    """The id of the run that an idempotency key stands for."""
    return digest(["idempotency", tenant, once])[:ID_LENGTH]


async def _started_once(
    service: Service, request: RunRequest, once: str, *, plan_only: bool
) -> tuple[str, bool]:
    """Start the run of an idempotency key, or find that it was: its id, and whether it is new.

    Raises:
        RunConflict: The key was used for another request.
    """
    run_id = run_id_of(request.tenant, once)
    if await service.directory.head(run_id) is None:
        try:
            return await service.dispatcher.start(request, run_id=run_id, plan_only=plan_only), True
        except OrchestratorError:
            # Two requests with one key came at once: the other one's run is the run.
            if await service.directory.head(run_id) is None:
                raise
    if (await service.dispatcher.state(run_id)).request != request:
        raise RunConflict(
            "This Idempotency-Key was used for another request.",
            hint="Send a new key with a new request.",
        )
    return run_id, False


def _places(new: NewRun, service: Service) -> dict[str, str]:
    """The folders of a request: inside the ones of the service, where it names any.

    Raises:
        Forbidden: A folder is none of them.
    """
    if new.places is None:
        return dict(service.places)
    known = [PurePosixPath(path) for path in service.places.values()]
    for name, path in new.places.items():
        wanted = PurePosixPath(path)
        inside = any(wanted.is_relative_to(folder) for folder in known)
        if not wanted.is_absolute() or ".." in wanted.parts or (known and not inside):
            raise Forbidden(
                f"places: {name!r} is no folder of this service.",
                hint="Name a folder inside the places of its config file, or leave places out.",
            )
    return new.places


async def _own(service: Service, caller: Caller, run_id: str) -> RunHead:
    """The run of that id if it is the caller's; a foreign run is as good as none.

    Raises:
        RunNotFound: The caller has no such run.
    """
    head = await service.directory.head(run_id)
    if head is None or head.tenant != caller.tenant:
        raise RunNotFound(f"There is no run {run_id}.")
    return head


async def _state(service: Service, head: RunHead) -> RunState:
    return await service.dispatcher.state(head.run_id)


async def _view(service: Service, head: RunHead) -> RunView:
    return view_of(head, await _state(service, head))


async def _frames(
    service: Service, run_id: str, *, after: int, deltas: bool
) -> AsyncGenerator[bytes]:
    """The frames of a run's entries, and the one that says that there will be no more."""
    last = after
    entries = service.dispatcher.follow(run_id, after=after, deltas=deltas)
    try:
        async with aclosing(entries):
            async for item in entries:
                last = item.seq if isinstance(item, Entry) else last
                yield _frame(item)
    except ServiceBusy:
        return  # the service goes down: the client comes back, and the run goes on
    except Exception as error:  # noqa: BLE001 - a stream that was begun can tell it no other way
        yield frame(told(error).model_dump_json(), event="error")
        return
    state = await service.dispatcher.state(run_id)
    yield frame(json.dumps({"status": state.status, "last_seq": last}), event="end")


def _frame(item: Entry | Delta) -> bytes:
    if isinstance(item, Entry):
        return frame(item.model_dump_json(), event=item.event.type, seq=item.seq)
    return frame(json.dumps({"role": item.role, "text": item.text}), event="delta")
