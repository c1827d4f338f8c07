"""The home suite in the harness: its cases as the harness knows them, an office for each."""

import importlib
from contextlib import asynccontextmanager

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.evals.desk_suite import DeskSuite
from orchestrator.evals.traces import Trace
from tests.fakes.tools import InMemoryToolset

pytestmark = pytest.mark.anyio

SUITE = DeskSuite(office_tools=None)


class Servers:
    """Starts nothing and remembers on which folders."""

    def __init__(self):
        self.started = []

    @asynccontextmanager
    async def __call__(self, root, state):
        self.started.append((root, state))
        yield InMemoryToolset([])


def test_a_case_of_one_step_is_single_and_of_more_a_chain():
    assert len(SUITE.cases) > 200
    assert {case.kind for case in SUITE.cases} == {"single", "chain"}
    for case in SUITE.cases:
        assert (case.kind == "chain") == (case.steps > 1)
        assert case.calls == bool(case.gold)
    assert len(SUITE.digest) == 64


def test_what_a_case_asks_for_other_than_doing_stands_in_its_tags():
    outcomes = {case.id: SUITE.written[case.id].outcome for case in SUITE.cases}
    for case in SUITE.cases:
        others = {"asked", "refused", "nothing"} & set(case.tags)
        assert others == {outcomes[case.id]} - {"done"}


def test_gold_keeps_what_else_is_right_and_what_is_free():
    golds = [gold for case in SUITE.cases for gold in case.gold]
    assert any(gold.also for gold in golds)
    assert any(gold.free for gold in golds)
    assert any("{office}" in str(gold.arguments) for gold in golds)


async def test_one_office_is_furnished_anew_for_each_case(tmp_path):
    servers = Servers()
    done = next(case for case in SUITE.cases if case.gold)
    nothing = next(case for case in SUITE.cases if "nothing" in case.tags)
    async with DeskSuite(servers).world(tmp_path / "0") as world:
        assert servers.started == [(tmp_path / "0" / "office", tmp_path / "0" / "state")]
        places = await world.begin(done)
        assert places["Desktop"] == str(tmp_path / "0" / "office" / "Desktop")
        assert places["website"] == str(tmp_path / "0" / "office" / "Projects/website")
        assert await world.failures(done, Trace(status="completed", answer="Done."))
        (world.root / "Desktop" / "left over.txt").write_text("of the first case")
        await world.begin(nothing)
        assert not (world.root / "Desktop" / "left over.txt").exists()
        (world.root / "Desktop" / "unasked.txt").write_text("nobody wanted this")
        assert await world.failures(nothing, Trace(status="completed", answer="Nothing to do."))


def test_without_the_sample_office_the_hint_says_what_to_install(monkeypatch):
    real = importlib.import_module

    def without(name, *args):
        if name.startswith("desk"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(SettingsError, match="sample office is not installed") as raised:
        _ = DeskSuite(office_tools=None).cases
    assert "pip install" in raised.value.hint
