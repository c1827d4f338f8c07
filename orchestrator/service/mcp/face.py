"""Ferryman as an MCP server: its runs as tools, over stdio and over HTTP.

A request that is cancelled, or whose client goes away, lets go of its run and does not end it: a
run has effects, and most clients give up after a minute. The tool `cancel` ends a run.
"""

import json
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import mcp_types as types
from fastapi import FastAPI
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import (  # type: ignore[attr-defined]
    AuthenticatedUser,
    StreamableHTTPSessionManager,
)
from mcp.shared.exceptions import MCPError
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from orchestrator.core.errors import OrchestratorError, RunNotFound, ServiceBusy, Unauthorized
from orchestrator.service.context import Service
from orchestrator.service.errors import body_of
from orchestrator.service.gate.auth import caller_of
from orchestrator.service.gate.keys import LOCAL, Caller
from orchestrator.service.mcp.acts import Request
from orchestrator.service.mcp.tools import BY_NAME, TOOLS, Tool, call

PATH = "/mcp"
MOST_SESSIONS = 1000
IDLE_S = 1800.0
INSTRUCTIONS = """\
Ferryman carries a task across tools on small local models. Start one with run_task. A run asks a
person before it changes what its policy protects: show them the calls, and pass on their word with
approve. A run goes on when a request ends; get_run waits for it, list_runs finds it again."""
_CALLER = "ferryman.caller"
_SEE_LOG = "The log of the service has the details."
_log = logging.getLogger("ferryman.service")
Context = ServerRequestContext[Any, Any]


class McpFace:
    """The tools of one service, for the callers of one transport.

    Args:
        service: Whose runs they are.
        local: Who asks where the transport does not say: over stdio there are no keys.
    """

    def __init__(self, service: Service, local: Caller = LOCAL) -> None:
        self._service = service
        self._local = local
        self.server: Server[Any] = Server(
            "ferryman",
            version=_version(),
            title="Ferryman",
            instructions=INSTRUCTIONS,
            get_tool_input_schema=_input_schema,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def _list(
        self, context: Context, _page: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        caller = self._caller(context)
        offered = [_described(tool) for tool in TOOLS if tool.offered_to(caller)]
        return types.ListToolsResult(tools=offered)

    async def _call(
        self, context: Context, asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = BY_NAME.get(asked.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {asked.name!r}.")
        request = Request(self._service, self._caller(context), partial(_told, context))
        try:
            given = await call(tool, request, asked.arguments or {})
        except OrchestratorError as error:
            return _failed(error)
        except Exception:  # noqa: BLE001 - the last place that can answer
            # The SDK would tell the client the exception's own words.
            _log.exception("The tool %s failed.", tool.name)
            return _error("internal", "The service could not do this.", _SEE_LOG)
        value = given.model_dump(mode="json")
        return types.CallToolResult(content=[_text(json.dumps(value))], structured_content=value)

    def _caller(self, context: Context) -> Caller:
        scope = getattr(context.request, "scope", None)
        caller: Caller = self._local if scope is None else scope[_CALLER]
        return caller


async def serve_stdio(
    opened: Callable[[], AbstractAsyncContextManager[Service]],
    local: Caller = LOCAL,
    *,
    drain_s: float,
) -> None:
    """Serve one client over stdin and stdout until it closes them.

    The streams are taken before the service is opened: what else writes to stdout, an engine that
    loads its model for one, is written to stderr from then on.
    """
    async with stdio_server() as (requests, replies), opened() as service:
        server = McpFace(service, local).server
        try:
            await server.run(requests, replies, server.create_initialization_options())
        finally:
            service.draining.set()
            await service.dispatcher.drain(within_s=drain_s)


def mount_mcp(app: FastAPI, service: Service) -> None:
    """Serve the tools over streamable HTTP below `/mcp`, to callers with a key.

    A session belongs to the key that opened it; to every other one it does not exist.
    """
    endpoint = _Endpoint(service)
    within = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(started: FastAPI) -> AsyncIterator[Any]:
        async with within(started) as state, endpoint.open():
            yield state

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route(PATH, endpoint, include_in_schema=False))


class _Endpoint:
    """Lets callers in and hands them to the SDK's transport."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be there for requests."""
        self._manager = StreamableHTTPSessionManager(
            McpFace(self._service).server,
            max_request_body_size=self._service.limits.body_bytes,
            session_idle_timeout=IDLE_S,
            max_sessions=MOST_SESSIONS,
        )
        try:
            async with self._manager.run():
                yield
        finally:
            self._manager = None

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            Unauthorized: It carries no key that is known.
            ServiceBusy: The service is starting or going down.
        """
        if self._manager is None:
            raise ServiceBusy("The service does not take MCP requests now.")
        caller = caller_of(scope, self._service.keyring)
        if caller is None:
            raise Unauthorized("This service asks for a key, and the request has none it knows.")
        known = AccessToken(
            token="", client_id=caller.name, scopes=sorted(caller.scopes), subject=caller.tenant
        )
        entered = {**scope, _CALLER: caller, "user": AuthenticatedUser(known)}
        await self._manager.handle_request(entered, receive, send)


def _version() -> str:
    try:
        return version("ferryman")
    except PackageNotFoundError:
        # A checkout on the path is not installed.
        return "0"


async def _told(context: Context, seq: float, line: str) -> None:
    await context.session.report_progress(seq, message=line)


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.about,
        input_schema=tool.takes.model_json_schema(),
        output_schema=tool.gives.model_json_schema(mode="serialization"),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.reads,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.repeatable,
            open_world_hint=tool.reaches_out,
        ),
    )


def _input_schema(name: str) -> Mapping[str, Any] | None:
    tool = BY_NAME.get(name)
    return tool.takes.model_json_schema() if tool else None


def _failed(error: OrchestratorError) -> types.CallToolResult:
    told = body_of(error).error
    hint = told.hint
    if isinstance(error, RunNotFound):
        hint = "list_runs has your runs."
    elif isinstance(error, ServiceBusy):
        hint = f"Try again in {max(1, math.ceil(error.retry_after_s))} seconds."
    return _error(told.code, told.message, hint)


def _error(code: str, message: str, hint: str) -> types.CallToolResult:
    text = f"error[{code}]: {message}\nhint: {hint}"
    return types.CallToolResult(content=[_text(text)], is_error=True)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
