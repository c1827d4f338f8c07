"""The dispatcher: runs in the background of one process, each durable before it is promised."""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import cast

from orchestrator.core.errors import (
    InvalidRequest,
    OrchestratorError,
    RunConflict,
    RunNotFound,
    ServiceBusy,
)
from orchestrator.core.events import Entry
from orchestrator.core.runs import Budget, RunRequest, RunState, RunStatus
from orchestrator.core.tools import ToolOutcome
from orchestrator.graph.taking_up import Arguments, Words
from orchestrator.ports.store import RunDirectory
from orchestrator.runtime import Orchestrator, new_run_id
from orchestrator.service.dispatch.accepted import Delta
from orchestrator.service.dispatch.carrying import Carrier, Load
from orchestrator.service.dispatch.expiry import Expiry, heads
from orchestrator.service.dispatch.following import Follower

__all__ = ["Delta", "Dispatcher", "Load"]

EXPIRY = "expiry"
_log = logging.getLogger("ferryman.service")
_WAITING: dict[RunStatus, str] = {
    "waiting_approval": "Approve or deny what it asks.",
    "waiting_tools": "Give the results that it waits for.",
    "needs_input": "Answer its question.",
}


class Dispatcher:
    """Carries out runs in the background, so many at once, first come first served.

    What a method promises is durable when it returns: a process that dies afterwards loses
    nothing, and the next one's `recover` goes on with it. A run that waits for a person is a
    row of the store, and nothing here.

    Args:
        orchestrator: Carries out the runs.
        running: So many runs at once, at most.
        waiting: So many wait for their turn, at most; a run more is refused.
        directory: Lists the runs; the orchestrator's own store when left out.
    """

    def __init__(
        self,
        orchestrator: Orchestrator,
        *,
        running: int = 4,
        waiting: int = 1000,
        directory: RunDirectory | None = None,
    ) -> None:
        store = orchestrator.parts.store
        self._orchestrator = orchestrator
        # Every store that we have is a directory, too.
        self._directory = directory or cast("RunDirectory", store)
        self._expiry = Expiry(self._directory, store)
        self._carrier = Carrier(
            orchestrator, running=running, waiting=waiting, asked=self._expiry.asked
        )

    def load(self) -> Load:
        """Say how busy the process is."""
        return self._carrier.load()

    async def start(
        self, request: RunRequest, *, run_id: str | None = None, plan_only: bool = False
    ) -> str:
        """Take on a run, and give its id once it is durable.

        Raises:
            ServiceBusy: Too many runs wait already, or the service goes down.
            RunConflict: There is a run of that id already.
            JournalError: The run cannot be made durable.
        """
        named = run_id or new_run_id()

        async def enlisted() -> None:
            await self._orchestrator.enlist(request, run_id=named, plan_only=plan_only)

        await self._carrier.accept(named, enlisted)
        return named

    async def recover(self) -> list[str]:
        """Go on with every run that was at work when its process ended; give their ids."""
        found = [head.run_id async for head in heads(self._directory, ("running",))]
        return [run_id for run_id in reversed(found) if self._carrier.go_on_with(run_id)]

    async def follow(
        self, run_id: str, *, after: int = 0, deltas: bool = False
    ) -> AsyncGenerator[Entry | Delta]:
        """Give every entry after a sequence number, exactly once and in order.

        It ends when the run is over or at rest. With `deltas` it also gives the text that is
        generated meanwhile.

        Raises:
            RunNotFound: There is no such run.
            ServiceBusy: The service went down; the run goes on when it is back.
            Exception: Why nobody works on the run any more, although it is not over.
        """
        follower = Follower(self._orchestrator, run_id, after=after)
        accepted = self._carrier.accepted(run_id)
        if accepted is None:
            await self._known(run_id)
            async for entry in follower.so_far():
                yield entry
            accepted = self._carrier.accepted(run_id)
        failure = self._carrier.failure(run_id)
        while accepted is not None:
            items = follower.with_text(accepted) if deltas else follower.through(accepted)
            async with aclosing(items):
                async for item in items:
                    yield item
            failure = accepted.failure
            accepted = self._carrier.accepted(run_id)
        if failure is not None:
            raise failure

    async def state(self, run_id: str) -> RunState:
        """What a run has come to so far.

        Raises:
            RunNotFound: There is no such run.
            JournalError: Its journal cannot be trusted.
        """
        journal = self._orchestrator.live(run_id)
        return journal.state if journal else (await self._orchestrator.result(run_id)).state

    async def decide(
        self,
        run_id: str,
        *,
        digest: str,
        granted: bool,
        by: str,
        edited: Sequence[Arguments] | None = None,
    ) -> None:
        """Give the word on the calls that a run asks about.

        Args:
            run_id: The run.
            digest: Which calls the word is about.
            granted: Whether they may be carried out.
            by: Whose word it is.
            edited: The arguments of every call, to be carried out in place of the ones asked about.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It does not ask about these calls, or not any more.
            InvalidRequest: The edited arguments do not fit the tool.
            ServiceBusy: Too many runs wait already, or the service goes down.
        """
        if not digest:
            raise InvalidRequest("A decision names the digest of the calls that it is about.")
        if edited is not None and not granted:
            raise InvalidRequest("Calls that are refused cannot be edited.")
        words = Words(granted=granted, digest=digest, by=by, edited=edited)
        await self._take_up(run_id, words)

    async def answer(self, run_id: str, text: str) -> None:
        """Answer the question that a run's plan put.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It asks nothing.
            ServiceBusy: Too many runs wait already, or the service goes down.
        """
        if not text.strip():
            raise InvalidRequest("The answer is empty.")
        await self._take_up(run_id, Words(answer=text))

    async def settle(self, run_id: str, results: Mapping[str, ToolOutcome]) -> None:
        """Give what the client's own tools returned, by the id of the call.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It waits for no results.
            InvalidRequest: A result is missing, or is of no call that the run waits for.
            ServiceBusy: Too many runs wait already, or the service goes down.
        """
        await self._take_up(run_id, Words(results=results))

    async def resume(self, run_id: str, *, budget: Budget | None = None) -> None:
        """Go on with a run that stopped, failed, was cancelled, or was only planned.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It is over, is being worked on, or waits for somebody's word.
            ServiceBusy: Too many runs wait already, or the service goes down.
        """
        await self._take_up(run_id, Words(budget=budget), waits_for_nobody=True)

    async def cancel(self, run_id: str) -> bool:
        """Cancel a run, wherever it stands; say whether it was not over yet.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: Another process works on it.
            JournalError: It was stopped, but its end cannot be made durable.
        """
        return await self._carrier.cancel(run_id)

    async def expire(self, now: datetime) -> list[str]:
        """Deny every approval that has expired; give the runs that go on with that."""
        denied: list[str] = []
        for run_id, approval in await self._expiry.overdue(now):
            try:
                await self.decide(run_id, digest=approval.digest, granted=False, by=EXPIRY)
            except ServiceBusy:
                break
            except OrchestratorError as error:
                _log.warning("run %s: its expired approval stays: %s", run_id, error.message)
            else:
                denied.append(run_id)
        return denied

    async def drain(self, *, within_s: float) -> None:
        """Stop working, and leave every run as it is in its journal, to be recovered.

        Args:
            within_s: Seconds that the calls under way are waited for, at most.
        """
        await self._carrier.drain(within_s=within_s)

    async def _take_up(self, run_id: str, words: Words, *, waits_for_nobody: bool = False) -> None:
        async def taken_up() -> None:
            if waits_for_nobody:
                await self._refuse_when_waiting(run_id)
            await self._orchestrator.take_up(run_id, words)

        await self._carrier.accept(run_id, taken_up)

    async def _refuse_when_waiting(self, run_id: str) -> None:
        status = (await self.state(run_id)).status
        if status in _WAITING:
            words = status.replace("_", " ")
            raise RunConflict(f"Run {run_id} is {words}.", hint=_WAITING[status])

    async def _known(self, run_id: str) -> None:
        if await self._directory.head(run_id) is None:
            raise RunNotFound(f"There is no run {run_id}.")
