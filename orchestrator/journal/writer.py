"""The journal of one run: what happened is durable before anybody acts on it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import NamedTuple, Self

from orchestrator.core.errors import JournalError, RunNotFound
from orchestrator.core.events import Entry, Event, RunEnded, RunResumed
from orchestrator.core.fingerprints import unfit
from orchestrator.core.runs import RunState
from orchestrator.journal.chain import seal, verify
from orchestrator.journal.fold import fold
from orchestrator.journal.payloads import with_payloads, without_payloads
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import BlobStore, JournalStore


class _Happened(NamedTuple):
    """An event, the form of it that is stored, and when it happened."""

    event: Event
    stored: Event
    at: datetime
    monotonic: float


class _Batch:
    """Events that become durable together, and the task that makes them so."""

    def __init__(self) -> None:
        self.happened: list[_Happened] = []
        self.written: asyncio.Task[None] | None = None


class Journal:
    """Appends the events of one run and holds the state they fold to.

    Concurrent appends share one write. `state` and `entries` hold every payload in full;
    only the stored rows, over which the hash chain runs, have large ones replaced.
    """

    def __init__(self, store: JournalStore, blobs: BlobStore, *, clock: Clock, run_id: str) -> None:
        self.state = RunState(run_id=run_id)
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._run_id = run_id
        self._entries: list[Entry] = []
        self._mark: float | None = None
        self._one_at_a_time = asyncio.Lock()
        self._open: _Batch | None = None
        self._tails: list[asyncio.Queue[Entry | None]] = []

    @classmethod
    async def load(
        cls, store: JournalStore, blobs: BlobStore, *, clock: Clock, run_id: str
    ) -> Self:
        """Take up the journal of a run that exists.

        Raises:
            RunNotFound: There is no such run.
            JournalError: Its journal cannot be trusted.
        """
        journal = cls(store, blobs, clock=clock, run_id=run_id)
        entries = await store.read(run_id)
        if not entries:
            raise RunNotFound(f"There is no run {run_id}.", hint="`ferryman runs list` has them.")
        if problems := verify(entries):
            raise JournalError(
                f"The journal of run {run_id} was changed: {problems[0]}",
                hint=f"`ferryman runs export {run_id}` writes it out as it is; other runs go on.",
            )
        for entry in entries:
            event = with_payloads(entry.event, blobs.get)
            journal._take_in(entry.model_copy(update={"event": event}))
        # Whoever takes the run up works from now on, whether or not a resume says so.
        journal._mark = clock.monotonic()
        return journal

    async def append(self, *events: Event) -> RunState:
        """Make events durable, in order, all or none; then fold them in and tell subscribers.

        The write goes on when the caller is cancelled while it waits.

        Returns:
            The state after them.

        Raises:
            JournalError: A value is unfit for the journal, or the store failed; nothing
                was folded.
        """
        stored = [await self._stored(event) for event in events]
        if events:
            batch = self._batch()
            now, monotonic = self._clock.now(), self._clock.monotonic()
            batch.happened += [
                _Happened(event, form, now, monotonic)
                for event, form in zip(events, stored, strict=True)
            ]
            await asyncio.shield(self._written(batch))
        return self.state

    def entries(self) -> list[Entry]:
        """List the entries so far, with every payload in full."""
        return list(self._entries)

    def since(self, seq: int, limit: int) -> list[Entry]:
        """Give the entries after a sequence number, with every payload in full, at most so many."""
        return self._entries[seq : seq + limit]

    def subscribe(self, after: int | None = None) -> AsyncGenerator[Entry]:
        """Follow the journal until the run ends or rests, or the journal is closed.

        Args:
            after: Begin with the entry after this sequence number; with None, with the next
                entry that is appended. Nothing is missed from the moment of the call.
        """
        tail: asyncio.Queue[Entry | None] = asyncio.Queue()
        for entry in self._entries if after is not None else ():
            if entry.seq > (after or 0):
                tail.put_nowait(entry)
        self._tails.append(tail)
        return self._follow(tail)

    def close(self) -> None:
        """End every subscription once it has delivered what was appended."""
        for tail in self._tails:
            tail.put_nowait(None)
        self._tails.clear()

    async def _follow(self, tail: asyncio.Queue[Entry | None]) -> AsyncGenerator[Entry]:
        try:
            while (entry := await tail.get()) is not None:
                yield entry
        finally:
            if tail in self._tails:
                self._tails.remove(tail)

    async def _stored(self, event: Event) -> Event:
        _check_fit(event)
        form, payloads = without_payloads(event)
        for payload in payloads:
            await asyncio.to_thread(self._blobs.put, payload)
        return form

    def _batch(self) -> _Batch:
        if self._open is None:
            self._open = _Batch()
        return self._open

    def _written(self, batch: _Batch) -> asyncio.Task[None]:
        if batch.written is None:
            batch.written = asyncio.create_task(self._write(batch))
        return batch.written

    async def _write(self, batch: _Batch) -> None:
        async with self._one_at_a_time:
            self._open = None
            sealed = self._sealed(batch.happened)
            await self._store.append(sealed)
            for entry, happened in zip(sealed, batch.happened, strict=True):
                self._take_in(entry.model_copy(update={"event": happened.event}))
            self._mark = _mark_after(batch.happened[-1])

    def _sealed(self, batch: Sequence[_Happened]) -> list[Entry]:
        mark, sealed = self._mark, self._entries[-1:]
        for each in batch:
            sealed.append(self._entry(each, mark, sealed[-1] if sealed else None))
            mark = _mark_after(each)
        return sealed[-len(batch) :]

    def _entry(self, happened: _Happened, mark: float | None, before: Entry | None) -> Entry:
        entry = Entry(
            run_id=self._run_id,
            seq=before.seq + 1 if before else 1,
            at=happened.at,
            seconds=_working_seconds(happened, mark),
            event=happened.stored,
        )
        return seal(entry, before.hash if before else "")

    def _take_in(self, entry: Entry) -> None:
        self.state = fold(self.state, entry)
        self._entries.append(entry)
        for tail in self._tails:
            tail.put_nowait(entry)
        if isinstance(entry.event, RunEnded):
            self.close()


def _mark_after(happened: _Happened) -> float | None:
    return None if isinstance(happened.event, RunEnded) else happened.monotonic


def _working_seconds(happened: _Happened, mark: float | None) -> float:
    """Seconds of work since the mark: none after a rest, however long that was."""
    if mark is None or isinstance(happened.event, RunResumed):
        return 0.0
    return max(0.0, happened.monotonic - mark)


def _check_fit(event: Event) -> None:
    for field, value in event.model_dump().items():
        if why := unfit(value):
            raise JournalError(
                f"The field {field!r} of a {event.type} event cannot be kept: {why}.",
                hint="A tool or a model gave a value that JSON cannot carry.",
            )
