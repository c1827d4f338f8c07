"""The tables of a journal file, and the connection that is known to have them."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

from adapters.stores.locks import alone
from adapters.stores.sqlite_errors import named
from orchestrator.core.errors import JournalError

Durability = Literal["full", "normal"]
"""Whether a commit survives a power failure (`full`) or only the death of the process."""

SCHEMA_VERSION = 1
_TABLES = (
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        goal TEXT NOT NULL,
        status TEXT NOT NULL,
        started TEXT NOT NULL,
        last_seq INTEGER NOT NULL,
        last_hash TEXT NOT NULL
    )""",
    """CREATE TABLE entries (
        run_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        entry TEXT NOT NULL,
        UNIQUE (run_id, seq)
    )""",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def connect(path: Path, *, busy_s: float, durability: Durability = "full") -> sqlite3.Connection:
    """Open a connection; transactions are begun and ended by hand.

    Args:
        path: The journal file.
        busy_s: Seconds to wait for another process's write.
        durability: What a commit survives.
    """
    connection = sqlite3.connect(
        path, timeout=busy_s, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA synchronous = {durability.upper()}")
    return connection


def prepare(path: Path, *, busy_s: float) -> None:
    """Make sure that the file is a journal this version understands; create it if need be.

    Raises:
        JournalError: It cannot be opened or created, is something else, or is too new.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(path.parent):
            _create_private(path)
            with named(path), closing(connect(path, busy_s=busy_s)) as connection:
                _create_tables(connection, path)
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be opened: {error}",
            hint="Make the state folder exist and be writable, or choose another state folder.",
        ) from error


def _create_private(path: Path) -> None:
    # Only ever a new file: closing a second handle of a file that SQLite has open in this
    # process would drop SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _create_tables(connection: sqlite3.Connection, path: Path) -> None:
    if not _is_new(connection, path):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("COMMIT")


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"The journal {path} has schema {version}; this version reads up to {SCHEMA_VERSION}.",
            hint="Use the newer Ferryman that wrote it, or choose another state folder.",
        )
    if version == SCHEMA_VERSION:
        return False
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise JournalError(
            f"The database {path} is not a journal of Ferryman.",
            hint="Choose another state folder.",
        )
    return True
