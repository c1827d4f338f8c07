"""The one place where model calls are retried."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from orchestrator.core.chat import ChatReply, ChatRequest, StreamItem
from orchestrator.core.errors import BackendError
from orchestrator.ports.chat import ChatBackend
from orchestrator.ports.clock import Clock


@dataclass(frozen=True)
class Retries:
    """How often and how patiently a call is tried again; waits are in seconds."""

    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 8.0


@dataclass(frozen=True)
class _Opened:
    """A stream that has begun, and what was read of it to know that it has."""

    items: list[StreamItem]
    stream: AsyncGenerator[StreamItem]


class ResilientBackend:
    """Tries a call again while nothing of its reply has been handed on.

    Only errors that call themselves `retryable` are met with a retry, within the request's
    deadline, after a random exponential wait or the one that the server asked for. A reply
    that must have a form is handed on whole: nobody can use a part of it, and so a stream that
    is cut in the middle can be tried again too.

    Args:
        inner: The backend that answers.
        clock: Measures the deadline.
        retries: How often and how patiently.
        sleep: Waits; tests give their own.
    """

    def __init__(
        self,
        inner: ChatBackend,
        *,
        clock: Clock,
        retries: Retries | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.inner = inner
        self._clock = clock
        self._retries = retries or Retries()
        self._sleep = sleep

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece.

        Raises:
            BackendError: The one of the last attempt.
        """
        opened = await self._open(request)
        async with aclosing(opened.stream):
            for item in opened.items:
                yield item
            async for item in opened.stream:
                yield item

    async def _open(self, request: ChatRequest) -> _Opened:
        end = self._clock.monotonic() + request.deadline_s
        retrying = AsyncRetrying(
            sleep=self._sleep,
            retry=retry_if_exception(_may_help),
            wait=self._wait,
            stop=lambda state: self._is_over(state, end),
            reraise=True,
        )
        return await retrying(self._attempt, request, end)

    async def _attempt(self, request: ChatRequest, end: float) -> _Opened:
        left = max(end - self._clock.monotonic(), 1e-3)
        stream = self.inner.stream(request.model_copy(update={"deadline_s": left}))
        try:
            return _Opened(await _begin(stream, whole=request.constraint is not None), stream)
        except BaseException:
            await stream.aclose()
            raise

    def _is_over(self, state: RetryCallState, end: float) -> bool:
        late = self._clock.monotonic() + state.upcoming_sleep >= end
        return late or state.attempt_number >= self._retries.attempts

    def _wait(self, state: RetryCallState) -> float:
        ours = wait_random_exponential(self._retries.first_wait, self._retries.longest_wait)
        error = state.outcome.exception() if state.outcome else None
        asked: float = getattr(error, "retry_after_s", None) or 0.0
        return max(asked, ours(state))


def _may_help(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.retryable


async def _begin(stream: AsyncGenerator[StreamItem], *, whole: bool) -> list[StreamItem]:
    """Read the first item, or all of them."""
    items: list[StreamItem] = []
    async for item in stream:
        items.append(item)
        if isinstance(item, ChatReply) or not whole:
            break
    return items
