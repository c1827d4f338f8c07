"""A journal file of an earlier version is brought up to date where it is, or left as it was."""

import json
import sqlite3
from contextlib import closing

import pytest

from adapters.stores import sqlite_schema
from adapters.stores.sqlite import SqliteStore
from adapters.stores.sqlite_heads import listing
from orchestrator.core.errors import JournalError
from orchestrator.core.events import RunEnded
from orchestrator.journal.chain import verify
from tests.contract.journal_store import journal_of, reasons

pytestmark = pytest.mark.anyio

VERSION_1 = (
    "PRAGMA journal_mode = WAL",
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, goal TEXT NOT NULL,
        status TEXT NOT NULL, started TEXT NOT NULL, last_seq INTEGER NOT NULL,
        last_hash TEXT NOT NULL
    )""",
    """CREATE TABLE entries (
        run_id TEXT NOT NULL, seq INTEGER NOT NULL, entry TEXT NOT NULL, UNIQUE (run_id, seq)
    )""",
    "PRAGMA user_version = 1",
)
JOURNALS = {
    "r1": journal_of("r1", *reasons(2), RunEnded(status="completed"), thread="t1"),
    "r2": journal_of("r2"),
}


def as_version_1_wrote_it(entry):
    """The row without the fields that a request has only had since."""
    row = entry.model_dump(mode="json")
    for field in ("tenant", "history", "tools"):
        row["event"].get("request", {}).pop(field, None)
    return json.dumps(row, separators=(",", ":"))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as db, db:
        for statement in VERSION_1:
            db.execute(statement)
        for run_id, entries in JOURNALS.items():
            ended = entries[-1].event.status if run_id == "r1" else "running"
            db.execute(
                "INSERT INTO runs (run_id, goal, status, started, last_seq, last_hash)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    f"goal of {run_id}",
                    ended,
                    entries[0].at.isoformat(),
                    len(entries),
                    entries[-1].hash,
                ),
            )
            rows = [(run_id, entry.seq, as_version_1_wrote_it(entry)) for entry in entries]
            db.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
    return path


def asked(path, query):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


async def test_runs_of_version_1_are_there_with_their_threads_and_keep_their_chain(old):
    with SqliteStore(old) as store:
        heads = await store.heads()
        assert [(h.run_id, h.status, h.tenant, h.thread) for h in heads] == [
            ("r2", "running", "", ""),
            ("r1", "completed", "", "t1"),
        ]
        for run_id, entries in JOURNALS.items():
            assert await store.read(run_id) == entries
            assert verify(await store.read(run_id), await store.tail(run_id)) == []
        await store.append(journal_of("r3", tenant="acme"))
        assert [head.run_id for head in await store.heads(tenant="acme")] == ["r3"]


async def test_a_run_of_version_1_was_touched_when_its_last_entry_was_written(old):
    SqliteStore(old).close()
    assert asked(old, "SELECT run_id, touched FROM runs ORDER BY number") == [
        (run_id, entries[-1].at.isoformat()) for run_id, entries in JOURNALS.items()
    ]


async def test_an_old_file_becomes_what_a_new_one_is(old, tmp_path):
    new = tmp_path / "new" / "journal.db"
    for path in (old, new):
        SqliteStore(path).close()
    what = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    assert asked(old, what) == asked(new, what)
    assert asked(old, "PRAGMA user_version") == asked(new, "PRAGMA user_version")
    columns = "SELECT name, type, dflt_value FROM pragma_table_info('runs') ORDER BY cid"
    assert asked(old, columns) == asked(new, columns)


async def test_a_damaged_row_does_not_keep_the_file_from_being_brought_up_to_date(old):
    with closing(sqlite3.connect(old)) as db, db:
        db.execute("UPDATE entries SET entry = 'not json' WHERE run_id = 'r1'")
    with SqliteStore(old) as store:
        assert (await store.head("r1")).thread == ""
        assert await store.read("r2") == JOURNALS["r2"]


async def test_a_change_that_fails_half_way_leaves_the_file_as_it_was(old, monkeypatch):
    broken = (*sqlite_schema._FROM_1_TO_2, "CREATE INDEX broken ON nowhere (nothing)")
    monkeypatch.setattr(sqlite_schema, "_FROM_1_TO_2", broken)
    with pytest.raises(JournalError):
        SqliteStore(old)
    assert asked(old, "PRAGMA user_version") == [(1,)]
    assert len(asked(old, "SELECT * FROM pragma_table_info('runs')")) == 7
    monkeypatch.undo()
    with SqliteStore(old) as store:
        assert len(await store.heads()) == 2


async def test_what_an_earlier_version_wrote_meanwhile_is_listed(old):
    with SqliteStore(old) as store:
        with closing(sqlite3.connect(old)) as db, db:
            db.execute(
                "INSERT INTO runs (run_id, goal, status, started, last_seq, last_hash)"
                " VALUES ('r9', 'late', 'running', '2026-11-02T09:30:00+00:00', 1, '')"
            )
        assert [head.run_id for head in await store.heads()] == ["r9", "r2", "r1"]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"tenant": "acme"}, "runs_of_tenant "),
        ({"tenant": "acme", "before": 7}, "runs_of_tenant "),
        ({"thread": "t1"}, "runs_of_thread "),
        ({"thread": "t1", "tenant": "acme"}, "runs_of_thread "),
        ({"statuses": ["running", "failed"]}, "runs_by_status "),
        ({"statuses": ["running", "failed"], "tenant": "acme"}, "runs_of_tenant_by_status "),
    ],
)
async def test_every_listing_reads_an_index_from_its_newest_end(tmp_path, wanted, index):
    path = tmp_path / "journal.db"
    SqliteStore(path).close()
    made = listing(50, **wanted)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(f"EXPLAIN QUERY PLAN {made.query}", made.values).fetchall()
    said = " ; ".join(row[3] for row in rows)
    assert said.count(f"USING INDEX {index}") == max(1, len(wanted.get("statuses", ())))
    assert "SCAN runs" not in said
