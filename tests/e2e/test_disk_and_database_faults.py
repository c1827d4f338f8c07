"""The disk is full, the database locked, the folder read-only, the clock set back.

Real processes over a real journal: whatever happens at whatever place, the run pauses with an
error that says what to do, nothing is done that the journal does not hold, and once it is mended
the run goes on to its end with every effect once.
"""

import asyncio
import dataclasses
import itertools
import json
import os
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from adapters.stores.sqlite import SqliteStore
from orchestrator.core.errors import RunConflict
from tests.fakes.office import RENAME, Office, SteadyPlanner, entries_of, screenshots

ROOT = Path(__file__).resolve().parents[2]
SAYS = {
    "full": "cannot be written or read: the disk failed or is full",
    "locked": "is locked by another process",
    "read-only": "",
}


@pytest.fixture(scope="module")
def cases():
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakes.faults", "full", "locked", "read-only", "clock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=270,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def paused(cases):
    """The cases that the fault did stop; at the very end of a run there is nothing to stop."""
    stopped = [case for case in cases if case["first"]["status"] == "paused"]
    assert len(stopped) >= len(cases) - 1
    return stopped


@pytest.mark.parametrize("fault", SAYS)
def test_a_run_pauses_with_an_error_that_says_what_to_do(cases, fault):
    for case in paused(cases[fault]):
        first = case["first"]
        assert first["code"] == "journal", case
        assert SAYS[fault] in first["message"], case
        assert "resume the run" in first["hint"] or "writable" in first["hint"], case


@pytest.mark.parametrize("fault", [*SAYS, "clock"])
def test_nothing_is_done_that_the_journal_does_not_hold(cases, fault):
    assert [case for case in cases[fault] if case["unwritten"]] == []


@pytest.mark.parametrize("fault", [*SAYS, "clock"])
def test_once_it_is_mended_the_run_comes_to_its_end_with_every_effect_once(cases, fault):
    assert cases[fault]
    for case in cases[fault]:
        assert (case["status"], case["lost"], case["twice"]) == ("completed", False, 0), case
        assert case["asked"] == case["unknown"], case


def test_some_of_it_comes_between_an_effect_and_its_outcome(cases):
    assert any(case["unknown"] for fault in ("full", "locked") for case in cases[fault])


def test_a_clock_that_is_set_back_at_every_look_changes_nothing(cases):
    (case,) = cases["clock"]
    assert case["status"] == "completed"


@pytest.mark.anyio
async def test_of_two_that_resume_a_run_at_once_one_wins(tmp_path):
    office = Office(images=screenshots(2))
    planner = itertools.repeat(SteadyPlanner())
    with (
        SqliteStore(tmp_path / "journal.db") as one,
        SqliteStore(tmp_path / "journal.db") as other,
    ):
        office.store = one
        rested = await entries_of(
            locked(office, planner).stream(office.request(approve="ask"), run_id="r")
        )
        assert rested[-1].event.status == "waiting_approval"
        first = locked(office, planner)
        office.store = other
        second = locked(office, planner)
        outcomes = await asyncio.gather(
            *(entries_of(each.resume("r", granted=True)) for each in (first, second)),
            return_exceptions=True,
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, RunConflict)]
        (entries,) = [outcome for outcome in outcomes if isinstance(outcome, list)]
        assert len(refused) == 1
        assert "being worked on by another process" in refused[0].message
        assert entries[-1].event.status == "completed"
        assert len(office.desk.called(RENAME)) == 2
        assert sorted(entry.seq for entry in await one.read("r")) == list(
            range(1, len(rested) + len(entries) + 1)
        )


@pytest.mark.anyio
async def test_a_run_that_is_resumed_while_it_runs_is_left_to_the_first(tmp_path):
    office = Office(images=screenshots(2))
    with SqliteStore(tmp_path / "journal.db") as store:
        office.store = store
        running = locked(office, itertools.repeat(SteadyPlanner()))
        async with aclosing(running.stream(office.request(), run_id="r")) as entries:
            await anext(entries)
            late = locked(office, itertools.repeat(SteadyPlanner()))
            with pytest.raises(RunConflict, match="being worked on"):
                await entries_of(late.resume("r"))
            rest = [entry async for entry in entries]
        assert rest[-1].event.status == "completed"
        assert office.desk.called(RENAME) != []


def locked(office, planner):
    """An orchestrator that keeps others from its runs, as the service's does."""
    orchestrator = office.orchestrator(planner)
    orchestrator.parts = dataclasses.replace(orchestrator.parts, lock=office.store.run_lock)
    return orchestrator
