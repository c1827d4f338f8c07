"""`ferryman eval`, run inside the test's own process: no model but a script, no servers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.core.chat import Usage
from orchestrator.evals.arms import ARMS
from orchestrator.evals.figures import EvalReport
from orchestrator.evals.keeping import EvaluationFolder
from orchestrator.evals.records import Measured, Record, Score
from orchestrator.evals.traces import MadeCall, ModelUse, Trace
from tests.fakes.command_line import CommandLine, plan
from tests.fakes.simulators import write_lines, write_package

pytestmark = pytest.mark.timeout(120)

BEGUN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
READ = "files.read"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    command = CommandLine(tmp_path, servers={})
    for name, value in command.environ.items():
        monkeypatch.setenv(name, value)
    return command


def kept(path, arms=("bare", "ferryman"), *, cases=6):
    """A folder with records of cases that `ferryman` solves and `bare` does not."""
    folder = EvaluationFolder(path)
    for arm in arms:
        about = Measured(suite="desk", suite_digest="5" * 64, arm=arm, model="tiny-1b")
        name = folder.begin(about)
        for at in range(cases):
            folder.add(record(f"case-{at}", arm, name, at))
    return path


def record(case, arm, measured, at):
    solved = arm == "ferryman"
    usage = Usage(prompt=900 if solved else 9000, cached=800, generated=9)
    use = ModelUse(purpose="choose" if solved else "round", decision=0, usage=usage, tool=READ)
    bad = MadeCall(tool="[/red]", arguments={"path": "[/bold] x"}, ok=False, error="No [/tool].")
    good = MadeCall(tool=READ, arguments={"path": "/a"}, ok=True, decision=0)
    return Record(
        case=case,
        kind="single" if at % 2 else "chain",
        split="tuned" if at % 3 else "held_out",
        measured=measured,
        arm=arm,
        model="tiny-1b",
        at=BEGUN + timedelta(seconds=at),
        trace=Trace(
            status="completed" if solved else "answered",
            answer="It says [1840].",
            calls=(good,) if solved else (bad,),
            model=(use,),
            seconds=1.5,
        ),
        score=Score(
            solved=solved,
            failures=() if solved else ("'[/data]' is missing.",),
            first_tool=solved,
            tools=float(solved),
            right={0: solved},
        ),
    )


def told(capsys, *words):
    code = main(["eval", *map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_suites_and_the_arms_are_listed(machine, capsys):
    code, out, _ = told(capsys, "list")
    assert code == 0
    for name in ("desk", "retrieval", "nestful", "bfcl-multi-turn", *ARMS):
        assert name in out


def test_a_folder_is_reported_as_tables(machine, tmp_path, capsys):
    code, out, err = told(capsys, "report", kept(tmp_path / "one"))
    assert (code, err) == (0, "")
    assert "ferryman" in out
    assert "Cases solved" in out
    assert "100.0 % [61.0, 100.0] (6/6)" in out


def test_folders_are_reported_together_as_json(machine, tmp_path, capsys):
    one = kept(tmp_path / "one", ["bare"])
    two = kept(tmp_path / "two", ["ferryman"])
    code, out, _ = told(capsys, "report", one, two, "--json")
    assert code == 0
    report = EvalReport.model_validate_json(out)
    assert (report.suite, report.arms, report.models) == (
        "desk",
        ("bare", "ferryman"),
        ("tiny-1b",),
    )
    assert (report.cases, report.records) == (6, 12)
    solved = {
        (row.arm, row.solved.k) for row in report.rows if (row.kind, row.part) == ("all",) * 2
    }
    assert solved == {("bare", 0), ("ferryman", 6)}


def test_only_the_newest_measurement_of_an_arm_is_reported(machine, tmp_path, capsys):
    folder = EvaluationFolder(kept(tmp_path / "one"))
    name = folder.begin(
        Measured(suite="desk", suite_digest="6" * 64, arm="bare", model="tiny-1b", code="new")
    )
    folder.add(record("case-0", "bare", name, 0))
    code, out, _ = told(capsys, "report", folder.path, "--json")
    report = json.loads(out)
    assert (code, report["records"]) == (0, 7)
    assert any("No record of 5 cases" in note for note in report["notes"])


def test_a_page_and_markdown_are_written_where_they_are_wanted(machine, tmp_path, capsys):
    folder = kept(tmp_path / "one")
    page, document = tmp_path / "page", tmp_path / "document"
    code, out, _ = told(capsys, "report", folder, "--page", page, "--markdown", document)
    assert code == 0
    written, markdown = out.splitlines()
    assert written.startswith(f"{page}/")
    assert "<!doctype html>" in Path(written).read_text().lower()
    assert markdown == str(document / "evaluation.md")
    assert "tiny-1b" in (document / "evaluation.md").read_text()


def test_a_case_is_shown_with_whatever_a_model_wrote_in_it(machine, tmp_path, capsys):
    folder = kept(tmp_path / "one")
    code, out, _ = told(capsys, "show", folder, "case-1")
    assert code == 0
    for said in (
        "case-1 under ferryman, tiny-1b",
        "yes",
        "It says [1840].",
        READ,
        "900 (800 cached)",
    ):
        assert said in out
    code, out, _ = told(capsys, "show", folder, "case-1", "--arm", "bare")
    assert code == 0
    for said in ("'[/data]' is missing.", "[/red]", "[/bold] x", "No [/tool]."):
        assert said in out


def test_a_record_whose_journal_is_gone_says_so(machine, tmp_path, capsys):
    folder = EvaluationFolder(kept(tmp_path / "one", ["ferryman"], cases=1))
    lost = folder.records()[0].model_copy(update={"run_id": "abc123"})
    folder.add(lost)
    code, out, err = told(capsys, "show", folder.path, "case-0")
    assert (code, "case-0 under ferryman" in out) == (2, True)
    assert "abc123" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report", "nowhere"], "nowhere holds no evaluation."),
        (["show", "nowhere", "case-0"], "nowhere holds no evaluation."),
        (["show", "one", "case-99"], "one has no record of case-99 under ferryman."),
        (["show", "one", "case-0", "--arm", "native"], "case-0 under native."),
        (["run", "dekc"], "There is no suite named 'dekc'."),
        (["run", "desk", "--arms", "ferymann"], "There is no arm named 'ferymann'."),
        (["run", "desk", "--arms", "gold"], "The arm 'gold' replays bfcl-multi-turn, not desk."),
        (["run", "nestful", "--data", "nowhere"], "--data nowhere is not a folder."),
        (["run", "nestful", "--data", "one"], "does not hold it"),
        (["run", "retrieval"], "The retrieval suite needs the folder of its data."),
        (["run", "retrieval", "--data", "one"], "one holds no labelled set."),
        (["fetch", "imagenet"], "imagenet"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_said_with_exit_code_2(
    machine, tmp_path, capsys, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    kept(tmp_path / "one", ["ferryman"], cases=1)
    before = sorted(path.name for path in tmp_path.iterdir())
    code, _, err = told(capsys, *words)
    assert (code, "error[settings]: " in err) == (2, True), err
    assert said in err
    assert "hint: " in err
    assert "nowhere" not in {path.name for path in tmp_path.iterdir()} - {*before}


def test_a_damaged_folder_is_named(machine, tmp_path, capsys):
    folder = kept(tmp_path / "one", ["ferryman"], cases=1)
    file = folder / "records.jsonl"
    file.write_text("{}\n" + file.read_text())
    code, _, err = told(capsys, "report", folder)
    assert code == 2
    assert "records.jsonl:1 is damaged." in err
    (folder / "measured.json").write_text("[]")
    assert told(capsys, "report", folder)[0] == 2


@pytest.fixture
def data(tmp_path):
    """Two single requests of an external suite, written by hand."""
    folder = tmp_path / "data" / "localcowork"
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    tool = {"id": READ, "name": "read", "description": "Read a file.", "parameters": schema}
    write_lines(folder / "tools.jsonl", [{**tool, "returns": "{ content: string }"}])
    single = {"query": "Read /a.", "gold": [READ], "category": "files", "difficulty": "easy"}
    write_lines(folder / "single_step.dev.jsonl", [{"id": f"q{at}", **single} for at in (1, 2)])
    return tmp_path / "data"


def test_a_suite_is_carried_under_a_script_and_told_case_by_case(machine, data, tmp_path, capsys):
    call = {"name": READ, "arguments": {"path": "/a"}}
    machine.say(["The front is read.", call, "It holds [/nothing].", call, "Nothing."])
    out = tmp_path / "kept"
    words = ("run", "localcowork-single", "--data", data, "--out", out, "--arms", "bare")
    code, shown, err = told(capsys, *words)
    assert code == 0, err
    assert "bare: 2 cases, 0 of them done before" in err
    assert "bare: solved q1" in err
    assert "bare" in shown
    records = EvaluationFolder(out).records()
    assert [(r.case, r.score.solved, r.model) for r in records] == [
        ("q1", True, "script"),
        ("q2", True, "script"),
    ]
    [measured] = EvaluationFolder(out).measured().values()
    assert (measured.suite, measured.tool_count, measured.profile) == (
        "localcowork-single",
        1,
        "generic",
    )
    assert measured.code
    assert measured.prompts


def test_a_case_is_shown_with_the_journal_of_its_run(machine, data, tmp_path, capsys):
    planner = [plan(("read the file", "files")), READ, {"path": "/a"}]
    machine.say(planner, ["The file is read."])
    out = tmp_path / "kept"
    words = ("--cases", "q1", "--arms", "ferryman", "--data", data, "--out", out, "--quiet")
    assert told(capsys, "run", "localcowork-single", *words)[0] == 0
    [found] = EvaluationFolder(out).records()
    assert (found.trace.status, found.score.tools) == ("completed", 1.0)
    code, shown, err = told(capsys, "show", out, "q1")
    assert code == 0, err
    assert "q1 under ferryman, script" in shown
    assert f"{READ} 1/1" in shown


def test_the_same_again_carries_nothing(machine, data, tmp_path, capsys):
    machine.say([{"name": READ, "arguments": {"path": "/a"}}, "Done."])
    words = ("run", "localcowork-single", "--data", data, "--arms", "native", "--json")
    one = ("--cases", "q1", "--quiet")
    code, shown, err = told(capsys, *words, *one)
    assert (code, err) == (0, "")
    assert json.loads(shown)["records"] == 1
    machine.say([])
    assert told(capsys, *words, *one)[0] == 0
    assert (machine.home / "state/ferryman/evals/localcowork-single-default").is_dir()


def test_gold_calls_are_carried_through_the_graph_without_a_model(machine, tmp_path, capsys):
    write_package(tmp_path / "cache" / "ferryman" / "evals" / "bfcl")
    out = tmp_path / "gold"
    code, said, _ = told(
        capsys, "run", "bfcl-multi-turn", "--arms", "gold", "--out", out, "--quiet", "--json"
    )
    found = json.loads(said)
    assert (code, found["cases"], found["solved"], found["failures"]) == (0, 2, 2, {})
    assert "no model" in found["arm"]
    code, said, _ = told(
        capsys, "run", "bfcl-multi-turn", "--arms", "gold", "--out", out, "--sample", "1"
    )
    assert (code, "Gold calls through the graph" in said) == (0, True)


def test_no_case_that_is_left_is_an_error(machine, data, capsys):
    code, _, err = told(
        capsys, "run", "localcowork-single", "--data", data, "--arms", "bare", "--kind", "chain"
    )
    assert code == 2
    assert "No case of localcowork-single is left." in err
    assert "Loosen --cases, --kind or --split." in err


def test_retrieval_is_measured_without_a_model(machine, data, tmp_path, capsys):
    code, out, err = told(
        capsys, "run", "retrieval", "--data", data, "--json", "--out", tmp_path / "found"
    )
    assert code == 0, err
    report = json.loads(out)
    assert json.loads((tmp_path / "found" / "retrieval.json").read_text()) == report
    assert "queries" in err
    code, table, err = told(capsys, "run", "retrieval", "--data", data, "--quiet")
    assert (code, err) == (0, "")
    assert "Recall of the right tool" in table
