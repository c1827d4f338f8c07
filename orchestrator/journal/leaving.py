"""A journal whose run can be left in the middle, at a point that is easy to go on from."""

import asyncio

from typing_extensions import override

from orchestrator.core.events import CallIntended, CallSettled, Event, RunEnded
from orchestrator.core.runs import RunState
from orchestrator.journal.writer import Journal
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import BlobStore, JournalStore


class LeavableJournal(Journal):
    """Knows which calls are under way, and begins none once the run is to be left.

    A run that is left while a call is under way would have to ask a person whether it was done.
    """

    def __init__(self, store: JournalStore, blobs: BlobStore, *, clock: Clock, run_id: str) -> None:
        super().__init__(store, blobs, clock=clock, run_id=run_id)
        self._leaving = False
        self._under_way: set[str] = set()
        self._settled = asyncio.Event()

    def begin_nothing_more(self) -> None:
        """From now on the intent to make a call is not written, and its writer waits for ever."""
        self._leaving = True

    async def nothing_under_way(self) -> None:
        """Wait until every call that was begun has come to something, or the run has ended."""
        while self._under_way:
            self._settled.clear()
            await self._settled.wait()

    @override
    async def append(self, *events: Event) -> RunState:
        """Append as any journal does; a new intent waits for ever once the run is being left."""
        intents = {event.id for event in events if isinstance(event, CallIntended)}
        if intents and self._leaving:
            await asyncio.Event().wait()
        self._under_way |= intents
        state = await super().append(*events)
        self._came_to_something(*events)
        return state

    def _came_to_something(self, *events: Event) -> None:
        for event in events:
            if isinstance(event, CallSettled):
                self._under_way.discard(event.id)
            if isinstance(event, RunEnded):
                self._under_way.clear()
        if not self._under_way:
            self._settled.set()
