"""Lanes: each engine slot with its own thread, and which conversation runs on which."""

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.errors import BackendTimeout, BackendUnavailable

Take = Callable[[dict[str, Any]], bool]
Work = Callable[[int, Take], None]
_END = object()


@dataclass
class Lane:
    """One slot of the engine: the requests on it run one after another, so it stays warm."""

    slot: int
    worker: ThreadPoolExecutor
    name: str | None = None
    used: int = 0
    jobs: list[Future[None]] = field(default_factory=list)

    def waiting(self) -> int:
        """Count the requests that have not ended."""
        self.jobs = [job for job in self.jobs if not job.done()]
        return len(self.jobs)


class Lanes:
    """Keeps every named conversation on the slot that knows its beginning."""

    def __init__(self, count: int) -> None:
        self._ticks = itertools.count(1)
        self._closed = threading.Event()
        self._lanes = [
            Lane(slot, ThreadPoolExecutor(1, thread_name_prefix=f"embedded-{slot}"))
            for slot in range(count)
        ]

    def lane_for(self, name: str) -> Lane:
        """Give the lane of a conversation; a new one gets the lane idle for longest."""
        lane = next((lane for lane in self._lanes if lane.name == name), None)
        if lane is None:
            lane = min(self._lanes, key=lambda each: (each.waiting(), each.used))
            lane.name = name
        lane.used = next(self._ticks)
        return lane

    async def chunks(
        self, lane: Lane, work: Work, *, deadline_s: float
    ) -> AsyncGenerator[dict[str, Any]]:
        """Run blocking work on the lane's thread and yield its chunks as they come.

        Closing the generator makes the work stop at its next chunk.

        Raises:
            BackendTimeout: `deadline_s` seconds passed before the work was done.
            BackendUnavailable: The lanes are closed.
        """
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        left = threading.Event()
        due = loop.time() + deadline_s

        def hand_over(item: Any) -> bool:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody listens any more
                left.set()
            return left.is_set() or self._closed.is_set()

        job = self._submit(lane, work, hand_over)
        job.add_done_callback(lambda _: hand_over(_END))
        try:
            while (item := await _next(arrived, due - loop.time(), deadline_s)) is not _END:
                yield item
            _settle(job)
        finally:
            left.set()
            job.cancel()

    def close(self) -> None:
        """Stop the running work at its next chunk and end the threads; blocks until then."""
        self._closed.set()
        for lane in self._lanes:
            lane.worker.shutdown(wait=True, cancel_futures=True)

    def _submit(self, lane: Lane, work: Work, hand_over: Take) -> Future[None]:
        if self._closed.is_set():
            raise _closed()
        job = lane.worker.submit(work, lane.slot, hand_over)
        lane.jobs.append(job)
        return job


def _settle(job: Future[None]) -> None:
    try:
        job.result()
    except CancelledError:
        raise _closed() from None


def _closed() -> BackendUnavailable:
    return BackendUnavailable(
        "The embedded model was closed.", hint="Its owner shut it down: start a new run."
    )


async def _next(arrived: asyncio.Queue[Any], left: float, deadline_s: float) -> Any:
    try:
        return await asyncio.wait_for(arrived.get(), max(left, 0))
    except TimeoutError:
        raise BackendTimeout(
            f"The embedded model did not finish within {deadline_s:g} s.",
            hint="Raise the deadline, choose a smaller model, or shorten the prompt.",
        ) from None
