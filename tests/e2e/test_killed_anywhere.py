"""Processes are killed at every kind of place: nothing is lost, nothing happens twice.

A sample of the kill matrix; `python -m benchmarks.kill_matrix` runs all of it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = 40


@pytest.fixture(scope="module")
def matrix():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill_matrix", "--cases", str(CASES), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=270,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_run_is_lost_and_no_effect_happens_twice(matrix):
    ours = matrix["ferryman"]
    assert ours["cases"] >= CASES - 4
    assert ours["deaths"] > ours["cases"]
    assert (ours["runs_lost"], ours["effects_missing"]) == (0, 0)
    assert (ours["effects_twice"], ours["runs_with_an_effect_twice"]) == (0, 0)
    assert ours["bad"] == []


def test_every_outcome_that_nobody_knows_is_put_to_a_person(matrix):
    ours = matrix["ferryman"]
    assert ours["unknown_outcomes"] > 0
    assert ours["put_to_a_person"] == ours["unknown_outcomes"]


def test_death_comes_at_every_kind_of_place(matrix):
    places = " ".join(matrix["ferryman"]["places"])
    for place in (
        "before append run_started",
        "after append call_intended",
        "before append call_settled",
        "after stamps.stamp_paper",
        "before blob",
        "while it waits",
        "amid planner's reply",
        "amid synthesizer's reply",
    ):
        assert place in places


def test_the_same_deaths_make_effects_happen_twice_on_checkpoints_alone(matrix):
    control = matrix["langgraph"]
    assert control["cases"] >= CASES - 4
    assert control["effects_twice"] > 0
