"""Takes a request's body in: all of it, within bounds of size, time and depth, or not at all."""

import asyncio
import re

from starlette.responses import Response
from starlette.types import Message, Receive

from orchestrator.core.errors import InvalidRequest, RequestTooLarge
from orchestrator.service.errors import answer, answer_to, failure

# A string that never ends is matched too, so that every quote is looked at once.
_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ALIKE = bytes.maketrans(b"{}", b"[]")
_PAIR = b"[]"
_CLOSE = {"Connection": "close"}


class Replayed:
    """A `receive` that gives a body already read, then whatever else happens."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """Give the body the first time, then what the server says."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def read_body(
    receive: Receive, *, most: int, within_s: float, depth: int
) -> Replayed | Response | None:
    """Read a body of at most `most` bytes, within some seconds.

    Returns:
        The body as a new `receive`, or the response that refuses it, or None when the client
        has left.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > most:
                    return _too_large(most)
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        return answer(408, failure(408, "body_timeout", "The body came too slowly."), _CLOSE)
    if is_deeper(bytes(body), depth):
        return answer_to(InvalidRequest(f"The body is nested more than {depth} levels deep."))
    return Replayed(bytes(body), receive)


def is_deeper(body: bytes, most: int) -> bool:
    """Whether the brackets of a JSON text are nested deeper, without parsing it.

    Each round takes the innermost pairs away, all at once.
    """
    left = _STRING.sub(b"", body).translate(_ALIKE, _NOT_BRACKETS)
    for _ in range(most):
        if _PAIR not in left:
            break
        left = left.replace(_PAIR, b"")
    return _PAIR in left or left.count(b"[") > most


def _too_large(most: int) -> Response:
    error = RequestTooLarge(f"The body has more than {most:,} bytes.")
    response = answer_to(error)
    # What is still on its way is not read, so the connection cannot be used again.
    response.headers["Connection"] = "close"
    return response
