"""Chat completions: the last message is a task, and the reply is what it came to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.core.errors import ServiceBusy
from orchestrator.service.context import Service, service_of
from orchestrator.service.errors import answer, answer_to
from orchestrator.service.gate.auth import Runner
from orchestrator.service.openai import asides
from orchestrator.service.openai.attending import NEVER_AGAIN, RUN_HEADER, Attended, begun, gone_on
from orchestrator.service.openai.chat_stream import aside_frames, farewell, frames_of, streamed
from orchestrator.service.openai.chat_wire import (
    ChatCompletionRequest,
    Reply,
    completion,
    said_aside,
    turns_of,
)
from orchestrator.service.openai.client_calls import rule_of, specs_of
from orchestrator.service.openai.model_names import Wish, check_may_ask, request_of
from orchestrator.service.openai.parameters import refuse_unserved
from orchestrator.service.openai.turns import Turn, conversation

router = APIRouter(tags=["openai"])
DETACH = "ferryman_detach"
"""The metadata key by which a client lets its run go on without it; `true` asks for it."""


@router.post(
    "/v1/chat/completions",
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def complete(
    asked: ChatCompletionRequest,
    request: Request,
    caller: Runner,
    service: Annotated[Service, Depends(service_of)],
    detach: Annotated[str, Header(alias="x-ferryman-detach")] = "",
) -> Response:
    """Carry out the task of the last message; tools run here, except those of the request."""
    check_may_ask(service, caller, asked.model)
    refuse_unserved(asked.model_extra or {})
    turns = turns_of(asked.messages)
    if asides.is_aside(turns):
        return await _aside(service, asked, turns[-1].text)
    metadata = asked.metadata or {}
    detached = "true" in {detach, metadata.get(DETACH)}
    told = conversation([Turn("system", rule_of(asked.tool_choice)), *turns], param="messages")
    if told.results:
        run = await gone_on(service, caller, told.results, param="messages", detached=detached)
    else:
        wish = Wish(
            model=asked.model,
            goal=told.goal,
            history=told.history,
            tools=specs_of([tool.function for tool in asked.tools or ()], asked.tool_choice),
            tokens=asked.tokens,
            seed=max(0, asked.seed or 0),
            metadata=metadata,
        )
        run = await begun(service, request_of(service, caller, wish), detached=detached)
    return await _reply(asked, run, request)


async def _reply(asked: ChatCompletionRequest, run: Attended, request: Request) -> Response:
    """The reply as it was asked for, with the run it comes from in a header."""
    reply = _begun(run.service, asked, run.run_id)
    if asked.stream:
        response: Response = streamed(run.service, frames_of(run, reply), farewell=farewell(run))
    else:
        response = await _whole(run, reply, request)
    response.headers[RUN_HEADER] = run.run_id
    return response


async def _whole(run: Attended, reply: Reply, request: Request) -> Response:
    try:
        lines = await run.heard_out_for(request)
    except ServiceBusy as busy:
        response = answer_to(busy)
        response.headers.update(NEVER_AGAIN)
        return response
    if lines is None:
        return Response(status_code=499)  # as nobody reads it, only the log does
    if run.failed:
        status, body = run.failed
        return answer(status, body, NEVER_AGAIN)
    return JSONResponse(completion(reply, run.told, "\n".join(lines)))


async def _aside(service: Service, asked: ChatCompletionRequest, text: str) -> Response:
    words, told = await asides.answered(service, text, tokens=asked.tokens)
    reply = _begun(service, asked, "aside")
    if asked.stream:
        return streamed(service, aside_frames(reply, words, told))
    return JSONResponse(said_aside(reply, words, told))


def _begun(service: Service, asked: ChatCompletionRequest, name: str) -> Reply:
    options = asked.stream_options
    return Reply(
        name,
        model=asked.model,
        created=int(service.clock.now().timestamp()),
        usage=bool(options and options.include_usage),
    )
