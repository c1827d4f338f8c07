"""A chat server on loopback, real sockets and all, that also misbehaves when told to."""

import asyncio
import json
import re
import socket
import struct
from contextlib import asynccontextmanager

from orchestrator.core.chat import ChatRequest, Choice, JsonSchema, Message
from tests.fakes.backends import pieces, plausible

END = b"data: [DONE]\n\n"


def event(chunk):
    return f"data: {json.dumps(chunk)}\n\n".encode()


def delta(text, finish=None):
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


def head(kind="text/event-stream", status="200 OK", *more):
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", "connection: close", *more, "", ""]
    return "\r\n".join(lines).encode()


def asked_for(body):
    """Read a request body back into a request, in any of the three dialects."""
    wanted = body.get("structured_outputs", {})
    form = body.get("response_format", {}).get("json_schema", {}).get("schema")
    constraint = None
    if "choice" in wanted:
        constraint = Choice(options=tuple(wanted["choice"]))
    elif "grammar" in body:
        literals = re.findall(r'"(?:[^"\\]|\\.)*"', body["grammar"])
        constraint = Choice(options=tuple(json.loads(literal) for literal in literals))
    elif form or "json" in wanted:
        constraint = JsonSchema(json_schema=form or wanted["json"])
    turns = tuple(Message(**turn) for turn in body["messages"])
    return ChatRequest(messages=turns, constraint=constraint, max_tokens=body["max_tokens"])


def well_behaved(body):
    """Answer as a good server does."""
    return told(plausible(asked_for(body)), most=body["max_tokens"])


def told(text, *, most=10_000):
    """A whole reply with that text, cut after `most` pieces."""
    said = pieces(text)
    kept = said[:most]
    usage = {"prompt_tokens": 9, "completion_tokens": len(kept)}
    finish = "length" if len(kept) < len(said) else "stop"
    chunks = [delta(piece) for piece in kept]
    chunks += [delta("", finish), event({"choices": [], "usage": usage})]
    return [head(), *chunks, END]


class ChatServer:
    """Serves each request from `script(body)`: bytes to send, and `asyncio.Event`s to wait for."""

    def __init__(self, script):
        self.bodies = []
        self.headers = []
        self.hung_up = asyncio.Event()
        self.url = ""
        self._script = script
        self._tasks = set()

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # somebody only asked whether anybody listens
            writer.close()
            return
        lines = raw.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or "{}")
        self.headers.append(headers)
        self.bodies.append(body)
        watch = asyncio.ensure_future(self._watch(reader))
        try:
            for part in self._script(body):
                await self._do(part, writer)
        except ConnectionError:
            pass
        finally:
            watch.cancel()
            writer.close()

    async def stop(self):
        """End the connections that still hang."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _do(self, part, writer):
        if isinstance(part, asyncio.Event):
            await part.wait()
        elif part is RESET:
            # Lingering for no time makes the kernel send a reset instead of an end.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            writer.write(part)
            await writer.drain()

    async def _watch(self, reader):
        await reader.read()
        self.hung_up.set()


RESET = object()


@asynccontextmanager
async def serving(script=well_behaved):
    """Run a server for the length of a test."""
    server = ChatServer(script)
    listener = await asyncio.start_server(server._serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        await listener.wait_closed()
