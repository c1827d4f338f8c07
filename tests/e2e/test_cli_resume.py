"""Going on with a run as a person does: more budget, a word on a question, own servers only."""

import json

import pytest

from tests.fakes.command_line import GOOD, ROOT, CommandLine, plan

pytestmark = [pytest.mark.desk, pytest.mark.timeout(120)]

RENAME_GOAL = "Rename draft.txt to final.txt in the inbox."
RENAMING = [
    plan(("rename draft.txt to final.txt", "filesystem")),
    "filesystem.rename_file",
    {"path": "$folder.inbox/draft.txt", "new_name": "final.txt"},
]
RENAMED = ["draft.txt is now final.txt."]

DEADLY = """\
import os
import signal
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

ONCE = Path(sys.argv[1])


def note() -> str:
    \"\"\"Note something; the first time the program that asked for it dies meanwhile.\"\"\"
    if not ONCE.exists():
        ONCE.touch()
        os.kill(os.getppid(), signal.SIGKILL)
    return "noted"


server = MCPServer("deadly", log_level="ERROR")
server.add_tool(note, annotations=ToolAnnotations(destructive_hint=False))
server.run()
"""


@pytest.fixture
def renaming(tmp_path):
    return CommandLine(tmp_path, planner=RENAMING, answers=RENAMED)


@pytest.fixture
def sending(tmp_path):
    """A machine on which the goal needs a call that leaves it, with no folder at all."""
    planner = [plan(("reach the other side", "good")), "good.dotted_name_"]
    return CommandLine(tmp_path, planner=planner, answers=["Reached."], servers={"good": GOOD})


def run(command, goal, *options):
    return command.run("run", goal, "--path", str(command.inbox), *options)


def test_a_budget_that_is_used_up_can_be_raised_by_the_resume(renaming):
    stopped = run(renaming, RENAME_GOAL, "--yes", "--max-model-calls", "1")
    assert stopped.returncode == 4, stopped.stderr
    run_id = renaming.last()
    assert f"`ferryman resume {run_id} --max-model-calls 2` goes on with more." in stopped.stderr
    renaming.say(RENAMING[1:], RENAMED)
    refused = renaming.run("resume", run_id, "--max-model-calls", "0")
    assert refused.returncode == 2, refused.stderr
    assert "--max-model-calls 0 is no limit" in refused.stderr
    done = renaming.run("resume", run_id, "--yes", "--max-model-calls", "40")
    assert done.returncode == 0, done.stderr
    assert renaming.names == ["final.txt", "other.txt"]


def test_a_resume_on_a_terminal_shows_what_waits_and_asks(renaming):
    assert run(renaming, RENAME_GOAL).returncode == 5
    code, shown = renaming.typed("resume", "LAST", keys=b"y\n")
    assert code == 0, shown
    assert "1 local write call" in shown
    assert "final.txt" in shown.partition("[y]es")[0]
    assert renaming.names == ["final.txt", "other.txt"]


def test_what_waits_can_be_denied_without_a_terminal(renaming):
    assert run(renaming, RENAME_GOAL).returncode == 5
    renaming.say(RENAMING[1:] * 4, ["Nothing was changed."])
    done = renaming.run("resume", "LAST", "--deny", "--no", "--max-replans", "0")
    assert done.returncode in {1, 3, 4}, done.stderr
    assert renaming.names == ["draft.txt", "other.txt"]
    assert "refused by the person" in done.stderr


def test_what_leaves_the_machine_is_granted_by_a_word_of_its_own_only(sending):
    asked = sending.run("run", "Reach the other side.", "--yes")
    assert asked.returncode == 5, asked.stderr
    assert not list((sending.home / "state/ferryman").glob("office-*"))
    again = sending.run("resume", "LAST", "--yes")
    assert again.returncode == 5, again.stderr
    assert "--yes does not grant it" in again.stderr
    done = sending.run("resume", "LAST", "--grant", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "Reached."
    assert "approved by the person" in done.stderr


def test_a_word_is_refused_where_nothing_waits_for_one(renaming):
    assert run(renaming, RENAME_GOAL, "--yes").returncode == 0
    done = renaming.run("resume", "LAST", "--grant")
    assert done.returncode == 2, done.stderr
    assert "waits for no approval: it is completed" in done.stderr


def test_a_call_whose_outcome_nobody_knows_is_asked_about_in_words(tmp_path):
    script = tmp_path / "deadly.py"
    script.write_text(DEADLY)
    deadly = {
        "command": "${PYTHON}",
        "args": [str(script), str(tmp_path / "once")],
        "env": {"PYTHONPATH": str(ROOT)},
    }
    planner = [plan(("note it", "deadly")), "deadly.note"]
    command = CommandLine(tmp_path, planner=planner, answers=["Noted."], servers={"deadly": deadly})
    died = command.run("run", "Note it.", "--yes")
    assert died.returncode == -9, died.stderr
    asked = command.run("resume", "LAST", "--yes")
    assert asked.returncode == 5, asked.stderr
    assert "nobody knows whether it was done" in asked.stderr
    assert "hint: Look whether it was done." in asked.stderr
    code, shown = command.typed("resume", "LAST", keys=b"l\n")
    assert code == 5, shown
    assert "shall it be done again?" in shown
    done = command.run("resume", "LAST", "--grant")
    assert done.returncode == 0, done.stderr
