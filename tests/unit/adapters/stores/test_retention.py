"""What is old goes and is gone from the disk; what anybody may still need stays."""

import os
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import pytest

from adapters.stores import locks
from adapters.stores.blobs import YOUNG_S, FolderBlobs
from adapters.stores.sqlite import SqliteStore
from adapters.stores.sqlite_schema import connect
from orchestrator.core.errors import JournalError, RunConflict
from orchestrator.core.events import CallSettled, ModelCalled, RunEnded
from orchestrator.core.tools import ToolOutcome
from orchestrator.journal.chain import verify
from orchestrator.journal.payloads import with_payloads, without_payloads
from tests.contract.journal_store import START, journal_of, reasons

pytestmark = pytest.mark.anyio

LATE = START + timedelta(days=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture
def store(path):
    with SqliteStore(path) as store:
        yield store


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobs(tmp_path / "blobs")


def kept(blobs, *events):
    """The events as the journal stores them, their payloads put away."""
    forms = []
    for event in events:
        form, payloads = without_payloads(event)
        for payload in payloads:
            blobs.put(payload)
        forms.append(form)
    return forms


def result(text):
    outcome = ToolOutcome(ok=True, data={"text": text * 5000})
    return CallSettled(
        id="p1.0", step="s1", parent=-1, tool="a.b", fingerprint="f", outcome=outcome
    )


def age_all(blobs, seconds=2 * YOUNG_S):
    then = time.time() - seconds
    for found in blobs._folder.rglob("*"):
        os.utime(found, (then, then))


def payloads_on_disk(blobs):
    return {found.name for found in blobs._folder.rglob("*") if found.is_file()}


async def test_payloads_go_with_the_last_run_that_refers_to_them(store, blobs):
    reply = ModelCalled(role="planner", purpose="plan", reply="r" * 5000)
    old = kept(blobs, result("shared"), result("own"), reply)
    new = kept(blobs, result("shared"))
    await store.append(journal_of("old", *old, RunEnded(status="completed")))
    await store.append(journal_of("new", *new))
    age_all(blobs)
    rehearsed = await store.prune(before=LATE, rehearse=True)
    assert len(payloads_on_disk(blobs)) == 3
    done = await store.prune(before=LATE)
    assert (rehearsed.blobs, rehearsed.blob_bytes) == (done.blobs, done.blob_bytes)
    assert done.blobs == 2
    assert done.blob_bytes > 10_000
    assert with_payloads(new[0], blobs.get) == result("shared")


async def test_the_payload_of_a_reply_is_found_too(store, blobs):
    reply = ModelCalled(role="planner", purpose="plan", reply="r" * 5000)
    (form,) = kept(blobs, reply)
    await store.append(journal_of("r1", form))
    age_all(blobs)
    assert (await store.prune(before=LATE)).blobs == 0
    assert with_payloads(form, blobs.get) == reply


async def test_a_payload_whose_entry_is_still_to_be_written_survives(store, blobs):
    (form,) = kept(blobs, result("on its way"))
    assert (await store.prune(before=LATE)).blobs == 0
    await store.append(journal_of("r1", form))
    assert with_payloads(form, blobs.get) == result("on its way")


async def test_an_old_payload_that_is_put_again_is_young_again(store, blobs):
    await store.append(journal_of("old", *kept(blobs, result("x")), RunEnded(status="failed")))
    age_all(blobs)
    (form,) = kept(blobs, result("x"))
    assert (await store.prune(before=LATE)).blobs == 0
    assert with_payloads(form, blobs.get) == result("x")


def test_a_payload_that_is_put_again_while_it_is_swept_survives(blobs):
    digest = blobs.put(b"data")
    age_all(blobs)

    def needed():
        blobs.put(b"data")
        return set()

    assert blobs.sweep(needed) == (0, 0)
    assert blobs.get(digest) == b"data"


def test_what_a_crash_left_half_written_is_swept(blobs):
    blobs.put(b"data")
    folder = next(found for found in blobs._folder.iterdir() if found.is_dir())
    (folder / ".new-abc").write_bytes(b"half")
    age_all(blobs)
    assert blobs.sweep(lambda: payloads_on_disk(blobs) - {".new-abc"}) == (1, 4)


def test_a_damaged_payload_that_is_put_again_is_whole_again(blobs):
    digest = blobs.put(b"before")
    (blobs._folder / digest[:2] / digest).write_bytes(b"after!")
    assert blobs.put(b"before") == digest
    assert blobs.get(digest) == b"before"


async def test_the_file_shrinks(path, store):
    for number in range(30):
        journal = journal_of(f"r{number}", *reasons(200), RunEnded(status="completed"))
        await store.append(journal)
    await store.append(journal_of("last", *reasons(3)))
    with closing(connect(path, busy_s=1)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = path.stat().st_size
    done = await store.prune(before=LATE)
    assert len(done.runs) == 30
    assert path.stat().st_size < before / 4
    assert done.file_bytes == before - path.stat().st_size
    assert verify(await store.read("last"), await store.tail("last")) == []


async def test_a_file_of_schema_1_shrinks_once_a_quarter_of_it_is_free(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA user_version = 1")
        db.execute(
            "CREATE TABLE runs (number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE,"
            " goal TEXT NOT NULL, status TEXT NOT NULL, started TEXT NOT NULL,"
            " last_seq INTEGER NOT NULL, last_hash TEXT NOT NULL)"
        )
        db.execute(
            "CREATE TABLE entries (run_id TEXT NOT NULL, seq INTEGER NOT NULL,"
            " entry TEXT NOT NULL, UNIQUE (run_id, seq))"
        )
    with SqliteStore(path) as store:
        for number in range(10):
            journal = journal_of(f"r{number}", *reasons(200), RunEnded(status="completed"))
            await store.append(journal)
        before = path.stat().st_size
        assert (await store.prune(before=LATE, keep=1)).file_bytes > before / 2
    with closing(connect(path, busy_s=1)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)


async def test_runs_go_in_batches_while_others_are_written(store):
    for number in range(230):
        await store.append(journal_of(f"r{number}", RunEnded(status="completed")))
    statements = []
    store._commits._db.set_trace_callback(statements.append)
    done = await store.prune(before=LATE)
    store._commits._db.set_trace_callback(None)
    assert len(done.runs) == 230
    assert done.entries == 460
    assert statements == []


async def test_between_its_steps_everybody_can_write_and_the_steps_are_few(
    path, store, monkeypatch
):
    for number in range(100):
        journal = journal_of(f"r{number}", *reasons(50), RunEnded(status="completed"))
        await store.append(journal)
    pauses = []

    def pause(seconds):
        with closing(sqlite3.connect(path, timeout=0)) as db, db:
            db.execute("BEGIN IMMEDIATE")
        pauses.append(seconds)

    monkeypatch.setattr("adapters.stores.retention.time", SimpleNamespace(sleep=pause))
    done = await store.prune(before=LATE)
    assert len(done.runs) == 100
    assert done.file_bytes > 400 * 4096
    assert 3 <= len(pauses) < 12
    assert min(pauses) > 0.1


async def test_a_run_that_was_taken_up_since_it_was_chosen_stays(path, store, monkeypatch):
    await store.append(journal_of("r1", RunEnded(status="failed")))
    real = locks._acquire

    def acquire(handle, run_id):
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE runs SET status = 'running'")
        real(handle, run_id)

    monkeypatch.setattr(locks, "_acquire", acquire)
    assert (await store.prune(before=LATE)).runs == ()
    assert len(await store.read("r1")) == 2


async def test_the_lock_goes_with_its_run_and_an_old_handle_is_no_lock(path, store):
    await store.append(journal_of("r1", RunEnded(status="failed")))
    with store.run_lock("r1"):
        pass
    lock = path.parent / "locks" / "r1.lock"
    assert lock.exists()
    await store.prune(before=LATE)
    assert not lock.exists()


async def test_two_that_wait_for_a_lock_that_is_taken_away_do_not_both_get_it(
    path, store, monkeypatch
):
    """The second one opened the file before it went, and locks it after that."""
    folder = path.parent / "locks"
    real = locks._opened
    opened = []

    def opened_then_gone(lock):
        handle = real(lock)
        if not opened:
            opened.append(handle)
            with locks.held(folder, "r1", last=True):
                pass
        return handle

    monkeypatch.setattr(locks, "_opened", opened_then_gone)
    with store.run_lock("r1"), pytest.raises(RunConflict), store.run_lock("r1"):
        pytest.fail("The lock was given twice.")
    assert len(opened) == 1


async def test_a_locked_journal_is_named_and_nothing_goes(path):
    with SqliteStore(path, busy_s=0.01) as store:
        await store.append(journal_of("r1", RunEnded(status="completed")))
        with closing(sqlite3.connect(path)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="is locked"):
                await store.prune(before=LATE)
            holder.rollback()
        assert len(await store.read("r1")) == 2


def test_a_folder_that_cannot_be_swept_is_named(tmp_path, monkeypatch):
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.put(b"data")
    age_all(blobs)

    def fail(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.unlink", fail)
    with pytest.raises(JournalError, match=r"cannot be swept: .*Read-only"):
        blobs.sweep(set)


async def test_a_page_of_the_file_that_is_damaged_costs_only_its_rows(path, store):
    await store.append(journal_of("r1", *reasons(400)))
    store.close()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    with SqliteStore(path) as damaged:
        with pytest.raises(JournalError):
            await damaged.read("r1")
        rows = await damaged.salvage("r1")
    assert [row.seq for row in rows] == list(range(1, 402))
    assert 0 < sum(bool(row.problem) for row in rows) < 100
