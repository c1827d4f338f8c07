"""Speaks with an MCP server over streamable HTTP, with a cap on what one reply may hold."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client
from typing_extensions import override

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_CONNECT_S = 30.0


class RefusedBody(httpx2.StreamError):
    """The body of a reply is not taken in; only the call that it answers fails."""


class HttpTransport:
    """A client of one endpoint; `reply_limit` bounds the body of one reply in bytes.

    Replies are asked for uncompressed and refused otherwise: a small compressed body can
    unpack to any size. A reply may take `read_timeout_s` seconds without a byte.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str], reply_limit: int, read_timeout_s: float
    ) -> None:
        self._url = url
        self._headers = {"Accept-Encoding": "identity", **headers}
        self._limit = reply_limit
        self._timeout = httpx2.Timeout(_CONNECT_S, read=read_timeout_s)
        self.ended = False
        self.flooded = False

    def diagnosis(self) -> str:
        """Nothing is known of a distant process."""
        return ""

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[tuple[Any, Any]]:
        """Yield what comes from the server and what goes to it."""
        client = httpx2.AsyncClient(
            headers=self._headers,
            timeout=self._timeout,
            trust_env=httpx2.URL(self._url).host not in _LOOPBACK,
            event_hooks={"response": [self._cap]},
        )
        async with (
            client,
            streamable_http_client(
                self._url, http_client=client, max_sse_event_size=self._limit
            ) as streams,
        ):
            yield streams

    async def _cap(self, response: httpx2.Response) -> None:
        packed = response.headers.get("content-encoding", "identity").lower() != "identity"
        if packed or response.request.method != "GET":
            response.stream = _Capped(response.stream, 0 if packed else self._limit, self)


class _Capped(httpx2.AsyncByteStream):
    """A body of at most `limit` bytes; a limit of nothing stands for a compressed body."""

    def __init__(self, stream: Any, limit: int, owner: HttpTransport) -> None:
        self._stream = stream
        self._limit = limit
        self._owner = owner

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._limit:
            raise RefusedBody("the reply is compressed, although plain bytes were asked for")
        taken = 0
        async for chunk in self._stream:
            taken += len(chunk)
            if taken > self._limit:
                self._owner.flooded = True
                raise RefusedBody("the reply is longer than may be taken in")
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()
