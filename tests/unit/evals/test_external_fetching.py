"""Fetching what suites of others need: pinned, whole or not at all, and never into the tree."""

from pathlib import Path

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.evals.external.fetching import PINNED, fetch, is_fetched, pip
from tests.fakes.simulators import write_package


class Pip:
    """A pip that installs the tiny package, or fails as it does without a network."""

    def __init__(self, status=0, said="", *, installs=True):
        self.asked = []
        self._status, self._said, self._installs = status, said, installs

    def __call__(self, arguments):
        self.asked.append(list(arguments))
        if self._installs:
            write_package(_target(arguments))
        return self._status, self._said


def _target(arguments):
    return Path(arguments[arguments.index("--target") + 1])


def test_the_pinned_packages_are_installed_alone_into_the_cache(tmp_path):
    told, run = [], Pip()
    folder = fetch("bfcl", tmp_path / "evals", run_pip=run, on_progress=told.append)
    assert folder == tmp_path / "evals" / "bfcl"
    assert is_fetched(folder)
    assert run.asked[0][-len(PINNED) :] == list(PINNED)
    assert "--no-deps" in run.asked[0]
    assert [path.name for path in folder.parent.iterdir()] == ["bfcl"]
    assert len(told) == 2


def test_what_is_there_already_is_not_fetched_again(tmp_path):
    run, told = Pip(), []
    for name in ("bfcl", "bfcl-multi-turn"):
        fetch(name, tmp_path, run_pip=run, on_progress=told.append)
    assert len(run.asked) == 1
    assert "already" in told[-1]


def test_what_an_interrupted_fetch_left_is_replaced(tmp_path):
    write_package(tmp_path / "bfcl.part")
    (tmp_path / "bfcl").mkdir()
    assert is_fetched(fetch("bfcl", tmp_path, run_pip=Pip()))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (Pip(1, "one\nno route to the index", installs=False), "no route to the index"),
        (Pip(1, "", installs=False), "pip said nothing"),
        (Pip(0, "done", installs=False), "done"),
    ],
    ids=["offline", "silent", "something else installed"],
)
def test_a_pip_that_fails_leaves_nothing_and_says_why(tmp_path, run, words):
    with pytest.raises(SettingsError, match=words) as raised:
        fetch("bfcl", tmp_path, run_pip=run)
    assert "network" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_suite_that_is_read_from_a_folder_names_its_files(tmp_path):
    with pytest.raises(SettingsError) as raised:
        fetch("localcowork-chains", tmp_path, run_pip=Pip())
    assert "chains.dev.jsonl" in raised.value.hint
    with pytest.raises(SettingsError, match="Nothing is known of 'weather'"):
        fetch("weather", tmp_path, run_pip=Pip())


def test_pip_of_our_own_interpreter_is_run():
    status, said = pip(["--version"])
    assert status == 0
    assert said.startswith("pip ")
