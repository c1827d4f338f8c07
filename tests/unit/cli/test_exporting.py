"""`ferryman runs export`: a damaged run is refused by everything else, and written out by this."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from adapters.stores.sqlite import SqliteStore
from orchestrator.cli import main
from orchestrator.core.events import RunEnded
from tests.contract.journal_store import journal_of, reasons


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("FERRYMAN_STATE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "journal.db"
    with SqliteStore(path) as store:
        for name in ("r1", "r2"):
            asyncio.run(store.append(journal_of(name, *reasons(3), RunEnded(status="completed"))))
    return path


def changed(path, statement):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def exported(capsys, code, run="r1"):
    assert main(["runs", "export", run]) == code
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_a_whole_run_is_written_out_as_it_is_stored(journal, capsys):
    told, err = exported(capsys, 0)
    assert told["problems"] == []
    assert told["entries"] == [
        entry.model_dump(mode="json")
        for entry in journal_of("r1", *reasons(3), RunEnded(status="completed"))
    ]
    assert err == ""


def test_a_row_that_is_no_json_any_more_is_kept_as_text(journal, capsys):
    changed(journal, "UPDATE entries SET entry = substr(entry, 3) WHERE run_id='r1' AND seq=2")
    told, err = exported(capsys, 1)
    assert [entry["seq"] for entry in told["entries"]] == [1, 2, 3, 4, 5]
    assert "reason 0" in told["entries"][1]["unreadable"]
    assert told["problems"][0].startswith("Entry 2 cannot be read")
    assert "error[journal]: Run r1: Entry 2 cannot be read" in err


def test_flipped_bits_that_are_no_text_do_not_stop_it(journal, capsys):
    flip = "CAST(x'ff' || substr(CAST(entry AS BLOB), 2) AS TEXT)"
    changed(journal, f"UPDATE entries SET entry = {flip} WHERE run_id = 'r1' AND seq = 3")
    told, _ = exported(capsys, 1)
    assert "reason 1" in told["entries"][2]["unreadable"]
    assert len(told["entries"]) == 5


def test_a_row_that_is_gone_is_said_to_be(journal, capsys):
    changed(journal, "DELETE FROM entries WHERE run_id = 'r1' AND seq = 4")
    told, _ = exported(capsys, 1)
    assert told["entries"][3] == {"seq": 4, "unreadable": "missing"}
    assert "Entry 4 cannot be read: missing." in told["problems"]


def test_a_changed_row_is_written_out_and_named(journal, capsys):
    changed(journal, "UPDATE entries SET entry = replace(entry, 'reason 1', 'reason 7')")
    told, _ = exported(capsys, 1)
    assert told["problems"] == ["Entry 3 was changed: its hash does not fit its content."]
    assert told["entries"][2]["event"]["reason"].startswith("reason 7")


def test_a_damaged_run_names_the_way_out_and_the_others_are_read(journal, capsys):
    changed(journal, "UPDATE entries SET entry = substr(entry, 3) WHERE run_id='r1' AND seq=2")
    assert main(["runs", "show", "r1"]) != 0
    assert "`ferryman runs export r1`" in capsys.readouterr().err
    assert main(["runs", "show", "r2", "--json"]) == 0


def test_a_changed_run_names_the_way_out_too(journal, capsys):
    changed(journal, "UPDATE entries SET entry = replace(entry, 'reason 1', 'reason 7')")
    assert main(["runs", "show", "r1"]) != 0
    assert "`ferryman runs export r1`" in capsys.readouterr().err
