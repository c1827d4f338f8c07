"""Server-sent events: entries as frames, and signs of life while nothing happens.

FastAPI has a generator of its own for this. It is not used: its interval cannot be set, and a
stream here must end by itself when the service goes down.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.responses import StreamingResponse

SIGN_OF_LIFE = b": still here\n\n"
RETRY_MS = 2000
"""After so many milliseconds a client comes back to a stream that was cut."""


class EventStream(StreamingResponse):
    """A response of server-sent events that nothing on the way keeps or buffers."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes], status_code: int = 200) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(frames, status_code, headers)


def frame(data: str, *, event: str = "", seq: int = 0) -> bytes:
    """One event; `data` is one line, as JSON always is."""
    named = f"event: {event}\n" if event else ""
    numbered = f"id: {seq}\n" if seq else ""
    return f"{named}data: {data}\n{numbered}\n".encode()


async def kept_alive(
    frames: AsyncGenerator[bytes], *, every_s: float, until: asyncio.Event, retry: bool = True
) -> AsyncGenerator[bytes]:
    """Pass frames on, with a comment whenever none came for a while.

    Once `until` is set the stream ends and says when to come back; what has been passed on by
    then is whole. The clients of OpenAI's API take a frame without data for a broken one: for
    them no `retry` is said.
    """
    if retry:
        yield f"retry: {RETRY_MS}\n\n".encode()
    stop = asyncio.ensure_future(until.wait())
    coming: asyncio.Task[bytes] | None = None
    async with aclosing(frames):
        try:
            while not until.is_set():
                coming = coming or asyncio.ensure_future(anext(frames))
                await asyncio.wait(
                    {coming, stop}, timeout=every_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not coming.done():
                    yield SIGN_OF_LIFE
                    continue
                done, coming = coming, None
                try:
                    given = done.result()
                except StopAsyncIteration:
                    return
                yield given
        finally:
            stop.cancel()
            if coming is not None:
                coming.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
