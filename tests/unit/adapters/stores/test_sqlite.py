"""The SQLite store when things go wrong: every failure says what it is and what to do."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters.stores.blobs import FolderBlobs
from adapters.stores.sqlite import SqliteStore
from orchestrator.core.errors import JournalError, RunConflict, RunNotFound
from orchestrator.journal.chain import verify
from tests.contract.journal_store import journal_of, reasons

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[4]
CHILD = """
import asyncio, os, sys
from pathlib import Path
from adapters.stores.sqlite import SqliteStore
from tests.contract.journal_store import journal_of, reasons

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    with store.run_lock("r0"):
        await asyncio.gather(*(write(store, f"r{n}") for n in range(4)))

async def write(store, run_id):
    for entry in journal_of(run_id, *reasons(3000)):
        await store.append([entry])
        os.write(1, f"{run_id} {entry.seq}\\n".encode())

asyncio.run(main())
"""
FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from adapters.stores.sqlite import SqliteStore
from orchestrator.core.errors import JournalError
from tests.contract.journal_store import journal_of, reasons

async def main():
    with SqliteStore(Path(sys.argv[1])) as store:
        entries = journal_of("r1", *reasons(4000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        kept = await until_full(store, entries)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await store.append(entries[kept : kept + 1])
        print(kept + 1, len(await store.read("r1")))

async def until_full(store, entries):
    for done, entry in enumerate(entries):
        try:
            await store.append([entry])
        except JournalError as error:
            print(error.message, "|", error.hint)
            return done

asyncio.run(main())
"""


