"""Carrying runs: who may begin, who waits, and what becomes of a run that nobody carries on."""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from orchestrator.core.errors import RunConflict, ServiceBusy
from orchestrator.core.events import ApprovalAsked
from orchestrator.core.roles import Role
from orchestrator.core.runs import Approval
from orchestrator.runtime import Orchestrator
from orchestrator.service.dispatch.accepted import Accepted

MOST_FAILURES = 256
"""Runs of which it is remembered why nobody carries them on."""
T = TypeVar("T")
_log = logging.getLogger("ferryman.service")


@dataclass(frozen=True)
class Load:
    """How many runs are at work, and how many wait for their turn."""

    running: int
    waiting: int


class Pace:
    """How long runs take here, to say when it makes sense to ask again."""

    def __init__(self) -> None:
        self._mean_s = 5.0

    def took(self, seconds: float) -> None:
        """Note how long a run was at work."""
        self._mean_s = 0.8 * self._mean_s + 0.2 * seconds

    def until_one_ends(self, running: int) -> float:
        """Seconds until one of so many runs has probably ended."""
        return max(1.0, round(self._mean_s / max(1, running), 1))


class Carrier:
    """Carries the runs that were accepted, so many at once, first come first served.

    Args:
        orchestrator: Carries out a run.
        running: So many runs at once, at most.
        waiting: So many wait for their turn, at most; a run more is refused.
        asked: Is told of every approval that a run asks.
    """

    def __init__(
        self,
        orchestrator: Orchestrator,
        *,
        running: int,
        waiting: int,
        asked: Callable[[Approval], None],
    ) -> None:
        self._orchestrator = orchestrator
        self._most_running = running
        self._most_waiting = waiting
        self._asked = asked
        self._accepted: dict[str, Accepted] = {}
        self._queue: deque[Accepted] = deque()
        self._carrying: dict[str, asyncio.Task[Exception | None]] = {}
        self._beside: set[asyncio.Task[Any]] = set()
        self._failures: dict[str, Exception] = {}
        self._pace = Pace()
        self._draining = False

    def load(self) -> Load:
        """Say how busy the process is."""
        running = len(self._carrying)
        return Load(running=running, waiting=len(self._accepted) - running)

    def accepted(self, run_id: str) -> Accepted | None:
        """A run that was accepted and is neither over nor at rest."""
        return self._accepted.get(run_id)

    def failure(self, run_id: str) -> Exception | None:
        """Why nobody carries on a run that is not over."""
        return self._failures.get(run_id)

    async def accept(self, run_id: str, durable: Callable[[], Awaitable[None]]) -> None:
        """Make a promise durable, whatever becomes of the caller meanwhile; then keep it.

        Raises:
            RunConflict: The run is being worked on.
            ServiceBusy: Too many runs wait already, or the service goes down.
        """
        while (other := self._accepted.get(run_id)) and other.stage == "claimed":
            await other.news.wait()
        self._refuse_when_full()
        accepted = self._claim(run_id)

        async def promised() -> None:
            try:
                await durable()
            except BaseException:
                self._over(accepted, None)
                raise
            self._enqueue(accepted)

        await self._whatever_happens(promised())

    def go_on_with(self, run_id: str) -> bool:
        """Accept a run that is at work in its journal; say whether it was not accepted before."""
        if run_id in self._accepted:
            return False
        self._enqueue(self._claim(run_id))
        return True

    async def cancel(self, run_id: str) -> bool:
        """Cancel a run, wherever it stands; say whether it was not over yet.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: Another process works on it.
            JournalError: Its end cannot be made durable.
        """
        while (accepted := self._accepted.get(run_id)) and accepted.stage == "claimed":
            await accepted.news.wait()
        if accepted is None:
            ending = self._orchestrator.call_off(run_id)
        elif accepted.stage == "waiting":
            ending = self._called_off_in_the_queue(accepted)
        else:
            ending = self._called_off_at_work(accepted)
        return await self._whatever_happens(ending)

    async def drain(self, *, within_s: float) -> None:
        """Accept nothing more, and leave what is carried as it is in its journal.

        Args:
            within_s: Seconds that the calls under way are waited for, at most.
        """
        self._draining = True
        while self._queue:
            self._over(self._queue.popleft(), going_down())
        carried = list(self._carrying)
        leave = self._orchestrator.leave
        await asyncio.gather(*(leave(run_id, within_s=within_s) for run_id in carried))
        for task in self._carrying.values():
            task.cancel()
        if left := {*self._carrying.values(), *self._beside}:
            await asyncio.wait(left)

    def _refuse_when_full(self) -> None:
        if self._draining:
            raise going_down()
        if len(self._accepted) >= self._most_running + self._most_waiting:
            raise ServiceBusy(
                f"{len(self._accepted)} runs are at work or wait for their turn.",
                retry_after_s=self._pace.until_one_ends(len(self._carrying)),
            )

    def _claim(self, run_id: str) -> Accepted:
        if run_id in self._accepted:
            raise RunConflict(f"Run {run_id} is being worked on.")
        self._accepted[run_id] = Accepted(run_id)
        return self._accepted[run_id]

    def _enqueue(self, accepted: Accepted) -> None:
        if self._draining:
            self._over(accepted, going_down())
            return
        self._failures.pop(accepted.run_id, None)
        accepted.moved("waiting")
        self._queue.append(accepted)
        self._fill()

    def _fill(self) -> None:
        while self._queue and len(self._carrying) < self._most_running and not self._draining:
            accepted = self._queue.popleft()
            accepted.moved("running")
            task = asyncio.create_task(self._carry(accepted))
            self._carrying[accepted.run_id] = task
            # Not in the task itself, which may be cancelled before it has begun.
            since = task.get_loop().time()
            task.add_done_callback(functools.partial(self._carried, accepted, since))

    def _carried(
        self, accepted: Accepted, since: float, task: asyncio.Task[Exception | None]
    ) -> None:
        self._pace.took(task.get_loop().time() - since)
        del self._carrying[accepted.run_id]
        if accepted.stage == "running":
            self._over(accepted, going_down() if task.cancelled() else task.result())
        if not task.cancelled():
            self._fill()

    async def _carry(self, accepted: Accepted) -> Exception | None:
        """Carry a run to its end or rest, and give why that failed, if it did."""
        run_id = accepted.run_id

        def heard(role: Role, text: str) -> None:
            journal = self._orchestrator.live(run_id)
            accepted.hear(role, text, after=journal.state.last_seq if journal else 0)

        try:
            async with aclosing(self._orchestrator.carry_out(run_id, on_delta=heard)) as entries:
                async for entry in entries:
                    if isinstance(entry.event, ApprovalAsked):
                        self._asked(entry.event.approval)
                    accepted.wake()
        except asyncio.CancelledError:
            if _is_cancelled_itself():
                raise
            return going_down() if self._draining else None
        except RunConflict as error:
            _log.info("run %s: %s", run_id, error.message)
            return error
        except Exception as error:  # noqa: BLE001 - whoever follows the run is told
            _log.exception("run %s stopped and can be resumed", run_id)
            return error
        return None

    async def _called_off_in_the_queue(self, accepted: Accepted) -> bool:
        self._queue.remove(accepted)
        return await self._called_off_meanwhile(accepted)

    async def _called_off_at_work(self, accepted: Accepted) -> bool:
        task = self._carrying[accepted.run_id]
        journal = self._orchestrator.live(accepted.run_id)
        if journal is None:
            return await self._called_off_meanwhile(accepted, task)
        await self._orchestrator.cancel(accepted.run_id)
        await asyncio.wait([task])
        if accepted.failure is not None:
            raise accepted.failure
        return journal.state.status == "cancelled"

    async def _called_off_meanwhile(
        self, accepted: Accepted, task: asyncio.Task[Exception | None] | None = None
    ) -> bool:
        """Cancel a run that nobody works on; `task` was about to begin, or had just ended."""
        accepted.moved("claimed")
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        failure: Exception | None = None
        try:
            return await self._orchestrator.call_off(accepted.run_id)
        except Exception as error:
            failure = error
            raise
        finally:
            self._over(accepted, failure)
            self._fill()

    def _over(self, accepted: Accepted, failure: Exception | None) -> None:
        del self._accepted[accepted.run_id]
        if failure is not None:
            while len(self._failures) >= MOST_FAILURES:
                del self._failures[next(iter(self._failures))]
            self._failures[accepted.run_id] = failure
        accepted.ended(failure)

    async def _whatever_happens(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something to its end, even if who asked for it leaves."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        return await asyncio.shield(task)


def going_down() -> ServiceBusy:
    """What a client is told when the service stops while its run does not."""
    return ServiceBusy("The service goes down; the run goes on when it is back.", retry_after_s=5.0)


def _is_cancelled_itself() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
