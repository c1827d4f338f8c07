"""The run commands as a person or a script meets them: exit codes, messages, reports."""

import json
import signal

import pytest

from orchestrator.evals.report import Report
from tests.fakes.command_line import FILESYSTEM, GOOD, INTERRUPT, CommandLine, plan

pytestmark = [pytest.mark.desk, pytest.mark.timeout(120)]

RENAME_GOAL = "Rename draft.txt to final.txt in the inbox."
RENAMING = [
    plan(("rename draft.txt to final.txt", "filesystem")),
    "filesystem.rename_file",
    {"path": "$folder.inbox/draft.txt", "new_name": "final.txt"},
]
RENAMED = ["draft.txt is now final.txt."]


@pytest.fixture
def renaming(tmp_path):
    return CommandLine(tmp_path, planner=RENAMING, answers=RENAMED)


def run(command, goal, *options):
    return command.run("run", goal, "--path", str(command.inbox), *options)


def test_a_completed_run_exits_0_and_writes_its_report(renaming):
    done = run(renaming, RENAME_GOAL, "--yes", "--json", str(renaming.home / "report.json"))
    assert done.returncode == 0, done.stderr
    assert renaming.names == ["final.txt", "other.txt"]
    report = Report.model_validate_json((renaming.home / "report.json").read_bytes())
    assert report.status == "completed"
    assert report.namespaces_used == ("filesystem",)
    assert [(r.old, r.new) for r in report.renames] == [("draft.txt", "final.txt")]
    assert report.calls.executed == 1
    assert "draft.txt" in done.stdout
    assert report.run_id in done.stdout
    assert "filesystem.rename_file 1/1" in done.stderr


def test_json_on_stdout_is_nothing_but_json(renaming):
    done = run(renaming, RENAME_GOAL, "--yes", "--json", "-", "--quiet")
    assert json.loads(done.stdout)["status"] == "completed"
    assert "Run summary" in done.stderr


