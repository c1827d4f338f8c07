"""What the wire tests share: a backend at a made-up address, and requests to give it."""

import json
from contextlib import asynccontextmanager

import httpx

from adapters.backends.openai_chat import OpenAIChatBackend, Server
from orchestrator.core.chat import ChatRequest, Message
from orchestrator.core.roles import CapabilityCard
from tests.fakes.clock import FakeClock

URL = "http://model.test/v1/chat/completions"
TURNS = (Message(role="system", content="Be brief."), Message(role="user", content="Hi ✓"))


def ask(**fields):
    return ChatRequest(messages=TURNS, **fields)


@asynccontextmanager
async def speaking(card=None, **fields):
    """Open a backend at the made-up address; respx plays the server."""
    server = Server("http://model.test", "m1", card=card or CapabilityCard(), **fields)
    async with OpenAIChatBackend(server, clock=FakeClock()) as backend:
        yield backend


def streamed(*chunks, done=True):
    """Make the response of a server that streams these chunks."""
    data = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    events = "".join(f"data: {line}\n\n" for line in data + ["[DONE]"] * done)
    return httpx.Response(200, text=events, headers={"content-type": "text/event-stream"})


def said(text, finish=None, **fields):
    """Make one chunk."""
    delta = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **fields}]}
