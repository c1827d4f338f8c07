"""Lanes: each engine slot with its own thread, and which conversation runs on which."""

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.errors import BackendTimeout

Take = Callable[[dict[str, Any]], bool]
Work = Callable[[int, Take], None]
_END = object()


@dataclass
class Lane:
    """One slot of the engine: the requests on it run one after another, so it stays warm."""

    slot: int
    worker: ThreadPoolExecutor
    waiting: int = 0
    used: int = 0
    names: set[str] = field(default_factory=set)


class Lanes:
    """Keeps every named conversation on the slot that knows its beginning."""

    def __init__(self, count: int) -> None:
        self._ticks = itertools.count(1)
        self._lanes = [
            Lane(slot, ThreadPoolExecutor(1, thread_name_prefix=f"embedded-{slot}"))
            for slot in range(count)
        ]

    def lane_for(self, name: str) -> Lane:
        """Give the lane of a conversation; a new one gets the lane idle for longest."""
        lane = next((lane for lane in self._lanes if name in lane.names), None)
        if lane is None:
            lane = min(self._lanes, key=lambda each: (each.waiting, each.used))
            lane.names = {name}
        lane.used = next(self._ticks)
        return lane

    async def chunks(
        self, lane: Lane, work: Work, *, deadline_s: float
    ) -> AsyncGenerator[dict[str, Any]]:
        """Run blocking work on the lane's thread and yield its chunks as they come.

        Closing the generator makes the work stop at its next chunk.

        Raises:
            BackendTimeout: `deadline_s` seconds passed before the work was done.
        """
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        stopped = threading.Event()

        def hand_over(item: Any) -> bool:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody listens any more
                stopped.set()
            return stopped.is_set()

        def run() -> None:
            try:
                if not stopped.is_set():
                    work(lane.slot, hand_over)
            finally:
                hand_over(_END)

        due = loop.time() + deadline_s
        lane.waiting += 1
        future = lane.worker.submit(run)
        future.add_done_callback(lambda _: _leave(lane))
        try:
            while (item := await _next(arrived, due - loop.time(), deadline_s)) is not _END:
                yield item
            future.result()
        finally:
            stopped.set()
            future.cancel()

    def close(self) -> None:
        """Wait for the running work to stop and end the threads."""
        for lane in self._lanes:
            lane.worker.shutdown(wait=True, cancel_futures=True)


def _leave(lane: Lane) -> None:
    lane.waiting -= 1


async def _next(arrived: asyncio.Queue[Any], left: float, deadline_s: float) -> Any:
    try:
        return await asyncio.wait_for(arrived.get(), max(left, 0))
    except TimeoutError:
        raise BackendTimeout(
            f"The embedded model did not finish within {deadline_s:g} s.",
            hint="Raise the deadline, choose a smaller model, or shorten the prompt.",
        ) from None
