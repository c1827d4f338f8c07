"""Takes old runs out of a journal file, and with them what only they had."""

import re
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from adapters.stores.blobs import FolderBlobs
from adapters.stores.locks import held
from adapters.stores.sqlite_errors import named
from adapters.stores.sqlite_schema import connect, whole
from orchestrator.core.errors import RunConflict, RunNotFound
from orchestrator.core.runs import RunStatus
from orchestrator.ports.store import Pruned

BATCH = 40
"""Runs that go in one transaction: short enough that no run at work waits for long."""
PAUSE_S = 0.15
"""Seconds between transactions: whoever waits for the lock looks every tenth of a second."""
_CHUNK_PAGES = 500
_WORTH_REWRITING = 0.25
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OLD = """SELECT run_id, status, touched FROM runs
    WHERE number NOT IN (SELECT number FROM runs ORDER BY number DESC LIMIT :keep)
    AND CASE touched WHEN '' THEN started ELSE touched END < :before
    ORDER BY number"""
_SIZE = "SELECT count(*), coalesce(sum(length(CAST(entry AS BLOB))), 0) FROM entries WHERE run_id=?"


class _Old(NamedTuple):
    """A run that may go, as it was when it was chosen."""

    run_id: str
    status: str
    touched: str


@dataclass(frozen=True)
class Retention:
    """What is to go: runs of these statuses that nothing was added to since `before`.

    The `keep` newest runs of the file stay whatever they are. With `rehearse` nothing is done.
    """

    before: datetime
    statuses: Sequence[RunStatus]
    keep: int = 0
    rehearse: bool = False


def prune(path: Path, wanted: Retention, *, busy_s: float) -> Pruned:
    """Remove what the retention says from a journal file and the folders beside it.

    A run that a process works on is left alone, whatever it is. Payloads go when no run that is
    left refers to them; one that was only just kept stays, as its entry may not be there yet.

    Raises:
        JournalError: The file cannot be written; every run is there wholly or not at all.
    """
    # What is removed may well be there again after a power failure: it is removed the next time.
    with named(path), closing(connect(path, busy_s=busy_s, durability="normal")) as db:
        size = _file_bytes(path)
        old = [row for row in map(_Old._make, _chosen(db, wanted)) if row.status in wanted.statuses]
        done = Pruned()
        for at in range(0, len(old), BATCH):
            done = _sum(done, _batch(db, path, old[at : at + BATCH], wanted))
            _let_others_write(db, wanted)
        gone = set(done.runs) if wanted.rehearse else set()
        blobs, blob_bytes = FolderBlobs(path.parent / "blobs").sweep(
            lambda: _referred_to(db, without=gone), rehearse=wanted.rehearse
        )
        if not wanted.rehearse and done.runs:
            _give_back(db, wanted)
        freed = max(0, size - _file_bytes(path))
    return replace(done, blobs=blobs, blob_bytes=blob_bytes, file_bytes=freed)


def _chosen(db: sqlite3.Connection, wanted: Retention) -> list[Any]:
    before = wanted.before.astimezone(UTC).isoformat()
    return db.execute(_OLD, {"before": before, "keep": wanted.keep}).fetchall()


def _batch(db: sqlite3.Connection, path: Path, old: Sequence[_Old], wanted: Retention) -> Pruned:
    if wanted.rehearse:
        return _sum(Pruned(), *(_counted(db, run) for run in old))
    with ExitStack() as locks:
        free, busy = [], []
        for run in old:
            try:
                locks.enter_context(held(path.parent / "locks", run.run_id, last=True))
            except (RunConflict, RunNotFound):
                busy.append(run.run_id)
            else:
                free.append(run)
        with whole(db):
            gone = _sum(Pruned(), *(_removed(db, run) for run in free))
    return _sum(gone, Pruned(busy=tuple(busy)))


def _let_others_write(db: sqlite3.Connection, wanted: Retention) -> None:
    """Give the lock to whoever waits for it, and keep the log of changes short."""
    if not wanted.rehearse:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        time.sleep(PAUSE_S)


def _counted(db: sqlite3.Connection, run: _Old) -> Pruned:
    entries, size = db.execute(_SIZE, (run.run_id,)).fetchone()
    return Pruned(runs=(run.run_id,), entries=entries, entry_bytes=size)


def _removed(db: sqlite3.Connection, run: _Old) -> Pruned:
    """Remove a run unless something has happened to it since it was chosen."""
    counted = _counted(db, run)
    same = "DELETE FROM runs WHERE run_id = ? AND status = ? AND touched = ?"
    if not db.execute(same, run).rowcount:
        return Pruned()
    db.execute("DELETE FROM entries WHERE run_id = ?", (run.run_id,))
    return counted


def _sum(*parts: Pruned) -> Pruned:
    return Pruned(
        runs=tuple(run for part in parts for run in part.runs),
        busy=tuple(run for part in parts for run in part.busy),
        entries=sum(part.entries for part in parts),
        entry_bytes=sum(part.entry_bytes for part in parts),
    )


def _referred_to(db: sqlite3.Connection, *, without: Collection[str]) -> set[str]:
    """Every digest in a row that holds a payload's mark; a few too many do no harm."""
    rows = db.execute("SELECT run_id, entry FROM entries WHERE instr(entry, '$blob')")
    return set(_digests(rows, without))


def _digests(rows: Iterator[Any], without: Collection[str]) -> Iterator[str]:
    for run_id, entry in rows:
        if run_id not in without:
            yield from _DIGEST.findall(entry)


def _give_back(db: sqlite3.Connection, wanted: Retention) -> None:
    """Shrink the file by what became free; where that fails, the room is used by later runs."""
    with suppress(sqlite3.Error):
        if db.execute("PRAGMA auto_vacuum").fetchone() == (0,):
            _rewrite(db)
        else:
            _cut_off(db, wanted)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _cut_off(db: sqlite3.Connection, wanted: Retention) -> None:
    """Cut free pages off a piece at a time, so that writers get their turn in between."""
    left = _free_pages(db)
    while left:
        # Stepped once, as `execute` does, it would free one page.
        db.executescript(f"PRAGMA incremental_vacuum({_CHUNK_PAGES})")
        _let_others_write(db, wanted)
        before, left = left, _free_pages(db)
        if left >= before:
            return


def _rewrite(db: sqlite3.Connection) -> None:
    """Write a file of schema 1 anew, once enough of it is free; from then on it can be cut."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    if _free_pages(db) >= _WORTH_REWRITING * pages:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("VACUUM")


def _free_pages(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])


def _file_bytes(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
