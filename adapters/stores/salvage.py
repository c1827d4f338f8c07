"""Reads what can still be read of a run, row by row, where the whole of it cannot be."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adapters.stores.sqlite_errors import named
from adapters.stores.sqlite_schema import connect
from orchestrator.ports.store import SavedRow

_ROW = "SELECT entry FROM entries WHERE run_id = ? AND seq = ?"
_LAST = """SELECT max(coalesce((SELECT last_seq FROM runs WHERE run_id = :run), 0),
    coalesce((SELECT max(seq) FROM entries WHERE run_id = :run), 0))"""


def salvage(path: Path, run_id: str, *, busy_s: float) -> list[SavedRow]:
    """Give every row of a run as its text is stored, or what keeps it from being read.

    Nothing is checked and nothing is changed.

    Raises:
        JournalError: Not even the number of rows can be read.
    """
    with named(path), closing(connect(path, busy_s=busy_s)) as db:
        # A flipped bit may have made a text invalid; what is left of it is still worth having.
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        (last,) = db.execute(_LAST, {"run": run_id}).fetchone()
        return list(_rows(db, run_id, last))


def _rows(db: sqlite3.Connection, run_id: str, last: int) -> Iterator[SavedRow]:
    for seq in range(1, last + 1):
        try:
            row = db.execute(_ROW, (run_id, seq)).fetchone()
        except sqlite3.Error as error:
            yield SavedRow(seq=seq, problem=str(error))
        else:
            yield SavedRow(seq=seq, text=str(row[0])) if row else SavedRow(seq, problem="missing")
