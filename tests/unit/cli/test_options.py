"""What is wrong with the options is found, named and answered before anything is made."""

import argparse

import pytest

from orchestrator.cli import main
from orchestrator.cli.hints import hint_for
from orchestrator.cli.limits import LIMITS, counted, larger
from orchestrator.cli.office import new_folder
from orchestrator.cli.output import check_target
from orchestrator.cli.setup import RunSetup, save
from orchestrator.core.errors import SettingsError
from orchestrator.core.runs import Budget, Proposal, RunRequest, RunState
from orchestrator.core.verdicts import Verdict
from orchestrator.settings import Settings
from tests.fakes.command_line import CommandLine

UNKNOWN = Verdict(kind="ask", code="tool_outcome_unknown", reason="nobody knows")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    command = CommandLine(tmp_path, servers={})
    for name, value in command.environ.items():
        monkeypatch.setenv(name, value)
    return command


def made(machine):
    """What a command left in the state folder."""
    return sorted(path.name for path in (machine.home / "state").rglob("*"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--max-turns", "0"),
        ("--max-replans", "-1"),
        ("--max-seconds", "nan"),
        ("--max-seconds", "inf"),
        ("--max-seconds", "-3"),
        ("--max-prompt-tokens", "0"),
    ],
)
def test_a_limit_that_is_none_is_named_before_an_office_is_made(machine, capsys, option, value):
    assert main(["run", f"{option}={value}"]) == 2
    err = capsys.readouterr().err
    assert f"error[settings]: {option} " in err
    assert "is no limit: it must be" in err
    assert "pydantic" not in err
    assert made(machine) == []


@pytest.mark.parametrize("option", sorted(set(LIMITS) - {"seconds"}))
def test_half_a_count_is_wrong_usage(option, capsys):
    with pytest.raises(SystemExit) as left:
        main(["run", f"--max-{option}", "1.5"])
    assert left.value.code == 2
    assert f"argument --max-{option}" in capsys.readouterr().err


def test_every_limit_of_a_budget_has_an_option():
    assert {name.replace("-", "_") for name in LIMITS} == set(Budget.model_fields)


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ("x" * 9000, "The goal has 9,000 characters; at most 8,000 are taken."),
        ("", "The goal is empty."),
        ("\udcff", "The goal is no text in UTF-8."),
    ],
)
def test_a_goal_that_cannot_be_used_exits_2_and_is_not_repeated(machine, capsys, goal, said):
    assert main(["run", goal]) == 2
    assert f"error[settings]: {said}\n" in capsys.readouterr().err
    assert made(machine) == []


def test_a_report_that_could_not_be_written_is_refused_before_the_run(machine, capsys):
    for target in (machine.home / "lost/report.json", machine.home):
        words = ["--path", str(machine.inbox), "--json", str(target)]
        assert main(["run", "Do it.", *words]) == 2
        assert f"--json {target} cannot be written" in capsys.readouterr().err
    assert main(["resume", "LAST", "--json", str(machine.home)]) == 2
    assert "it is a folder" in capsys.readouterr().err
    assert made(machine) == []


def test_a_report_may_go_to_stdout_to_a_new_file_and_over_an_old_one(tmp_path):
    old = tmp_path / "old.json"
    old.touch()
    for target in (None, "-", str(old), str(tmp_path / "new.json")):
        check_target(target)


@pytest.mark.parametrize("words", [["runs", "list"], ["run"], ["audit", "verify"]])
def test_a_state_folder_that_cannot_be_made_exits_2_and_is_named(
    machine, capsys, monkeypatch, words
):
    in_the_way = machine.home / "file"
    in_the_way.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(in_the_way))
    assert main(words) == 2
    err = capsys.readouterr().err
    assert f"The state folder {in_the_way}/ferryman cannot be written" in err
    assert "set XDG_STATE_HOME to another folder" in err


def test_a_setup_that_cannot_be_saved_names_the_state_folder(machine):
    settings = Settings.load(environ=machine.environ)
    settings.state_dir.mkdir(parents=True)
    (settings.state_dir / "runs").touch()
    with pytest.raises(SettingsError, match=r"The state folder .* cannot be written"):
        save(RunSetup(run_id="r", office="", servers_state=""), settings)


def test_a_second_office_gets_a_folder_of_its_own(machine):
    settings = Settings.load(environ=machine.environ)
    names = [new_folder(settings, 3).name for _ in range(2)]
    assert names == ["office-3-1", "office-3-2"]


@pytest.mark.parametrize("word", ["-3", "0", "13", "1.5", "²", "many"])
def test_a_number_of_places_outside_its_bounds_is_refused(word):
    assert counted(1, 12)("12") == 12
    with pytest.raises(argparse.ArgumentTypeError, match="a number from 1 to 12"):
        counted(1, 12)(word)
    with pytest.raises(SystemExit) as left:
        main(["tools", "why", "rename", "-k", word])
    assert left.value.code == 2


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("tool calls", "--max-tool-calls 400"),
        ("seconds", "--max-seconds 7200"),
        ("generated tokens", "--max-generated-tokens 200000"),
    ],
)
def test_the_hint_of_a_used_up_budget_names_the_limit_to_raise(name, option):
    budget = Budget(tool_calls=200)
    allowed = getattr(budget, name.replace(" ", "_"))
    state = RunState(
        run_id="r1",
        request=RunRequest(goal="g", budget=budget),
        error=f"The budget of {allowed:g} {name} is used up ({allowed:g}).",
    )
    assert larger(state) == option
    assert f"`ferryman resume r1 {option}` goes on with more." in hint_for("stopped", state)


def test_a_run_that_the_loop_breaker_stopped_is_not_told_to_take_more():
    state = RunState(run_id="r1", request=RunRequest(goal="g"), error="It went in circles.")
    assert "`ferryman resume r1` goes on." in hint_for("stopped", state)


@pytest.mark.parametrize(
    ("effect", "verdict", "said"),
    [
        ("local_write", None, "`ferryman resume r1 --yes` approves it"),
        ("egress", None, "--yes does not grant it"),
        ("local_write", UNKNOWN, "Look whether it was done."),
    ],
)
def test_the_hint_of_an_approval_says_which_word_grants_it(effect, verdict, said):
    proposal = Proposal(
        id="p", step="s1", tool="a.b", expressions={}, calls=(), parents=(), effect=effect
    )
    hint = hint_for("waiting_approval", RunState(run_id="r1", proposal=proposal, verdict=verdict))
    assert said in hint
    assert ("--grant" in hint) is ("--yes` approves" not in hint)


def test_what_failed_of_a_run_is_tried_again_only_where_the_run_itself_knows_of_it():
    known = hint_for("incomplete", RunState(run_id="r1", status="incomplete"))
    assert known.endswith("`ferryman resume r1` tries again what failed.")
    found_on_disk = hint_for("incomplete", RunState(run_id="r1", status="completed"))
    assert found_on_disk == "`ferryman runs show r1` tells what was done."


def test_bare_is_refused_for_servers_of_ones_own(machine, capsys):
    machine.config.write_text('{"mcpServers": {"own": {"command": "x"}}}')
    assert main(["run", "Do it.", "--bare"]) == 2
    assert "sample offices only" in capsys.readouterr().err


def test_a_config_file_that_needs_a_folder_asks_for_one(machine, capsys):
    machine.config.write_text('{"mcpServers": {"own": {"command": "${OFFICE}/x"}}}')
    assert main(["run", "Do it."]) == 2
    assert "hint: Give --path the folder it stands for." in capsys.readouterr().err
