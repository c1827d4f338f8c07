"""One living session with an MCP server, its task groups kept inside one task of its own."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import anyio
import mcp_types as types
from mcp import ClientSession, MCPError
from mcp.client.session import IncomingMessage
from pydantic import TypeAdapter, ValidationError

from adapters.tools.mcp_lines import TOO_LARGE
from orchestrator.core.errors import ToolError, ToolFailed, ToolOutputTooLarge, ToolUnavailable

IDEMPOTENCY_META = "ferryman/idempotency-key"
MAX_TOOL_PAGES = 1_000
_CLOSE_S = 2.0
_LAST_WORDS_S = 0.5
_LIMIT_CLOSE_S = 10.0
_MODERN_ONLY = {types.UNSUPPORTED_PROTOCOL_VERSION, types.METHOD_NOT_FOUND}
_SESSION_GONE = "Session terminated"

CallResult = types.CallToolResult | types.InputRequiredResult
_RESULT: TypeAdapter[CallResult] = TypeAdapter(CallResult)


class Transport(Protocol):
    """A way to a server, used for one connection."""

    ended: bool
    flooded: bool

    def streams(self) -> AbstractAsyncContextManager[tuple[Any, Any]]:
        """Open the way for as long as the context lasts."""
        ...

    def diagnosis(self) -> str:
        """Tell what is known of the server, for messages."""
        ...


class ConnectionDied(Exception):
    """The session ended under a call; `delivered` is False when the call surely never left."""

    def __init__(self, message: str, *, delivered: bool) -> None:
        super().__init__(message)
        self.delivered = delivered


class Connection:
    """A session that may be opened, used and closed from different tasks.

    anyio requires that a task group is left by the task that entered it; the session and its
    transport are made of task groups, so one owner task enters and leaves them all.
    """

    def __init__(self, transport: Transport, *, start_timeout_s: float) -> None:
        self._transport = transport
        self._start_timeout_s = start_timeout_s
        self._settled = asyncio.Event()
        self._leave = asyncio.Event()
        self._scope = anyio.CancelScope()
        self._session: ClientSession | None = None
        self._failure: BaseException | None = None
        self._owner: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._retired = False
        self._tools: tuple[types.Tool, ...] = ()
        self._stale = False

    @property
    def alive(self) -> bool:
        """Whether a call may be sent."""
        return self._session is not None and not (self._transport.ended or self._retired)

    @property
    def ended(self) -> bool:
        """Whether nothing of the session is left."""
        return self._owner is None or self._owner.done()

    async def open(self) -> None:
        """Start the server, agree on a protocol version, and read the list of tools.

        Raises:
            ToolUnavailable: The server did not start, did not answer, or answered nonsense.
        """
        self._owner = asyncio.create_task(self._live())
        try:
            await self._settled.wait()
        except BaseException:
            self._scope.cancel()
            self._leave.set()
            raise
        if self._session is None:
            failure = self._failure or ConnectionDied("closed while starting", delivered=False)
            raise ToolUnavailable(self._why(failure)) from failure

    async def close(self) -> None:
        """End the session and the server; returns within a bounded time."""
        self._leave.set()
        if self._owner is None:
            return
        if not self._settled.is_set():
            self._scope.cancel()
        await asyncio.wait({self._owner}, timeout=_LIMIT_CLOSE_S)
        self._owner.cancel()

    def retire(self) -> None:
        """Take no more calls, and end as soon as those under way are answered."""
        self._retired = True
        if not self._in_flight:
            self._leave.set()

    async def tools(self) -> tuple[types.Tool, ...]:
        """The server's tools; asked for again after the server said that they changed.

        Raises:
            ConnectionDied: The session ended meanwhile.
            ToolFailed: The server no longer lists its tools.
        """
        if self._stale and self._session is not None:
            self._stale = False
            try:
                self._tools = await _all_tools(self._session)
            except (MCPError, ValidationError) as error:
                self._stale = True
                raise self._meaning(error, delivered=False) from error
        return self._tools

    async def call(self, name: str, arguments: dict[str, Any], key: str) -> CallResult:
        """Send one call and wait for its result.

        Raises:
            ConnectionDied: The session ended before the result came.
            ToolError: The server answered with an error, a flood, or no result at all.
        """
        session = self._session
        if session is None or self._transport.ended:
            raise ConnectionDied(self._transport.diagnosis(), delivered=False)
        self._transport.flooded = False
        self._in_flight += 1
        try:
            return await session.send_request(_request(name, arguments, key), _RESULT)
        except (MCPError, ValidationError, ValueError, RuntimeError) as error:
            await self._last_words(error)
            raise self._meaning(error, delivered=True) from error
        finally:
            self._in_flight -= 1
            if self._retired and not self._in_flight:
                self._leave.set()

    def diagnosis(self) -> str:
        """What is known of the server, for messages."""
        return self._transport.diagnosis()

    async def _live(self) -> None:
        try:
            with self._scope:
                async with (
                    self._transport.streams() as (inbox, outbox),
                    ClientSession(inbox, outbox, message_handler=self._hear) as session,
                ):
                    with anyio.fail_after(self._start_timeout_s):
                        await self._introduce(session)
                    self._session = session
                    self._settled.set()
                    await self._leave.wait()
                    self._scope.deadline = anyio.current_time() + _CLOSE_S
        except Exception as error:  # noqa: BLE001 - whatever ended the session is told to its callers
            self._failure = _root(error)
        finally:
            self._session = None
            self._settled.set()

    async def _introduce(self, session: ClientSession) -> None:
        try:
            await session.initialize()
        except MCPError as error:
            if error.code not in _MODERN_ONLY:
                raise
            await session.discover()
        self._tools = await _all_tools(session)

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self._stale = True

    async def _last_words(self, error: Exception) -> None:
        """Wait for the reason when the way to the server fell: it is known a moment later."""
        if _closed(error) and self._owner is not None and not self._transport.ended:
            await asyncio.wait({self._owner}, timeout=_LAST_WORDS_S)

    def _meaning(self, error: Exception, *, delivered: bool) -> ToolError | ConnectionDied:
        if self._transport.flooded or (isinstance(error, MCPError) and error.code == TOO_LARGE):
            return ToolOutputTooLarge("The server's reply is longer than may be taken in.")
        if not isinstance(error, MCPError):
            return ToolFailed(f"The server's answer is not a tool result: {_said(error)}")
        if _closed(error):
            return ConnectionDied(self._why(self._failure or error), delivered=delivered)
        if error.message == _SESSION_GONE:
            return ConnectionDied(error.message, delivered=False)
        return ToolFailed(error.message)

    def _why(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError):
            reason = f"it did not answer within {self._start_timeout_s:g} s."
        else:
            reason = f"{str(error) or type(error).__name__}."
        return f"{reason} {self._transport.diagnosis()}".strip()


def _request(name: str, arguments: dict[str, Any], key: str) -> types.CallToolRequest:
    meta: Any = {IDEMPOTENCY_META: key} if key else None
    return types.CallToolRequest(
        params=types.CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
    )


async def _all_tools(session: ClientSession) -> tuple[types.Tool, ...]:
    tools: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(MAX_TOOL_PAGES):
        params = types.PaginatedRequestParams(cursor=cursor) if cursor else None
        page = await session.list_tools(params=params)
        tools.extend(page.tools)
        if not page.next_cursor or page.next_cursor == cursor:
            break
        cursor = page.next_cursor
    return tuple(tools)


def _closed(error: Exception) -> bool:
    return isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED


def _said(error: Exception) -> str:
    """What is wrong with an answer, without repeating parts of the answer itself."""
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    said = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)
    return "; ".join(said)[:500]


def _root(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
