"""The tables of a journal file, and the connection that is known to have them."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

from adapters.stores.locks import alone
from adapters.stores.sqlite_errors import named
from orchestrator.core.errors import JournalError

Durability = Literal["full", "normal"]
"""Whether a commit survives a power failure (`full`) or only the death of the process."""

SCHEMA_VERSION = 2
_TABLES = (
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        goal TEXT NOT NULL,
        status TEXT NOT NULL,
        started TEXT NOT NULL,
        last_seq INTEGER NOT NULL,
        last_hash TEXT NOT NULL,
        tenant TEXT NOT NULL DEFAULT '',
        thread TEXT NOT NULL DEFAULT '',
        touched TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE entries (
        run_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        entry TEXT NOT NULL,
        UNIQUE (run_id, seq)
    )""",
)
# Each listing reads one of these from its newest end, however many runs there are.
_INDEXES = (
    "CREATE INDEX runs_of_tenant ON runs (tenant, number)",
    "CREATE INDEX runs_of_thread ON runs (thread, tenant, number)",
    "CREATE INDEX runs_by_status ON runs (status, number)",
    "CREATE INDEX runs_of_tenant_by_status ON runs (tenant, status, number)",
)
_VERSION = f"PRAGMA user_version = {SCHEMA_VERSION}"
# A request kept no tenant before schema 2: those runs are the local one's. A row that cannot be
# read keeps the defaults; it must not keep every other run from being used.
_FROM_1_TO_2 = (
    "ALTER TABLE runs ADD COLUMN tenant TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN thread TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN touched TEXT NOT NULL DEFAULT ''",
    """UPDATE runs SET thread = coalesce((
        SELECT json_extract(entry, '$.event.request.thread') FROM entries
        WHERE entries.run_id = runs.run_id AND seq = 1 AND json_valid(entry)
    ), '')""",
    """UPDATE runs SET touched = coalesce((
        SELECT replace(json_extract(entry, '$.at'), 'Z', '+00:00') FROM entries
        WHERE entries.run_id = runs.run_id AND seq = last_seq AND json_valid(entry)
    ), started)""",
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
    found = _found_version(connection, path)
    if found == SCHEMA_VERSION:
        return
    if found == 0:
        # Both only take effect in a file without tables, outside of a transaction.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
    changes = _TABLES if found == 0 else _FROM_1_TO_2
    with whole(connection):
        for statement in (*changes, *_INDEXES, _VERSION):
            connection.execute(statement)


@contextmanager
def whole(connection: sqlite3.Connection) -> Iterator[None]:
    """Make everything written inside a `with` block durable together, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _found_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema of the file, 0 where it is still empty."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"The journal {path} has schema {version}; this version reads up to {SCHEMA_VERSION}.",
            hint="Use the newer Ferryman that wrote it, or choose another state folder.",
        )
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise JournalError(
            f"The database {path} is not a journal of Ferryman.",
            hint="Choose another state folder.",
        )
    return version