def child(code, *arguments, **options):
    """Start a Python process that has this repository on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        **options,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def store(path):
    with SqliteStore(path) as store:
        yield store


async def test_what_returned_before_a_kill_is_there_after_it(path):
    with child(CHILD, path) as writer:
        returned = [writer.stdout.readline() for _ in range(200)]
        writer.send_signal(signal.SIGKILL)
        returned += writer.stdout.readlines()
    newest = {}
    for line in returned:
        if line.endswith("\n"):
            run_id, seq = line.split()
            newest[run_id] = int(seq)
    assert len(newest) == 4
    with SqliteStore(path) as store:
        for run_id, seq in newest.items():
            entries = await store.read(run_id)
            assert len(entries) >= seq
            assert verify(entries, await store.tail(run_id)) == []


async def test_the_lock_of_a_killed_process_is_free_at_once(path):
    with child(CHILD, path) as writer:
        writer.stdout.readline()
        with SqliteStore(path) as store:
            with pytest.raises(RunConflict, match=f"process {writer.pid}"), store.run_lock("r0"):
                pytest.fail("The lock of a live process was given away.")
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            with store.run_lock("r0"):
                pass


async def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(path):
    with child(FULL_DISK, path) as writer:
        said, _ = writer.communicate()
    failure, counts = said.strip().splitlines()
    assert "full" in failure
    assert "Make room" in failure or "room on it" in failure
    written, read = counts.split()
    assert written == read


async def test_two_writers_of_one_run_clash(path, store):
    entries = journal_of("r1", *reasons(2))
    with SqliteStore(path) as other:
        await store.append(entries[:2])
        with pytest.raises(JournalError, match="cannot follow") as clash:
            await other.append(entries[1:])
    assert "Another process" in clash.value.hint


async def test_stores_opened_at_the_same_time_share_the_file(path):
    def opened():
        return SqliteStore(path)

    stores = await asyncio.gather(*(asyncio.to_thread(opened) for _ in range(6)))
    await asyncio.gather(
        *(store.append(journal_of(f"r{number}")) for number, store in enumerate(stores))
    )
    assert len(await stores[0].heads()) == 6
    for store in stores:
        store.close()


async def test_waiting_appends_share_one_transaction(store):
    statements = []
    store._commits._db.set_trace_callback(statements.append)
    await asyncio.gather(*(store.append(journal_of(f"r{number}")) for number in range(50)))
    store._commits._db.set_trace_callback(None)
    assert 1 <= statements.count("COMMIT") < 50


async def test_a_caller_that_gives_up_does_not_take_its_entries_back(store):
    task = asyncio.create_task(store.append(journal_of("r1")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.append(journal_of("r2"))
    assert [head.run_id for head in await store.heads()] == ["r2", "r1"]


async def test_a_writer_that_fails_oddly_is_never_taken_for_success(store, monkeypatch):
    def fail(_):
        raise RuntimeError("odd")

    monkeypatch.setattr(store._commits, "_attempt", fail)
    first, second = await asyncio.gather(
        store.append(journal_of("r1")), store.append(journal_of("r2")), return_exceptions=True
    )
    assert isinstance(first, RuntimeError)
    assert isinstance(second, JournalError | RuntimeError)


async def test_a_locked_file_is_named(path):
    with SqliteStore(path, busy_s=0.01) as store, closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="is locked") as locked:
            await store.append(journal_of("r1"))
        holder.rollback()
        await store.append(journal_of("r1"))
    assert "Wait" in locked.value.hint


async def test_the_folder_is_made_and_only_its_owner_can_read_it(path, store):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_newer_schema_is_refused(path, store):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    with pytest.raises(JournalError, match="has schema 7") as newer:
        SqliteStore(path)
    assert "newer Ferryman" in newer.value.hint


async def test_a_database_of_something_else_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(JournalError, match="not a journal"):
        SqliteStore(tmp_path / "other.db")


async def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_text("a shopping list, long enough to be looked at as a header " * 4)
    with pytest.raises(JournalError, match="is damaged") as damaged:
        SqliteStore(path)
    assert "aside" in damaged.value.hint


async def test_a_damaged_file_is_named_when_it_is_read(path, store):
    await store.append(journal_of("r1", *reasons(200)))
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * len(data[4096:])
    path.write_bytes(data)
    with SqliteStore(path) as damaged, pytest.raises(JournalError, match="is damaged"):
        await damaged.read("r1")


async def test_a_damaged_row_names_its_run_and_what_is_wrong(path, store):
    await store.append(journal_of("r1"))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE entries SET entry = replace(entry, 'run_started', 'run_begun')")
    with pytest.raises(JournalError, match=r"entries of run r1 .* cannot be read: event"):
        await store.read("r1")


async def test_a_damaged_head_is_named(path, store):
    await store.append(journal_of("r1"))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE runs SET status = 'asleep'")
    with pytest.raises(JournalError, match=r"list of runs .* status"):
        await store.heads()


async def test_a_path_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(JournalError, match="cannot be opened"):
        SqliteStore(tmp_path)


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened") as refused:
        SqliteStore(tmp_path / "file" / "state" / "journal.db")
    assert "state folder" in refused.value.hint


async def test_a_read_only_file_is_named(path, store, monkeypatch):
    store._commits._db.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError, match="read-only") as refused:
        await store.append(journal_of("r1"))
    assert "writable" in refused.value.hint


async def test_more_candidates_than_fit_are_counted(store):
    for number in range(7):
        await store.append(journal_of(f"run-{number}"))
    with pytest.raises(JournalError, match="and 2 more"):
        await store.find("run-")


@pytest.mark.parametrize("run_id", ["", "../evil", "a/b", ".hidden", "x" * 200])
async def test_a_lock_is_only_for_run_ids(store, run_id):
    with pytest.raises(RunNotFound, match="not a run id"), store.run_lock(run_id):
        pytest.fail("A lock was given for something that is no run.")


async def test_a_lock_folder_that_cannot_be_made_is_named(path, store):
    (path.parent / "locks").write_text("")
    with pytest.raises(JournalError, match="cannot be opened"), store.run_lock("r1"):
        pytest.fail("A lock was given without its file.")


async def test_a_holder_that_left_no_number_is_unknown(path, store):
    with store.run_lock("r1"):
        (path.parent / "locks" / "r1.lock").write_text("")
        with pytest.raises(RunConflict, match="process unknown"), store.run_lock("r1"):
            pytest.fail("The lock was given twice.")


def test_a_blob_that_was_changed_is_refused(tmp_path):
    blobs = FolderBlobs(tmp_path)
    digest = blobs.put(b"before")
    (tmp_path / digest[:2] / digest).write_bytes(b"after")
    with pytest.raises(JournalError, match="was changed"):
        blobs.get(digest)


def test_a_blob_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be kept") as refused:
        FolderBlobs(tmp_path / "file").put(b"data")
    assert "room" in refused.value.hint


def test_a_blob_that_could_not_be_finished_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JournalError, match="No space left"):
        FolderBlobs(tmp_path).put(b"data")
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == []
