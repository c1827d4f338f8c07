"""Group commit: whatever waits to be written shares one transaction, and so one fsync."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC
from itertools import groupby
from pathlib import Path

from adapters.stores.sqlite_errors import journal_error, named
from adapters.stores.sqlite_schema import Durability, connect
from orchestrator.core.errors import JournalError
from orchestrator.core.events import Entry, RunEnded, RunResumed, RunStarted


class _Append:
    """Entries that wait for the writer, and what became of them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.rows = [(entry.run_id, entry.seq, entry.model_dump_json()) for entry in entries]
        self.error: Exception | None = JournalError("The journal's writer failed.")


class GroupCommit:
    """The one writer of a journal file in this process.

    Every append asks the writer's thread to commit all that waits; when an earlier request
    has already taken an append along, its own finds nothing left to do.
    """

    def __init__(self, path: Path, *, durability: Durability, busy_s: float) -> None:
        self._path = path
        with named(path):
            self._db = connect(path, busy_s=busy_s, durability=durability)
        self._waiting: deque[_Append] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def close(self) -> None:
        """Finish what is being written and let go of the file."""
        self._thread.shutdown()
        self._db.close()

    async def append(self, entries: Sequence[Entry]) -> None:
        """Make the entries durable, all or none; cancelling the caller does not stop them.

        Raises:
            JournalError: The file cannot be written, or a sequence number is not the run's
                next one.
        """
        append = _Append(entries)
        self._waiting.append(append)
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(self._thread, self._commit_waiting))
        if isinstance(append.error, sqlite3.Error):
            raise journal_error(self._path, append.error) from append.error
        if append.error:
            raise append.error

    def _commit_waiting(self) -> None:
        appends = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not appends:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            refused: list[Exception | None] = [self._attempt(append) for append in appends]
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            # A full disk may have ended the transaction already.
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            refused = [error] * len(appends)
        for append, why in zip(appends, refused, strict=True):
            append.error = why

    def _attempt(self, append: _Append) -> JournalError | None:
        self._db.execute("SAVEPOINT append")
        try:
            _write(self._db, append)
        except JournalError as error:
            self._db.execute("ROLLBACK TO append")
            return error
        self._db.execute("RELEASE append")
        return None


def _write(db: sqlite3.Connection, append: _Append) -> None:
    for run_id, group in groupby(append.entries, lambda entry: entry.run_id):
        entries = list(group)
        _check_place(db, run_id, [entry.seq for entry in entries])
        for entry in entries:
            _write_head(db, entry)
    db.executemany("INSERT INTO entries (run_id, seq, entry) VALUES (?, ?, ?)", append.rows)


def _check_place(db: sqlite3.Connection, run_id: str, seqs: Sequence[int]) -> None:
    row = db.execute("SELECT last_seq FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    last = row[0] if row else 0
    if list(seqs) != list(range(last + 1, last + 1 + len(seqs))):
        raise JournalError(
            f"Run {run_id} ends with entry {last}; entry {seqs[0]} cannot follow.",
            hint="Another process is writing this run: wait for it, then resume.",
        )


_HEAD = """INSERT INTO runs
    (run_id, goal, status, started, last_seq, last_hash, tenant, thread, touched)
    VALUES (:run, :goal, 'running', :at, :seq, :hash, :tenant, :thread, :touched)
    ON CONFLICT (run_id) DO UPDATE SET last_seq = :seq, last_hash = :hash, touched = :touched,
        status = coalesce(:status, status)"""


def _write_head(db: sqlite3.Connection, entry: Entry) -> None:
    request = entry.event.request if isinstance(entry.event, RunStarted) else None
    db.execute(
        _HEAD,
        {
            "run": entry.run_id,
            "goal": request.goal if request else "",
            "tenant": request.tenant if request else "",
            "thread": request.thread if request else "",
            "at": entry.at.isoformat(),
            "touched": entry.at.astimezone(UTC).isoformat(),
            "seq": entry.seq,
            "hash": entry.hash,
            "status": _status(entry),
        },
    )


def _status(entry: Entry) -> str | None:
    if isinstance(entry.event, RunEnded):
        return entry.event.status
    return "running" if isinstance(entry.event, RunResumed) else None
