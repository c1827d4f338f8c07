"""The seam to a model: one method, streaming."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from orchestrator.core.chat import ChatReply, ChatRequest, StreamItem
from orchestrator.core.errors import BackendProtocolError


class ChatBackend(Protocol):
    """Something that answers a chat request.

    The stream yields any number of `TextDelta` and ends with exactly one `ChatReply`, whose
    text already satisfies the request's constraint: a reply that does not is a
    `ConstraintBroken`, never handed on. Only one that `max_tokens` cut is handed on as it
    is, marked `truncated`. Closing the generator cancels the work behind it.

    Raises:
        BackendError: One of its leaves; `retryable` says whether trying again may help.
    """

    def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece."""
        ...


async def complete(backend: ChatBackend, request: ChatRequest) -> ChatReply:
    """Answer a request whole, for callers that show no progress.

    Raises:
        BackendProtocolError: The stream ended without its reply.
    """
    async with aclosing(backend.stream(request)) as items:
        async for item in items:
            if isinstance(item, ChatReply):
                return item
    raise BackendProtocolError("The backend's stream ended without a reply.")
