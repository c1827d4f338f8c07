"""Speaks with any OpenAI-compatible chat server; the only module that uses httpx."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar

import httpx
from pydantic import SecretStr

from adapters.backends.constraint import excerpt
from adapters.backends.openai_chunk import Chunk, check, decode
from adapters.backends.openai_errors import Refusal, error_in
from adapters.backends.openai_reply import ReplyParts
from adapters.backends.openai_request import encode, is_wrapped
from adapters.backends.patience import Patience
from adapters.backends.sse import SseDecoder
from orchestrator.core.chat import ChatReply, ChatRequest, Message, StreamItem, TextDelta
from orchestrator.core.errors import (
    BackendError,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
)
from orchestrator.core.roles import CapabilityCard, ModelIdentity
from orchestrator.ports.chat import complete
from orchestrator.ports.clock import Clock

_DONE = "[DONE]"
_OK = 200
T = TypeVar("T")


@dataclass(frozen=True)
class Timeouts:
    """How long each part of a call may take, in seconds; the request bounds the whole.

    `first_token` covers the queue and the prompt, `stall` each pause after it. `drain` is what
    the connection gets to end cleanly after a finished reply, so that it can be used again.
    """

    connect: float = 5.0
    write: float = 30.0
    pool: float = 30.0
    first_token: float = 180.0
    stall: float = 60.0
    drain: float = 0.2


@dataclass(frozen=True)
class Limits:
    """How much one backend may take: connections, and bytes of a reply or an error page."""

    connections: int = 256
    reply_bytes: int = 8 * 1024 * 1024
    error_bytes: int = 64 * 1024


@dataclass(frozen=True)
class Server:
    """One server and what is known of it.

    Args:
        base_url: The server, with or without `/v1`.
        model: The model's name as the server knows it.
        card: What the server really does with a request; it chooses the constraint's dialect.
        api_key: Sent as a bearer token.
        extra: Fields for every request body, such as `chat_template_kwargs`.
        limits: Connections and bytes.
        timeouts: Seconds for each part of a call.
    """

    base_url: str
    model: str
    card: CapabilityCard = field(default_factory=CapabilityCard)
    api_key: SecretStr | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)

    @property
    def root(self) -> str:
        """The base URL that ends with `/v1`."""
        trimmed = self.base_url.rstrip("/")
        return trimmed if trimmed.endswith("/v1") else f"{trimmed}/v1"


class OpenAIChatBackend:
    """Answers chat requests over `POST /v1/chat/completions`, always streaming.

    Args:
        server: Whom to ask, and how.
        clock: Measures deadlines and the reply's seconds.
        transport: What carries the requests; httpx's own when left out.
    """

    def __init__(
        self, server: Server, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.card = server.card
        self._server = server
        self._url = f"{server.root}/chat/completions"
        self._clock = clock
        self._limits = server.limits
        self._timeouts = server.timeouts
        self._client = _client(server, transport)

    def identity(self) -> ModelIdentity:
        """Say what is asked; a server does not tell the digest of its weights."""
        return ModelIdentity(name=self._server.model, backend=self._server.root)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece; closing the stream cancels it at the server.

        Raises:
            BackendError: One of its leaves, never anything of httpx.
        """
        began = self._clock.monotonic()
        wrapped = is_wrapped(request.constraint, self.card)
        parts = ReplyParts(request.constraint, wrapped=wrapped)
        patience = Patience(
            self._clock,
            url=self._url,
            total=request.deadline_s,
            first_token=self._timeouts.first_token,
            stall=self._timeouts.stall,
        )
        body = encode(request, model=self._server.model, card=self.card, extra=self._server.extra)
        async with aclosing(self._chunks(body, patience)) as chunks:
            async for chunk in chunks:
                text = parts.take(chunk)
                if parts.begun:
                    patience.progress()
                if text and not wrapped:
                    yield TextDelta(text=text)
        reply = parts.reply(model=self._server.model, seconds=self._clock.monotonic() - began)
        if wrapped:
            yield TextDelta(text=reply.text)
        yield reply

    async def probe(self, *, deadline_s: float = 20.0) -> ChatReply:
        """Ask for one token: a health page can be fine while the engine behind it is dead.

        Raises:
            BackendError: The backend cannot answer now, and why.
        """
        question = Message(role="user", content="Say yes.")
        request = ChatRequest(messages=(question,), max_tokens=1, deadline_s=deadline_s)
        return await complete(self, request)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _chunks(self, body: bytes, patience: Patience) -> AsyncGenerator[Chunk]:
        """Give each chunk of the completion, whether the server streams it or not."""
        request = self._client.build_request("POST", self._url, content=body)
        response = await self._within(patience, self._client.send(request, stream=True))
        try:
            if response.status_code != _OK:
                raise await self._refusal(response, patience)
            async with aclosing(self._data(response, patience)) as events:
                async for data in events:
                    yield self._checked(decode(data))
        finally:
            await response.aclose()

    def _checked(self, chunk: dict[str, Any]) -> Chunk:
        if error := error_in(chunk, url=self._url):
            raise error
        return check(chunk)

    async def _data(self, response: httpx.Response, patience: Patience) -> AsyncGenerator[str]:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield await self._whole(response, patience, self._limits.reply_bytes)
        elif kind == "text/event-stream":
            async with aclosing(self._events(response, patience)) as events:
                async for data in events:
                    yield data
        else:
            page = await self._whole(response, patience, self._limits.error_bytes)
            raise BackendProtocolError(
                f"{self._url} answered with {kind or 'no content type'} instead of an event "
                f"stream; it begins {excerpt(page)}."
            )

    async def _events(self, response: httpx.Response, patience: Patience) -> AsyncGenerator[str]:
        decoder = SseDecoder()
        blocks = self._blocks(response, patience, self._limits.reply_bytes)
        async with aclosing(blocks):
            async for block in blocks:
                for data in self._decoded(decoder, block):
                    if data == _DONE:
                        await self._drain(blocks)
                        return
                    yield data
        for data in self._decoded(decoder, None):
            if data != _DONE:
                yield data

    def _decoded(self, decoder: SseDecoder, block: bytes | None) -> list[str]:
        try:
            return decoder.flush() if block is None else decoder.feed(block)
        except UnicodeDecodeError as error:
            raise BackendProtocolError(f"{self._url} sent text that is not UTF-8.") from error

    async def _drain(self, blocks: AsyncIterator[bytes]) -> None:
        """Read what ends the response, so that its connection can be used again."""
        with suppress(TimeoutError, BackendError):
            async with asyncio.timeout(self._timeouts.drain):
                async for _ in blocks:
                    pass

    async def _whole(self, response: httpx.Response, patience: Patience, limit: int) -> str:
        async with aclosing(self._blocks(response, patience, limit)) as blocks:
            body = b"".join([block async for block in blocks])
        return body.decode(errors="replace")

    async def _blocks(
        self, response: httpx.Response, patience: Patience, limit: int
    ) -> AsyncGenerator[bytes]:
        """Give the body as it comes, within the byte limit and the time limits."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BackendProtocolError(f"{self._url} compressed a reply that was asked for plain.")
        raw = aiter(response.aiter_raw())
        taken = 0
        while (block := await self._within(patience, anext(raw, None))) is not None:
            taken += len(block)
            if taken > limit:
                raise BackendProtocolError(
                    f"{self._url} sent more than the {limit} bytes that a reply may have."
                )
            yield block

    async def _within(self, patience: Patience, work: Awaitable[T]) -> T:
        """Wait for the network only as long as patience lasts."""
        try:
            async with asyncio.timeout(patience.left()):
                with _named(self._url):
                    return await work
        except TimeoutError:
            raise patience.error() from None

    async def _refusal(self, response: httpx.Response, patience: Patience) -> BackendError:
        body = await self._whole(response, patience, self._limits.error_bytes)
        return Refusal(
            status=response.status_code,
            url=self._url,
            body=body,
            retry_after_s=_seconds(response.headers.get("retry-after"), self._clock.now()),
            served=await self._served() if response.status_code == httpx.codes.NOT_FOUND else "",
        ).error()

    async def _served(self) -> str:
        """Name the models that the server does serve, for the error of an unknown one."""
        try:
            response = await self._client.get(f"{self._server.root}/models", timeout=5.0)
            names = [str(model["id"]) for model in response.json()["data"]]
        except (httpx.HTTPError, ValueError, LookupError, TypeError):
            return ""
        return f"The server serves {', '.join(names)}, not {self._server.model}." if names else ""


def pooled_transport(server: Server) -> httpx.AsyncBaseTransport:
    """Make the transport for production: aiohttp's, whose cost does not grow with the pool."""
    from httpx_aiohttp import AiohttpTransport

    # A certificate store takes long to load and is of no use to plain HTTP.
    return AiohttpTransport(
        verify=server.root.startswith("https"), trust_env=False, limits=_pool(server.limits)
    )


