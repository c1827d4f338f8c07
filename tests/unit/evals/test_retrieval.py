"""Recall, measured: ranks and intervals, sets from a folder, and what a report says."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from adapters.retrieval.embedding import EmbeddingRetriever
from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.evals.retrieval import RetrievalReport, retrieval_table, run_retrieval
from orchestrator.evals.retrieval_ranks import interval, recall
from orchestrator.evals.retrieval_sets import labelled_sets
from tests.fakes.sentence_model import write_sentence_model

SHARED = Path(__file__).parents[3] / "../shared/data"
FOUND = [SHARED] if SHARED.is_dir() else []

TOOLS = [
    ("files", "move_file", "Move a file"),
    ("files", "list_dir", "List a folder"),
    ("email", "send_email", "Send a message to somebody"),
    ("ocr", "read_image", "Read the text in a picture"),
]


def write(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def data(tmp_path):
    """A folder in the form of the real one, with tools and questions of our own."""
    tools = [
        {
            "id": f"{server}.{name}",
            "server": server,
            "name": name,
            "description": words,
            "parameters": {"type": "object", "properties": {}},
        }
        for server, name, words in TOOLS
    ]
    local, live = tmp_path / "localcowork", tmp_path / "mcp-catalog"
    write(local / "tools.jsonl", tools)
    single = [{"id": "q1", "query": "send a message", "gold": ["email.send_email"]}]
    write(local / "single_step.dev.jsonl", single)
    steps = [
        {"prompt": "list the folder", "gold": ["files.list_dir"]},
        {"prompt": "read the picture", "gold": ["ocr.read_image"]},
    ]
    write(local / "chains.dev.jsonl", [{"id": f"c{number}", "steps": steps} for number in range(3)])
    live_tools = [{**row, "id": row["id"].replace(".", "/")} for row in tools]
    write(live / "livemcpbench_tools.jsonl", live_tools)
    task = {"id": "t1", "query": "mail it", "gold_alternatives": [["email/send_email"], ["x/y"]]}
    write(live / "livemcpbench_queries.dev.jsonl", [task])
    step = {"query": "move it", "task": "t1", "gold_alternatives": [["files/move_file"]]}
    write(live / "livemcpbench_steps.dev.jsonl", [step])
    asked = {"tool_request": "send mail", "server_request": "email", "task": "t1"}
    write(live / "livemcpbench_route_requests.dev.jsonl", [asked, {**asked, "task": "t2"}])
    more = {"server": "a.b/mail", "name": "sendEmail", "description": "Mail", "params": ["to"]}
    write(live / "toucan_tools.jsonl", [{**more, "id": "a.b/mail/sendEmail"}])
    return tmp_path


def the_set(data, name):
    return next(labelled_sets(data, {name}))


def test_an_empty_folder_has_no_sets(tmp_path):
    assert not list(labelled_sets(tmp_path))
    assert run_retrieval(tmp_path, [LexicalRetriever()]).sets == ()


def test_a_chain_step_knows_the_tool_before_it(data):
    questions = the_set(data, "localcowork-chains").questions[:2]
    assert [question.last_tool for question in questions] == ["", "files.list_dir"]
    assert {question.group for question in questions} == {"c0"}


def test_a_gold_tool_out_of_the_catalogue_is_never_found(data):
    gold = the_set(data, "livemcpbench-tasks").questions[0].gold
    assert gold == (frozenset({"email.send_email"}), frozenset())


def test_a_request_of_a_task_that_is_not_there_is_left_out(data):
    assert [q.group for q in the_set(data, "livemcpbench-requests").questions] == ["t1"]


def test_among_other_servers_a_tool_of_the_same_name_is_right_too(data):
    wide = the_set(data, "localcowork-single-in-15k")
    assert {spec.id for spec in wide.tools} > {"a-b/mail.sendEmail"}
    assert wide.questions[0].gold == (frozenset({"email.send_email", "a-b/mail.sendEmail"}),)


def test_recall_is_the_share_of_gold_tools_in_time():
    assert recall([(0, 7), (3,)], 5) == 0.75
    assert recall([], 5) == 0


def test_an_interval_holds_its_recall_and_is_the_same_each_time():
    ranks, groups = [(0,), (9,)] * 20, [f"g{at // 2}" for at in range(40)]
    found = interval(ranks, groups, 5)
    assert found == interval(ranks, groups, 5)
    assert found.low == found.high == 0.5
    alone = interval(ranks, [str(at) for at in range(40)], 5)
    assert alone.low < 0.5 < alone.high


def test_a_report_has_every_ranking_next_to_the_plain_ones(data):
    told = []
    report = run_retrieval(
        data,
        [LexicalRetriever(), LexicalRetriever(stems=False)],
        on_progress=lambda *progress: told.append(progress),
    )
    first = report.sets[0]
    assert [(row.ranking, row.learnt) for row in first.figures] == [
        ("BM25", ""),
        ("shortlist", "in-sample"),
        ("shortlist", "cross-validated"),
    ]
    assert first.figures[0].recall[1] == 1
    assert told[0] == (first.title, 1, 1)
    chains = next(each for each in report.sets if each.name == "localcowork-chains")
    assert chains.figures[-1].ranking == "shortlist + priors"
    assert (chains.queries, chains.groups) == (6, 3)
    assert sum(report.fitted.values()) == pytest.approx(1)
    assert RetrievalReport.model_validate_json(report.model_dump_json()) == report


def test_with_a_sentence_model_the_plain_blend_is_measured_too(data, tmp_path):
    model = EmbeddingRetriever(write_sentence_model(tmp_path / "model"))
    retrievers = [LexicalRetriever(), LexicalRetriever(stems=False), model]
    report = run_retrieval(data, retrievers, sets={"localcowork-chains"})
    rankings = [figures.ranking for figures in report.sets[0].figures]
    assert rankings == ["BM25", "MiniLM", "plain blend", "shortlist", "shortlist + priors"]
    assert report.weights.keys() == {"bm25", "synonyms", "minilm"}
    assert report.elsewhere == {"localcowork": {}}


def test_a_set_without_questions_has_no_figures(data):
    (data / "localcowork" / "chains.dev.jsonl").write_text("")
    report = run_retrieval(data, [LexicalRetriever()], sets={"localcowork-chains"})
    assert report.sets[0].figures == ()


def test_the_table_marks_the_bars(data):
    report = run_retrieval(data, [LexicalRetriever()], sets={"localcowork-single"})
    console = Console(width=160, file=io.StringIO())
    console.print(retrieval_table(report))
    text = console.file.getvalue()
    assert "LocalCowork single steps" in text
    assert "@5 0.960 ✓" in text


@pytest.mark.parametrize("folder", FOUND)
def test_every_gold_tool_of_the_real_sets_is_in_its_catalogue(folder):
    for found in labelled_sets(folder):
        known = {spec.id for spec in found.tools}
        assert found.questions
        assert all(some <= known for question in found.questions for some in question.gold)
