"""What SQLite's failures mean to the person who meets them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.errors import JournalError

_DAMAGED = (
    "is damaged or is not a database",
    "Move the file aside, or restore it from a copy; nothing runs without a journal.",
)
_LOCKED = (
    "is locked by another process",
    "Wait for that process or stop it; then resume the run.",
)
_MEANINGS = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        "Make room on the disk; then resume the run.",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be written or read: the disk failed or is full",
        "Check the disk and the room on it; then resume the run.",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written: it is read-only",
        "Make the state folder and the file writable, or choose another state folder.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "Make the state folder exist and be writable, or choose another state folder.",
    ),
}
_UNKNOWN = ("failed", "Run `ferryman audit verify`; nothing runs without a journal.")
_PRIMARY_CODE = 0xFF


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn a failure of SQLite inside a `with` block into one that says what to do.

    Raises:
        JournalError: In place of any `sqlite3.Error`.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise journal_error(path, error) from error


def journal_error(path: Path, error: sqlite3.Error) -> JournalError:
    """Name a failure of SQLite: which file, what happened, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    what, hint = _MEANINGS.get(code, _UNKNOWN)
    return JournalError(f"The journal {path} {what} ({error}).", hint=hint)
