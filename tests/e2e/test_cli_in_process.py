"""Commands that start tool servers, run inside the test's own process."""

import json
import os
import signal
import threading

import pytest

from orchestrator.cli import main
from tests.fakes.command_line import FILESYSTEM, GOOD, CommandLine, plan

pytestmark = [pytest.mark.desk, pytest.mark.timeout(120)]

PLANNER = [
    plan(("rename draft.txt to final.txt", "filesystem")),
    "filesystem.rename_file",
    {"path": "$folder.inbox/draft.txt", "new_name": "final.txt"},
]
GOAL = "Rename draft.txt to final.txt in the inbox."


@pytest.fixture
def machine(tmp_path, monkeypatch):
    command = CommandLine(tmp_path, planner=PLANNER, answers=["draft.txt is now final.txt."])
    for name, value in command.environ.items():
        monkeypatch.setenv(name, value)
    return command


def servers(command, **blocks):
    command.config.write_text(json.dumps({"mcpServers": blocks}))


def test_the_tools_in_scope_are_listed_with_the_built_in_ones(machine, capsys):
    assert main(["tools", "list", "--path", str(machine.inbox)]) == 0
    out = capsys.readouterr().out
    assert "filesystem.rename_file" in out
    assert "text.write" in out
    assert "in 2 namespaces" in out
    listed = ["tools", "list", "--path", str(machine.inbox), "--namespace", "text", "--json"]
    assert main(listed) == 0
    found = json.loads(capsys.readouterr().out)
    assert [spec["id"] for spec in found] == [
        "text.extract",
        "text.list_items",
        "text.summarize",
        "text.write",
    ]


def test_tools_are_searched_and_a_shortlist_is_explained(machine, capsys):
    path = ["--path", str(machine.inbox)]
    assert main(["tools", "search", "rename a file", *path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["tool"] == "filesystem.rename_file"
    assert main(["tools", "search", "rename a file", *path, "--namespace", "text"]) == 0
    assert "filesystem." not in capsys.readouterr().out
    why = ["tools", "why", "rename a file", *path, "--namespace", "lost", "-k", "3"]
    assert main(why) == 0
    shown = capsys.readouterr()
    assert "rank 1 of" in shown.out
    assert "bm25" in shown.out
    assert "'lost', which is not in scope" in shown.err


def test_a_complete_configuration_is_said_to_be_one(machine, capsys):
    for name in ("all-minilm-l6-v2",):
        (machine.home / "cache/ferryman/models" / name).mkdir(parents=True)
    code = main(["config", "check", "--path", str(machine.inbox), "--json"])
    problems = json.loads(capsys.readouterr().out)["problems"]
    # The only thing that this machine of its own lacks are the weights of the shortlist.
    assert [problem["code"] for problem in problems] == ["model_file"]
    assert code == 2


def test_every_problem_of_the_configuration_is_named_at_once(machine, capsys):
    servers(
        machine,
        filesystem=FILESYSTEM,
        lost={"command": "/no/such/program"},
        typo={"comand": "x"},
    )
    (machine.adr / "0001-bind-scripts.md").unlink()
    assert main(["config", "check", "--path", str(machine.inbox)]) == 2
    err = capsys.readouterr().err
    for said in (
        "no accepted record binds the role planner",
        "did you mean 'command'?",
        "'lost' did not start",
        "hint: ",
    ):
        assert said in err
    machine.config.write_text("mcpServer: {}")
    assert main(["config", "check", "--path", str(machine.inbox)]) == 2
    assert "Did you mean 'mcpServers'?" in capsys.readouterr().err


def test_a_run_its_plan_and_its_resume_share_one_journal(machine, capsys):
    path = str(machine.inbox)
    report = str(machine.home / "report.json")
    assert main(["plan", GOAL, "--path", path, "--quiet"]) == 0
    assert "rename draft.txt to final.txt" in capsys.readouterr().out
    machine.say(PLANNER[1:], ["draft.txt is now final.txt."])
    assert main(["resume", "LAST", "--json", report]) == 5
    assert main(["resume", "LAST", "--yes", "--json", report]) == 0
    assert machine.names == ["final.txt", "other.txt"]
    assert json.loads((machine.home / "report.json").read_text())["status"] == "completed"
    assert main(["runs", "show", "LAST"]) == 0
    assert "filesystem.rename_file 1/1" in capsys.readouterr().out
    assert main(["runs", "show", "LAST", "--json"]) == 0
    assert main(["runs", "list"]) == 0
    assert GOAL in capsys.readouterr().out


def test_ctrl_c_cancels_and_gives_the_handlers_back(machine, capsys):
    servers(machine, good=GOOD)
    machine.say([plan(("wait for ever", "good")), "good.wait"])
    before = signal.getsignal(signal.SIGINT)
    journal = machine.home / "state/ferryman/journal.db-wal"

    def interrupt():
        # A call is intended once its name is in the journal; nothing tells this process sooner.
        while not (journal.is_file() and b"call_intended" in journal.read_bytes()):
            threading.Event().wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    code = main(["run", "Wait.", "--path", str(machine.inbox), "--yes"])
    waiting.join()
    assert code == 130
    assert "error[run_cancelled]" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
