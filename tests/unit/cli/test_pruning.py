"""`ferryman runs prune` and `runs list`: what is said of what goes, and what is let alone."""

import argparse
import asyncio
import json
from datetime import timedelta

import pytest

from adapters.stores.sqlite import SqliteStore
from orchestrator.cli import main
from orchestrator.cli.pruning import age, told
from orchestrator.core.events import RunEnded
from orchestrator.ports.store import Pruned
from tests.contract.journal_store import journal_of


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("FERRYMAN_STATE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def runs(state):
    """Three runs of long ago: one completed, one that waits for a person, one that failed."""
    statuses = {"r1": "completed", "r2": "waiting_approval", "r3": "failed"}
    with SqliteStore(state / "journal.db") as store:
        for name, status in statuses.items():
            journal = journal_of(name, RunEnded(status=status), thread=f"of {name}")
            asyncio.run(store.append(journal))
            (state / "runs").mkdir(exist_ok=True)
            (state / "runs" / f"{name}.json").write_text("{}")
    return state


def said(capsys, *words):
    assert main(list(words)) == 0
    return json.loads(capsys.readouterr().out)


def listed(capsys, *words):
    return [head["run_id"] for head in said(capsys, "runs", "list", "--json", *words)]


def test_what_is_over_goes_with_its_setup_and_what_waits_stays(runs, capsys):
    done = said(capsys, "runs", "prune", "--older-than", "1m", "--json")
    assert done["runs"] == ["r1", "r3"]
    assert done["dry_run"] is False
    assert listed(capsys) == ["r2"]
    assert [found.name for found in (runs / "runs").iterdir()] == ["r2.json"]
    assert main(["audit", "verify"]) == 0


def test_a_dry_run_says_the_same_and_leaves_everything(runs, capsys):
    rehearsed = said(capsys, "runs", "prune", "--older-than", "1m", "--dry-run", "--json")
    assert listed(capsys) == ["r3", "r2", "r1"]
    assert len(list((runs / "runs").iterdir())) == 3
    done = said(capsys, "runs", "prune", "--older-than", "1m", "--json")
    assert rehearsed["runs"] == done["runs"]
    assert rehearsed["entry_bytes"] == done["entry_bytes"]


def test_waiting_runs_go_when_they_are_asked_for(runs, capsys):
    words = ["--older-than", "1m", "--status", "waiting_approval", "--json"]
    assert said(capsys, "runs", "prune", *words)["runs"] == ["r2"]


def test_the_newest_are_kept(runs, capsys):
    words = ["--older-than", "1m", "--keep", "2", "--json"]
    assert said(capsys, "runs", "prune", *words)["runs"] == ["r1"]


def test_without_json_a_sentence_is_said(runs, capsys):
    assert main(["runs", "prune", "--older-than", "1m"]) == 0
    assert "2 runs removed: 4 entries" in capsys.readouterr().out.replace("\n", " ")


def test_an_age_must_be_given(runs, capsys):
    with pytest.raises(SystemExit):
        main(["runs", "prune"])
    assert "--older-than" in capsys.readouterr().err


def test_runs_are_listed_by_status_and_thread(runs, capsys):
    assert listed(capsys, "--status", "failed", "--status", "completed") == ["r3", "r1"]
    assert listed(capsys, "--thread", "of r2") == ["r2"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("4w", timedelta(weeks=4)),
        ("0d", timedelta()),
    ],
)
def test_an_age_is_a_number_and_a_unit(word, meant):
    assert age(word) == meant


@pytest.mark.parametrize("word", ["", "d", "30", "-1d", "1.5d", "30y", "999999w", "\uff13d"])
def test_what_is_no_age_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="no age"):
        age(word)


def test_what_would_go_is_told_in_sizes_that_a_person_reads():
    pruned = Pruned(
        runs=("a",),
        busy=("b", "c"),
        entries=1234,
        entry_bytes=5 * 1024**2,
        blobs=1,
        blob_bytes=12,
        file_bytes=3 * 1024**3,
    )
    assert told(pruned, rehearsed=True) == (
        "1 run would be removed: 1,234 entries (5 MB), 1 payload (12 B). "
        "The journal is 3.0 GB smaller. Being worked on, and left: b, c."
    )