def test_without_a_terminal_an_approval_exits_5_and_resume_yes_carries_on(renaming):
    rested = run(renaming, RENAME_GOAL)
    assert rested.returncode == 5, rested.stderr
    assert renaming.names == ["draft.txt", "other.txt"]
    run_id = renaming.last()
    assert f"ferryman resume {run_id} --yes" in rested.stderr
    again = renaming.run("resume", "LAST")
    assert again.returncode == 5, again.stderr
    done = renaming.run("resume", run_id[:6], "--yes", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert renaming.names == ["final.txt", "other.txt"]
    assert json.loads(done.stdout)["run_id"] == run_id
    over = renaming.run("resume", "LAST", "--yes")
    assert over.returncode == 2
    assert "is over: completed" in over.stderr


def test_a_person_who_says_yes_at_the_prompt_sees_what_is_renamed(renaming):
    code, shown = renaming.typed(
        "run", RENAME_GOAL, "--path", str(renaming.inbox), keys=b"maybe\ny\n"
    )
    assert code == 0, shown
    assert renaming.names == ["final.txt", "other.txt"]
    assert "1 local write call" in shown
    assert "final.txt" in shown.partition("[y]es")[0]


def test_a_person_who_says_later_finds_the_question_again(renaming):
    code, shown = renaming.typed("run", RENAME_GOAL, "--path", str(renaming.inbox), keys=b"l\n")
    assert code == 5, shown
    assert renaming.names == ["draft.txt", "other.txt"]


def test_ctrl_c_at_the_prompt_leaves_the_run_at_rest(renaming):
    code, shown = renaming.typed("run", RENAME_GOAL, "--path", str(renaming.inbox), keys=INTERRUPT)
    assert code == 130, shown
    heads = json.loads(renaming.run("runs", "list", "--json").stdout)
    assert heads[0]["status"] == "waiting_approval"


def test_ctrl_c_cancels_the_run_and_says_how_to_go_on(tmp_path):
    planner = [plan(("wait for ever", "good")), "good.wait"]
    command = CommandLine(tmp_path, planner=planner, servers={"good": GOOD})
    process = command.start("run", "Wait.", "--path", str(command.inbox), "--yes")
    said = ""
    while "choose: good.wait" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, said + err
    assert "ferryman resume" in err
    assert "Traceback" not in err
    heads = json.loads(command.run("runs", "list", "--json").stdout)
    assert heads[0]["status"] == "cancelled"
    assert command.run("audit", "verify").returncode == 0


def test_a_step_that_fails_for_good_exits_3_and_is_named(tmp_path):
    missing = ["filesystem.rename_file", {"path": "$folder.inbox/lost.txt", "new_name": "x.txt"}]
    command = CommandLine(
        tmp_path,
        planner=[plan(("rename lost.txt to x.txt", "filesystem")), *missing * 4],
        answers=["It did not work."],
        budget={"replans": 0},
    )
    done = run(
        command, "Rename lost.txt to x.txt.", "--yes", "--json", str(command.home / "report.json")
    )
    assert done.returncode == 3, done.stderr
    report = json.loads((command.home / "report.json").read_text())
    assert report["status"] == "incomplete"
    assert report["missing"][0].startswith("s1 (rename lost.txt to x.txt)")
    assert "error[incomplete]" in done.stderr


def test_a_run_whose_budget_is_used_up_exits_4(renaming):
    done = run(renaming, RENAME_GOAL, "--yes", "--max-model-calls", "1")
    assert done.returncode == 4, done.stderr
    assert "error[budget_exceeded]: The budget of 1 model calls is used up" in done.stderr


def test_a_run_whose_model_fails_exits_1_with_code_and_hint(tmp_path):
    command = CommandLine(tmp_path, planner=[])
    done = run(command, "Do it.")
    assert done.returncode == 1, done.stderr
    assert "error[" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_question_of_the_plan_exits_5_and_resume_answers_it(tmp_path):
    question = {"question": "Which file?"}
    command = CommandLine(tmp_path, planner=[question, question])
    asked = run(command, RENAME_GOAL)
    assert asked.returncode == 5, asked.stderr
    assert "Which file?" in asked.stderr
    command.say(RENAMING, RENAMED)
    done = command.run("resume", "LAST", "--yes", "--answer", "draft.txt, to final.txt")
    assert done.returncode == 0, done.stderr


def test_a_plan_is_printed_and_nothing_is_done_until_it_is_resumed(renaming):
    path = str(renaming.inbox)
    done = renaming.run("plan", RENAME_GOAL, "--path", path, "--json", "-")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "planned"
    assert told["plan"]["steps"][0]["namespace"] == "filesystem"
    assert renaming.names == ["draft.txt", "other.txt"]
    renaming.say(RENAMING[1:], RENAMED)
    assert renaming.run("resume", "LAST", "--yes").returncode == 0
    assert renaming.names == ["final.txt", "other.txt"]


def test_no_refuses_what_would_be_asked(tmp_path):
    command = CommandLine(
        tmp_path,
        planner=[RENAMING[0], *RENAMING[1:] * 4],
        answers=["Nothing was changed."],
        budget={"replans": 0},
    )
    done = run(command, RENAME_GOAL, "--no")
    assert done.returncode in {3, 4}, done.stderr
    assert command.names == ["draft.txt", "other.txt"]


def test_a_server_that_does_not_start_is_named_and_the_others_work(tmp_path):
    servers = {"filesystem": FILESYSTEM, "broken": {"command": "/no/such/program"}}
    command = CommandLine(tmp_path, planner=RENAMING, answers=RENAMED, servers=servers)
    done = run(command, RENAME_GOAL, "--yes")
    assert done.returncode == 0, done.stderr
    assert "broken" in done.stdout


def test_what_a_run_did_can_be_read_again(renaming):
    run(renaming, RENAME_GOAL, "--yes", "--json", str(renaming.home / "report.json"))
    shown = renaming.run("runs", "show", "LAST")
    assert shown.returncode == 0, shown.stderr
    assert "rename draft.txt to final.txt" in shown.stdout
    report = json.loads(renaming.run("runs", "report", "LAST").stdout)
    assert report == json.loads((renaming.home / "report.json").read_text())
    assert renaming.run("audit", "verify", "LAST").returncode == 0
