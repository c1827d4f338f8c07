"""Stores in memory, for tests of what stands on them."""

import hashlib
from contextlib import contextmanager

from orchestrator.core.errors import JournalError, RunConflict, RunNotFound
from orchestrator.core.events import RunEnded, RunHead, RunResumed, RunStarted
from orchestrator.ports.store import OVER, Pruned


class MemoryStore:
    """A journal store without a disk; `failing` makes every append fail, as a full disk does."""

    def __init__(self):
        self.rows = {}
        self.failing = False
        self._locked = set()

    async def append(self, entries):
        if self.failing:
            raise JournalError("The journal cannot grow: the disk is full.")
        after = {run_id: list(rows) for run_id, rows in self.rows.items()}
        for entry in entries:
            rows = after.setdefault(entry.run_id, [])
            if entry.seq != len(rows) + 1:
                raise JournalError(f"Run {entry.run_id}: entry {entry.seq} cannot follow.")
            rows.append(entry)
        self.rows = after

    async def read(self, run_id, after=0, limit=None):
        return [entry for entry in self.rows.get(run_id, []) if entry.seq > after][:limit]

    async def heads(self, limit=50, *, tenant=None, thread=None, statuses=(), before=""):
        found = [_head(rows) for rows in list(self.rows.values())[::-1]]
        if before:
            known = [h.run_id for h in found if tenant in {None, h.tenant}]
            if before not in known:
                raise RunNotFound(f"There is no run {before} to list older runs than.")
            found = found[[h.run_id for h in found].index(before) + 1 :]
        fitting = [
            head
            for head in found
            if tenant in {None, head.tenant}
            and thread in {None, head.thread}
            and (not statuses or head.status in statuses)
        ]
        return fitting[:limit]

    async def head(self, run_id):
        return _head(self.rows[run_id]) if run_id in self.rows else None

    async def prune(self, *, before, keep=0, statuses=OVER, rehearse=False):
        old = [
            run_id
            for run_id, rows in list(self.rows.items())[: max(0, len(self.rows) - keep)]
            if rows[-1].at < before and _head(rows).status in statuses
        ]
        busy = tuple(run_id for run_id in old if run_id in self._locked and not rehearse)
        gone = tuple(run_id for run_id in old if run_id not in busy)
        rows = [row for run_id in gone for row in self.rows[run_id]]
        if not rehearse:
            self.rows = {name: rows for name, rows in self.rows.items() if name not in gone}
        size = sum(len(row.model_dump_json().encode()) for row in rows)
        return Pruned(runs=gone, busy=busy, entries=len(rows), entry_bytes=size)

    async def tail(self, run_id):
        rows = self.rows.get(run_id)
        return (rows[-1].seq, rows[-1].hash) if rows else (0, "")

    async def latest_run_id(self):
        if not self.rows:
            raise JournalError("There is no run yet.")
        return list(self.rows)[-1]

    async def find(self, text):
        if text == "LAST":
            return await self.latest_run_id()
        found = [run_id for run_id in self.rows if run_id.startswith(text)]
        if text in found:
            return text
        if len(found) != 1:
            raise JournalError(f"{text!r} could be {', '.join(found) or 'nothing'}.")
        return found[0]

    @contextmanager
    def run_lock(self, run_id):
        if run_id in self._locked:
            raise RunConflict(f"Run {run_id} is being worked on by another process.")
        self._locked.add(run_id)
        try:
            yield
        finally:
            self._locked.discard(run_id)

    def close(self):
        """Nothing to let go of."""


class MemoryBlobs:
    """A blob store without a disk."""

    def __init__(self):
        self.kept = {}

    def put(self, data):
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return digest

    def get(self, digest):
        if digest not in self.kept:
            raise JournalError(f"The payload {digest} is missing.")
        if hashlib.sha256(self.kept[digest]).hexdigest() != digest:
            raise JournalError(f"The payload {digest} was changed since it was kept.")
        return self.kept[digest]


def _head(rows):
    status, request = "running", None
    for entry in rows:
        if isinstance(entry.event, RunStarted):
            request = entry.event.request
        if isinstance(entry.event, RunResumed):
            status = "running"
        if isinstance(entry.event, RunEnded):
            status = entry.event.status
    return RunHead(
        run_id=rows[0].run_id,
        goal=request.goal if request else "",
        status=status,
        started=rows[0].at,
        last_seq=rows[-1].seq,
        tenant=request.tenant if request else "",
        thread=request.thread if request else "",
    )
