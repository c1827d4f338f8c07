"""What `eval run` and `eval tune-profile` do around an evaluation, over a workbench in memory."""

import io
import json
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

from orchestrator.cli import main, measuring, tuning
from orchestrator.core.chat import Choice
from orchestrator.core.errors import BackendUnavailable
from orchestrator.evals.keeping import EvaluationFolder
from tests.fakes.command_line import CommandLine
from tests.fakes.evaluations import FakeSuite, case, workbench
from tests.fakes.office import RENAME, plan, step

NAMES = [f"case{at}" for at in range(12)]
CASES = [case(name, kind="chain" if at % 2 else "single") for at, name in enumerate(NAMES)]
TUNED = [each.id for each in CASES if each.split == "tuned"]


def planner(request):
    """Renames the draft as the goal says; a loop gets no further than its first words."""
    if isinstance(request.constraint, Choice):
        return RENAME
    if request.constraint is None:
        return "Nothing."
    if not request.messages[-1].content.startswith("Arguments of "):
        return plan(step("s1", "rename draft.txt to its new name", "filesystem"))
    said = " ".join(message.content for message in request.messages)
    new_name = next(f"{name}.txt" for name in reversed(NAMES) if f"to {name}." in said)
    return {"path": "$folder.Desktop/draft.txt", "new_name": new_name}


class Opened:
    """Stands where models are loaded; remembers with which context and how many slots."""

    def __init__(self, suite, says=planner):
        self.suite, self.says = suite, says
        self.asked = []
        self.players = []

    @asynccontextmanager
    async def workbench(self, settings, *, folder, context_tokens=0, parallel=0):
        del settings, folder
        self.asked.append((context_tokens, parallel))
        made = workbench(self.says)
        self.players.append(made.roles["planner"].backend)
        yield made

    def named(self, *_args, **_fields):
        return self.suite


@pytest.fixture
def opened(tmp_path, monkeypatch):
    for name, value in CommandLine(tmp_path, servers={}).environ.items():
        monkeypatch.setenv(name, value)
    found = Opened(FakeSuite(CASES))
    for module in (measuring, tuning):
        monkeypatch.setattr(module, "open_workbench", found.workbench)
        monkeypatch.setattr(module, "suite_named", found.named)
    return found


def carried(tmp_path, *words):
    out = tmp_path / "kept"
    assert main(["eval", "run", "desk", "--out", str(out), *words]) == 0
    return EvaluationFolder(out).records()


def test_the_loops_come_last_with_the_longer_context(opened, tmp_path, capsys):
    records = carried(tmp_path, "--sample", "2", "--parallel", "2")
    assert [record.arm for record in records] == [
        *["ferryman"] * 2,
        *["bare"] * 2,
        *["native"] * 2,
    ]
    assert opened.asked == [(0, 6), (measuring.LOOP_CONTEXT, 4)]
    err = capsys.readouterr().err
    assert "ferryman: 2 cases, 0 of them done before" in err
    assert "bare: failed case" in err
    assert "is missing." in err


def test_cases_are_left_by_their_ids_kind_and_half(opened, tmp_path):
    some = carried(tmp_path, "--arms", "ferryman", "--cases", "case10,case3", "--quiet")
    assert {record.case for record in some} == {"case3", "case10"}
    assert all(record.score.solved for record in some)
    chains = carried(tmp_path, "--arms", "ferryman-k5", "--kind", "chain", "--quiet")
    assert {r.case for r in chains if r.arm == "ferryman-k5"} == set(NAMES[1::2])
    half = carried(tmp_path, "--arms", "ferryman-k8", "--split", "tuned", "--quiet")
    assert {r.case for r in half if r.arm == "ferryman-k8"} == set(TUNED)


def test_a_sample_is_drawn_by_the_seed_and_comes_in_one_order(opened, tmp_path):
    def drawn(seed):
        words = ("--arms", "ferryman", "--sample", "4", "--seed", seed, "--quiet")
        return [r.case for r in carried(tmp_path / seed, *words)]

    one, same, other = drawn("1"), drawn("1"), drawn("2")
    assert one == same != other
    assert len(one) == len(other) == 4


def test_a_person_at_a_terminal_sees_what_is_left(maker_of_records):
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=120)
    with measuring._watched(console, "ferryman", quiet=False) as (begin, told):
        begin(1, 3)
        for record in maker_of_records:
            told(record)
    assert "2 solved" in shown.getvalue()
    assert "3/3" in shown.getvalue()


@pytest.fixture
def maker_of_records(opened, tmp_path):
    return carried(tmp_path, "--arms", "ferryman", "--sample", "2", "--quiet")


def test_the_code_of_a_measurement_is_known_by_its_sources():
    assert measuring.code_digest() == measuring.code_digest()
    assert len(measuring.code_digest()) == 16


def test_a_profile_is_searched_on_the_tuned_half_only(opened, tmp_path, capsys):
    folder = tmp_path / "tuning"
    words = ["eval", "tune-profile", "tiny.gguf", "--out", str(folder), "--quiet", "--json"]
    assert main([*words, "--sample", "4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trials"][0]["settings"] == {}
    assert {trial["cases"] for trial in found["trials"]} == {4}
    assert {record.case for record in EvaluationFolder(folder).records()} <= set(TUNED)
    assert found["trials"][0]["solved"] == 4
    before = len(opened.players[0].requests)

    assert main([*words, "--sample", "4"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert before > 0 == len(opened.players[1].requests)


def test_an_earlier_search_with_more_cases_does_not_count(opened, tmp_path, capsys):
    words = ["eval", "tune-profile", "tiny.gguf", "--out", str(tmp_path / "t"), "--quiet", "--json"]
    assert main([*words, "--sample", "5"]) == 0
    capsys.readouterr()
    assert main([*words, "--sample", "4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {trial["cases"] for trial in found["trials"]} == {4}


def test_the_trials_are_told_and_kept_where_no_folder_was_named(opened, tmp_path, capsys):
    model = tmp_path / "weights" / "tiny.gguf"
    assert main(["eval", "tune-profile", str(model), "--sample", "4", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "Trials, in their order" in out
    assert "as it is" in out
    assert "Confirm it on the held-out half." in out
    assert (tmp_path / "state/ferryman/evals/tune-tiny/records.jsonl").is_file()


def test_the_model_that_is_named_stands_in_the_folders_name(opened, tmp_path):
    assert main(["eval", "run", "desk", "--model", "tiny", "--arms", "bare", "--quiet"]) == 0
    assert (tmp_path / "state/ferryman/evals/desk-tiny/records.jsonl").is_file()


def test_a_model_that_is_not_there_ends_the_command_and_keeps_what_was_measured(
    opened, tmp_path, capsys
):
    def dies(_request):
        raise BackendUnavailable("Nobody answers.", hint="Start it.")

    carried(tmp_path, "--arms", "bare", "--cases", "case3", "--quiet")
    opened.says = dies
    words = ["--arms", "bare,ferryman", "--cases", "case3,case5", "--out", str(tmp_path / "kept")]
    assert main(["eval", "run", "desk", *words]) == 1
    assert "error[backend_unavailable]: Nobody answers." in capsys.readouterr().err
    assert [r.case for r in EvaluationFolder(tmp_path / "kept").records()] == ["case3"]
