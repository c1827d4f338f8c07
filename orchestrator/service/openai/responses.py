"""Responses: a task whose result can be streamed, waited for, or looked up later by its id."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.core.chat import Message
from orchestrator.core.errors import OrchestratorError, RunConflict, RunNotFound, ServiceBusy
from orchestrator.core.events import Entry
from orchestrator.core.runs import RunState
from orchestrator.journal.fold import fold_entries
from orchestrator.service.context import Service, service_of
from orchestrator.service.errors import answer_to, body_of
from orchestrator.service.gate.auth import Reader, Runner
from orchestrator.service.gate.keys import Caller
from orchestrator.service.openai.attending import (
    NEVER_AGAIN,
    RUN_HEADER,
    Attended,
    asks_caller,
    begun,
    entries_of,
    gone_on,
    own_state,
)
from orchestrator.service.openai.chat_stream import streamed
from orchestrator.service.openai.client_calls import rule_of, specs_of
from orchestrator.service.openai.model_names import Wish, check_may_ask, request_of
from orchestrator.service.openai.narration import Narration
from orchestrator.service.openai.parameters import refuse_unserved
from orchestrator.service.openai.responses_story import Story
from orchestrator.service.openai.responses_wire import (
    BACKGROUND_KEY,
    PREVIOUS_KEY,
    ResponseRequest,
    parted,
    response_id,
    turns_of,
)
from orchestrator.service.openai.resting import said
from orchestrator.service.openai.turns import Conversation, Turn, conversation
from orchestrator.service.sse import frame

router = APIRouter(prefix="/v1/responses", tags=["openai"])
Here = Annotated[Service, Depends(service_of)]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.post("", responses=STREAM)
async def create(
    asked: ResponseRequest, request: Request, caller: Runner, service: Here
) -> Response:
    """Carry out a task; in the background when asked to, else the run ends with its client."""
    check_may_ask(service, caller, asked.model)
    refuse_unserved(asked.model_extra or {})
    told = conversation(
        [Turn("system", rule_of(asked.tool_choice)), *turns_of(asked)], param="input"
    )
    run = await _attended(asked, told, caller, service)
    return await _response(asked, run, request)


@router.get("/{response_id}", responses=STREAM)
async def retrieve(
    response_id: str,
    caller: Reader,
    service: Here,
    *,
    stream: bool = False,
    starting_after: Annotated[int, Query(ge=-1, lt=2**53)] = -1,
) -> Response:
    """Look a response up; streamed, its events from any number on, and what comes still."""
    run_id, since = await _own(service, caller, response_id)
    if not stream:
        return JSONResponse(await _so_far(service, run_id, since))
    before = [entry for entry in await entries_of(service, run_id) if entry.seq <= since]
    run = Attended(service, run_id, Narration(fold_entries(before)), detached=True)
    return _streamed(run, after=starting_after)


@router.post("/{response_id}/cancel")
async def cancel(response_id: str, caller: Runner, service: Here) -> Response:
    """Cancel the run of a response, unless it is over, and show what it came to."""
    run_id, since = await _own(service, caller, response_id)
    await service.dispatcher.cancel(run_id)
    return JSONResponse(await _so_far(service, run_id, since))


async def _attended(
    asked: ResponseRequest, told: Conversation, caller: Caller, service: Service
) -> Attended:
    """The run that a request starts, or goes on with."""
    detached = bool(asked.background)
    if told.results:
        return await gone_on(service, caller, told.results, param="input", detached=detached)
    history: tuple[Message, ...] = told.history
    thread = ""
    if asked.previous_response_id:
        run_id, _ = parted(asked.previous_response_id, param="previous_response_id")
        previous = await own_state(service, caller, run_id)
        if previous.status == "needs_input":
            await service.dispatcher.answer(run_id, told.goal)
            return Attended(service, run_id, Narration(previous), detached=detached)
        history = _continued(previous, told.history)
        thread = (previous.request.thread if previous.request else "") or run_id
    wish = Wish(
        model=asked.model,
        goal=told.goal,
        history=history,
        tools=specs_of(asked.tools or (), asked.tool_choice),
        tokens=asked.max_output_tokens,
        calls=asked.max_tool_calls,
        thread=thread,
        metadata=_metadata(asked),
    )
    return await begun(service, request_of(service, caller, wish), detached=detached)


def _continued(previous: RunState, new: tuple[Message, ...]) -> tuple[Message, ...]:
    """The history of a run that comes after another one: instructions are the new ones only.

    Raises:
        RunConflict: The other one is still at work, or waits for results.
    """
    if previous.status in {"running", "waiting_tools"} or previous.request is None:
        what = "is still at work" if previous.status == "running" else "waits for results of tools"
        raise RunConflict(
            f"The response {response_id(previous.run_id)} {what}.",
            hint="Wait until it has ended, or give what it waits for.",
            param="previous_response_id",
        )
    before = [message for message in previous.request.history if message.role != "system"]
    rules = [message for message in new if message.role == "system"]
    turns = [message for message in new if message.role != "system"]
    goal = Message(role="user", content=previous.request.goal)
    answer = Message(role="assistant", content=said(previous))
    return (*rules, *before, goal, answer, *turns)


def _metadata(asked: ResponseRequest) -> dict[str, str]:
    metadata = dict(asked.metadata or {})
    if asked.previous_response_id:
        metadata[PREVIOUS_KEY] = asked.previous_response_id
    if asked.background:
        metadata[BACKGROUND_KEY] = "true"
    return metadata


async def _response(asked: ResponseRequest, run: Attended, request: Request) -> Response:
    if asked.stream:
        response: Response = _streamed(run)
    elif asked.background:
        response = JSONResponse(await _so_far(run.service, run.run_id, run.since))
    else:
        response = await _whole(run, request)
    response.headers[RUN_HEADER] = run.run_id
    return response


async def _whole(run: Attended, request: Request) -> Response:
    try:
        if await run.heard_out_for(request) is None:
            return Response(status_code=499)  # as nobody reads it, only the log does
    except ServiceBusy as busy:
        response = answer_to(busy)
        response.headers.update(NEVER_AGAIN)
        return response
    return JSONResponse(await _so_far(run.service, run.run_id, run.since))


def _streamed(run: Attended, *, after: int = -1) -> Response:
    farewell = (_failed(run.going_down),)
    return streamed(run.service, _frames(run, after=after), farewell=farewell)


async def _frames(run: Attended, *, after: int = -1) -> AsyncGenerator[bytes]:
    """The events of a response whose number is greater, until the run is over or rests."""
    story = Story(run.run_id, since=run.since)
    last: Entry | None = None
    try:
        async with aclosing(run.entries()) as entries:
            async for last, line in entries:
                for event in story.take(last, line, run.told):
                    if event["sequence_number"] > after:
                        yield _framed(event)
    except OrchestratorError as error:
        yield _failed(error)
        return
    for event in story.ended(last, run.told):
        if event["sequence_number"] > after:
            yield _framed(event)


def _failed(error: OrchestratorError) -> bytes:
    told = body_of(error).error
    return _framed({"type": "error", **told.model_dump(include={"code", "message", "param"})})


def _framed(event: dict[str, Any]) -> bytes:
    return frame(json.dumps(event, ensure_ascii=False), event=event["type"])


async def _so_far(service: Service, run_id: str, since: int) -> dict[str, Any]:
    """A response as its run's journal tells it now.

    Raises:
        RunNotFound: The run has no entry after which a response begins there.
    """
    entries = await entries_of(service, run_id)
    told = Narration(fold_entries(entry for entry in entries if entry.seq <= since))
    story = Story(run_id, since=since)
    last: Entry | None = None
    for last in _stretch(entries, since):
        list(story.take(last, told.take(last), told))
    if last is None:
        raise RunNotFound(f"There is no response {response_id(run_id, since)!r}.")
    if told.state.status != "running":
        list(story.ended(last, told))
    elif last.seq == since + 1:
        story.response["status"] = "queued"
    return story.response


def _stretch(entries: list[Entry], since: int) -> Iterator[Entry]:
    """The entries of one response: what follows the results that the caller gives is the next."""
    for entry in entries:
        if entry.seq > since:
            yield entry
            if asks_caller(entry):
                return


async def _own(service: Service, caller: Caller, given: str) -> tuple[str, int]:
    """The run of a response of the caller, and where in its journal the response begins.

    Raises:
        RunNotFound: The caller has no such response.
    """
    run_id, since = parted(given)
    head = await service.directory.head(run_id)
    if head is None or head.tenant != caller.tenant:
        raise RunNotFound(f"There is no response {given[:80]!r}.")
    return run_id, since
