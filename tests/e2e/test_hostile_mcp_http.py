"""Whatever a distant server does, its call ends in time, with a name for what went wrong."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager, closing, suppress

import anyio
import pytest

from adapters.tools.mcp import McpServerConfig, McpToolset
from orchestrator.core.errors import ToolUnavailable
from orchestrator.core.tools import ToolCall

pytestmark = pytest.mark.anyio

PATIENCE_S = 30
LIMIT = 50_000
TOOLS = [
    {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    {"name": "act", "inputSchema": {"type": "object"}},
]


@pytest.fixture(autouse=True)
async def _no_hanging():
    with anyio.fail_after(PATIENCE_S):
        yield


def framed(status, body=b"", kind="application/json", **headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answered(request, result, **headers):
    body = {"jsonrpc": "2.0", "id": request["id"], "result": result}
    return framed("200 OK", json.dumps(body).encode(), **headers)


def text(value):
    return {"content": [{"type": "text", "text": value}]}


class RawServer:
    """An MCP server over raw sockets; `on_call` writes what it likes for a tool call."""

    def __init__(self, on_call, pages):
        self.on_call = on_call
        self.pages = pages
        self.calls = 0
        self.sessions = 0
        self.visits = set()

    async def handle(self, reader, writer):
        self.visits.add(asyncio.current_task())
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
            body = json.loads(await reader.readexactly(length) or b"{}")
            await self.answer(body, writer)
            await writer.drain()

    async def answer(self, request, writer):
        match request.get("method"):
            case "initialize":
                self.sessions += 1
                writer.write(answered(request, self.hello(request), Mcp_Session_Id=self.sessions))
            case "tools/list":
                writer.write(answered(request, self.page(request)))
            case "tools/call":
                self.calls += 1
                await self.on_call(self, request, writer)
            case None:
                writer.write(framed("405 Method Not Allowed"))
            case _:
                writer.write(framed("202 Accepted"))

    def page(self, request):
        """One page of tools; fewer than no pages means that each points to itself."""
        if self.pages == 1:
            return {"tools": TOOLS}
        number = int(request.get("params", {}).get("cursor", 0))
        tools = [{**tool, "name": f"{tool['name']}-{number}"} for tool in TOOLS]
        after = 0 if self.pages < 0 else number + 1
        return {"tools": tools} | ({"nextCursor": str(after)} if after != self.pages else {})

    def hello(self, request):
        return {
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "raw", "version": "0"},
        }


@asynccontextmanager
async def toolset(on_call, pages=1, **limits):
    raw = RawServer(on_call, pages)
    server = await asyncio.start_server(raw.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = {"timeout_s": PATIENCE_S, "max_output_bytes": LIMIT, **limits}
    config = McpServerConfig(url=f"http://127.0.0.1:{port}/mcp", **limits)
    try:
        async with McpToolset("web", config) as opened:
            yield opened, raw
    finally:
        server.close()
        for visit in raw.visits:
            visit.cancel()
        await asyncio.wait(raw.visits)


async def ask(opened, name="look"):
    return await opened.call(ToolCall(tool=f"web.{name}", arguments={}))


async def fine(raw, request, writer):
    writer.write(answered(request, text("fine")))


async def flood(raw, request, writer):
    writer.write(framed("200 OK"))
    await pour(writer)


async def event_flood(raw, request, writer):
    writer.write(framed("200 OK", kind="text/event-stream"))
    await pour(writer, b"data: ")


async def pour(writer, start=b""):
    writer.write(start)
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def bomb(raw, request, writer):
    body = gzip.compress(b" " * 10_000_000)
    writer.write(framed("200 OK", body, Content_Encoding="gzip"))


async def page(raw, request, writer):
    writer.write(framed("200 OK", b"<html>Sign in</html>", kind="text/html"))


async def broken(raw, request, writer):
    writer.write(framed("500 Internal Server Error", b"oops", kind="text/plain"))


async def half(raw, request, writer):
    writer.write(framed("200 OK", b'{"jsonrpc": "2.0", "id"'))


async def elsewhere(raw, request, writer):
    writer.write(framed("307 Temporary Redirect", Location="http://127.0.0.2:1/mcp"))


async def silence(raw, request, writer):
    await asyncio.Event().wait()


async def forgets_once(raw, request, writer):
    if raw.calls == 1:
        writer.write(framed("404 Not Found"))
    else:
        writer.write(answered(request, text("new session")))


async def hangs_up_once(raw, request, writer):
    if raw.calls > 1:
        writer.write(answered(request, text("here again")))


async def test_a_fine_answer_is_a_result():
    async with toolset(fine) as (opened, _):
        assert (await ask(opened)).data == {"text": "fine"}


@pytest.mark.parametrize("on_call", [flood, event_flood])
async def test_a_reply_without_end_is_too_large(on_call):
    async with toolset(on_call) as (opened, _):
        outcome = await ask(opened)
    assert outcome.code == "tool_output_too_large"


@pytest.mark.parametrize(
    ("on_call", "words"),
    [
        (page, "text/html"),
        (broken, "error response"),
        (half, "Failed to parse JSON"),
        (elsewhere, "not followed"),
    ],
)
async def test_what_is_no_reply_is_a_failure_that_says_so(on_call, words):
    async with toolset(on_call) as (opened, _):
        outcome = await ask(opened)
    assert outcome.code == "tool_failed"
    assert words in outcome.error


async def test_a_compressed_reply_is_not_unpacked():
    async with toolset(bomb) as (opened, _):
        outcome = await ask(opened)
    assert outcome.code == "tool_failed"
    assert "compressed" in outcome.error


async def test_a_reply_that_never_comes_times_out():
    async with toolset(silence, timeout_s=0.3) as (opened, _):
        assert (await ask(opened)).code == "tool_timeout"
        assert (await ask(opened)).code == "tool_timeout"


async def test_a_server_that_forgot_the_session_gets_a_new_one():
    async with toolset(forgets_once) as (opened, raw):
        assert (await ask(opened, "act")).data == {"text": "new session"}
        assert raw.sessions == 2


async def test_a_lost_connection_is_tried_again_for_a_read_only():
    async with toolset(hangs_up_once) as (opened, raw):
        assert (await ask(opened)).data == {"text": "here again"}
        assert raw.calls == 2
    async with toolset(hangs_up_once) as (opened, raw):
        assert (await ask(opened, "act")).code == "tool_outcome_unknown"
        assert raw.calls == 1


async def test_tools_are_read_from_every_page():
    async with toolset(fine, pages=5) as (opened, _):
        assert len(opened.specs) == 10


async def test_a_listing_that_goes_in_circles_is_read_once():
    async with toolset(fine, pages=-1) as (opened, _):
        assert [spec.name for spec in opened.specs] == ["look-0", "act-0"]


async def test_nobody_at_the_address_is_unavailable():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    config = McpServerConfig(url=f"http://127.0.0.1:{port}/mcp", timeout_s=PATIENCE_S)
    with pytest.raises(ToolUnavailable, match=f"127.0.0.1:{port}"):
        await McpToolset("web", config).open()