def _pool(limits: Limits) -> httpx.Limits:
    return httpx.Limits(
        max_connections=limits.connections, max_keepalive_connections=limits.connections
    )


def _client(server: Server, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if server.api_key is not None:
        headers["authorization"] = f"Bearer {server.api_key.get_secret_value()}"
    # Reading has no timeout here: `Patience` knows the difference between a slow first token
    # and a stall, and a keep-alive comment must not count as progress.
    times = server.timeouts
    timeout = httpx.Timeout(connect=times.connect, read=None, write=times.write, pool=times.pool)
    return httpx.AsyncClient(
        transport=transport,
        headers=headers,
        timeout=timeout,
        limits=_pool(server.limits),
        trust_env=False,
    )


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Give the failures of the network our names."""
    try:
        yield
    except httpx.RemoteProtocolError as error:
        raise BackendUnavailable(f"{url} closed the connection: {error}") from error
    except httpx.TimeoutException as error:
        if _is_refusal(error):
            raise BackendUnavailable(f"{url} cannot be reached: {error}") from error
        raise BackendTimeout(f"{url} took too long: {type(error).__name__}.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BackendUnavailable(f"{url} cannot be reached: {str(error) or repr(error)}") from error


def _is_refusal(error: httpx.TimeoutException) -> bool:
    """Unmask a lost connection: httpx-aiohttp reports those as a connect timeout."""
    cause = error.__cause__
    return type(cause).__module__.startswith("aiohttp") and not isinstance(cause, TimeoutError)


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read a Retry-After header: a number of seconds, or a date."""
    if not retry_after:
        return None
    with suppress(ValueError):
        return max(0.0, float(retry_after))
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    return None
