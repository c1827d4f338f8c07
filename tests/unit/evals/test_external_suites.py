"""Suites that score which calls are made: their cases, their canned tools, their verdicts."""

from pathlib import Path

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.core.tools import ToolCall, ToolSpec
from orchestrator.evals.external import call_or_not, localcowork, nestful
from orchestrator.evals.external.canned import canned_result
from orchestrator.evals.external.reading import json_lines, json_schema
from orchestrator.evals.external.suites import external_suites
from orchestrator.evals.traces import Trace
from tests.fakes.simulators import document, write_lines, write_package

pytestmark = pytest.mark.anyio

NOTHING = Trace(status="completed")
SHARED = Path(__file__).parents[3] / "../shared/data"
HERE = [name for name in external_suites() if SHARED.is_dir() and name != "bfcl-multi-turn"]


def tool_row(tool_id, returns, *, confirmed=False, **properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "id": tool_id,
        "name": tool_id.partition(".")[2],
        "description": f"Does {tool_id}",
        "parameters": schema,
        "returns": returns,
        "confirmation_required": confirmed,
    }


TEXT = {"type": "string"}
OFFICE = [
    tool_row("files.read", "{ content: string, size: number, more?: Thing[] }", path=TEXT),
    tool_row("files.move", "{ path: string, ok: boolean }", confirmed=True, path=TEXT),
    tool_row("files.list_all", "FileInfo[]"),
    tool_row("clip.set_text", "{ ok: boolean }", text=TEXT),
]


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "localcowork"
    write_lines(folder / localcowork.TOOLS, OFFICE)
    single = {"id": "q1", "query": "Read a", "gold": ["files.read"], "category": "files"}
    write_lines(folder / localcowork.SINGLE, [{**single, "difficulty": "easy"}])
    steps = [
        {"prompt": "Read a", "gold": ["files.read"]},
        {"prompt": "Move it", "gold": ["files.move"]},
    ]
    chain = {"id": "c1", "category": "files", "difficulty": "hard", "steps": steps}
    write_lines(folder / localcowork.CHAINS, [chain])
    edges = [
        {"id": "e1", "prompt": "Open it", "expectedBehavior": "ask", "expectedTool": None},
        {
            "id": "e2",
            "prompt": "List",
            "expectedBehavior": "tool_call",
            "expectedTool": "files.list_all",
        },
    ]
    write_lines(folder / localcowork.EDGES, edges)
    return tmp_path


async def judged(suite, case_id, *turns):
    """The failures of a case whose turns made these calls, each a tool id or (id, arguments)."""
    case = next(case for case in suite.cases if case.id == case_id)
    async with suite.canned_world() as world:
        assert await world.begin(case) == {}
        for index, turn in enumerate(turns):
            for call in turn:
                tool, arguments = call if isinstance(call, tuple) else (call, {})
                await world.toolset.call(ToolCall(tool=tool, arguments=arguments))
            await world.turn_done(case, index, NOTHING)
        return await world.failures(case, NOTHING)


async def test_a_single_request_is_right_when_its_first_call_is(office, tmp_path):
    suite = external_suites()["localcowork-single"](office, tmp_path)
    assert await judged(suite, "q1", ["files.read", "files.move"]) == []
    found = await judged(suite, "q1", ["files.move", "files.read"])
    assert found == ["turn 1: files.move was called, not files.read"]
    assert await judged(suite, "q1", []) == ["turn 1: no tool was called, not files.read"]


async def test_an_odd_request_is_right_when_no_tool_is_called_unless_one_is_due(office, tmp_path):
    suite = external_suites()["localcowork-single"](office, tmp_path)
    assert [case.kind for case in suite.cases] == ["single", "edge", "edge"]
    assert await judged(suite, "e1", []) == []
    assert await judged(suite, "e1", ["files.read"]) == ["files.read was called"]
    assert await judged(suite, "e2", ["files.list_all"]) == []


async def test_a_chain_is_judged_turn_by_turn(office, tmp_path):
    suite = external_suites()["localcowork-chains"](office, tmp_path)
    assert (suite.cases[0].turns, suite.cases[0].steps) == (("Move it",), 2)
    assert await judged(suite, "c1", ["files.read"], ["files.move"]) == []
    found = await judged(suite, "c1", ["files.read", "files.move"], [])
    assert found == ["turn 2: no tool was called, not files.move"]


async def test_calls_that_nobody_parted_into_turns_count_as_one(office, tmp_path):
    suite = external_suites()["localcowork-single"](office, tmp_path)
    async with suite.canned_world() as world:
        await world.begin(suite.cases[0])
        await world.toolset.call(ToolCall(tool="files.read", arguments={}))
        assert await world.failures(suite.cases[0], NOTHING) == []


def test_what_a_tool_changes_and_returns_is_read_from_its_row(office):
    specs = {spec.id: spec for spec in localcowork.read_tools(office / "localcowork")}
    effects = [specs[row["id"]].effect for row in OFFICE]
    assert effects == ["read", "local_write", "read", "local_write"]
    fields = specs["files.read"].output_schema["properties"]
    assert fields["content"] == {"type": "string"}
    assert fields["size"] == {"type": "number"}
    assert fields["more"]["type"] == "array"


async def test_a_canned_tool_answers_in_its_form_and_an_unknown_one_fails(office, tmp_path):
    suite = external_suites()["localcowork-single"](office, tmp_path)
    async with suite.canned_world() as world:
        moved = await world.toolset.call(ToolCall(tool="files.move", arguments={"path": "a"}))
        unknown = await world.toolset.call(ToolCall(tool="files.burn", arguments={}))
    assert moved.data["ok"] is True
    assert moved.data["path"].startswith("/office/")
    assert (unknown.ok, unknown.code) == (False, "unknown_tool")


def test_a_canned_result_is_the_same_for_the_same_call_only():
    output = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "tags": {"type": "array"}},
    }
    spec = ToolSpec(id="a.b", output_schema=output)
    first, again, other = (canned_result(spec, {"q": q}) for q in ("x", "x", "y"))
    assert first == again != other
    assert isinstance(first["id"], int)
    assert len(first["tags"]) == 1
    assert canned_result(ToolSpec(id="a.c"), {}) == {"ok": True}


QUESTIONS = {
    "irrelevance": ("i1", None),
    "live_irrelevance": ("i2", None),
    "live_relevance": ("r1", None),
    "live_multiple": ("m1", [{"shop.order": {"what": ["tea"]}}]),
}


def question(question_id, gold, *, messages=None):
    asked = messages or [{"role": "user", "content": "Order tea."}]
    functions = [document("shop.order", ["what"], what="string"), document("greet", whom="string")]
    return {"id": question_id, "turns": [asked], "functions": functions, "ground_truth": gold}


@pytest.fixture
def questions(tmp_path):
    folder = tmp_path / "bfcl"
    for category, (question_id, gold) in QUESTIONS.items():
        write_lines(folder / f"{category}.dev.jsonl", [question(question_id, gold)])
    return tmp_path


async def test_a_case_that_brings_its_functions_offers_those_and_no_others(questions, tmp_path):
    suite = external_suites()["bfcl-irrelevance"](questions, tmp_path)
    assert suite.per_case_tools
    async with suite.canned_world() as world:
        await world.begin(suite.cases[0])
        assert [spec.id for spec in world.toolset.specs] == ["shop.order", "functions.greet"]


async def test_a_question_is_right_when_a_function_is_called_exactly_if_one_fits(
    questions, tmp_path
):
    suite = external_suites()["bfcl-irrelevance"](questions, tmp_path)
    assert await judged(suite, "i1", []) == []
    assert await judged(suite, "i2", ["shop.order"]) == [
        "shop.order was called, and no function fits"
    ]
    assert await judged(suite, "m1", ["shop.order"]) == []
    assert await judged(suite, "r1", []) == ["no function was called, and one fits"]
    multiple = next(case for case in suite.cases if case.id == "m1")
    assert [gold.tool for gold in multiple.gold] == ["shop.order"]


def test_conversations_and_overlong_questions_are_left_out(questions, tmp_path):
    talk = [{"role": role, "content": "Hello"} for role in ("user", "assistant", "user")]
    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tea?"}]
    long = [{"role": "user", "content": "x" * (call_or_not.LONGEST_GOAL + 1)}]
    rows = [question(f"n{at}", None, messages=each) for at, each in enumerate((talk, told, long))]
    write_lines(questions / "bfcl" / "irrelevance.dev.jsonl", rows)
    suite = external_suites()["bfcl-irrelevance"](questions, tmp_path)
    found = [case.goal for case in suite.cases if case.kind == "irrelevance"]
    assert found == ["Be brief.\n\nTea?"]


def test_the_questions_of_the_package_are_read_where_there_are_no_samples(tmp_path):
    package = write_package(tmp_path / "bfcl")
    for category, (question_id, gold) in QUESTIONS.items():
        row = question(question_id, None)
        asked = {"id": question_id, "question": row["turns"], "function": row["functions"]}
        write_lines(package / "bfcl_eval" / "data" / f"BFCL_v4_{category}.json", [asked])
        if gold:
            answers = package / "bfcl_eval" / "data" / "possible_answer"
            known = {"id": question_id, "ground_truth": gold}
            write_lines(answers / f"BFCL_v4_{category}.json", [known])
    suite = external_suites()["bfcl-irrelevance"](None, tmp_path)
    assert {case.id: len(case.gold) for case in suite.cases} == {"i1": 0, "i2": 0, "r1": 0, "m1": 1}


def nestful_tool(name, output, **parameters):
    given = {part: {"type": kind, "required": True} for part, kind in parameters.items()}
    return {
        "id": name,
        "server": "shop",
        "name": name,
        "description": f"Does {name}",
        "parameters": given,
        "output": output,
    }


@pytest.fixture
def plans(tmp_path):
    folder = tmp_path / "planning"
    found = {
        "place": {"type": "string"},
        "deep": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    tools = [
        nestful_tool("Find", found, what="string"),
        nestful_tool("Tell.All", {}, text="string"),
    ]
    write_lines(folder / nestful.TOOLS, tools)
    calls = [
        {"name": "Find", "arguments": {"what": "tea"}, "label": "var1"},
        {"name": "Tell.All", "arguments": {"text": "$var1.place$", "list": ["$var1.deep.n$", 2]}},
        {"name": "Tell.All", "arguments": {"text": "at $var1.place$", "list": "$var9.gone$"}},
        {"name": "var_result", "arguments": {"told": "$var1$"}},
    ]
    unknown = [{"name": "Nowhere", "arguments": {}}]
    rows = [
        {"id": "p1", "query": "Tell all", "calls": calls, "part": "shop"},
        {"id": "p2", "query": "Lost", "calls": unknown, "part": "shop"},
    ]
    write_lines(folder / nestful.PLANS, rows)
    return tmp_path


async def test_a_plan_is_right_when_values_flow_from_call_to_call(plans, tmp_path):
    suite = external_suites()["nestful"](plans, tmp_path)
    assert [case.id for case in suite.cases] == ["p1"]
    calls = [(gold.tool, gold.arguments) for gold in suite.cases[0].gold]
    assert [tool for tool, _ in calls] == ["shop.Find", "Tell.All", "Tell.All"]
    assert await judged(suite, "p1", calls) == []
    assert await judged(suite, "p1", calls[::-1]) == ["call 2 of 3 was not made: Tell.All"]


async def test_the_gold_values_are_those_that_the_tools_give(plans, tmp_path):
    suite = external_suites()["nestful"](plans, tmp_path)
    first, second, third = suite.cases[0].gold
    async with suite.canned_world() as world:
        found = await world.toolset.call(ToolCall(tool=first.tool, arguments=first.arguments))
    place, number = found.data["place"], found.data["deep"]["n"]
    assert second.arguments == {"text": place, "list": [number, 2]}
    assert third.arguments["text"] == f"at {place}"
    assert third.free == ("list",)


@pytest.mark.parametrize("name", [*external_suites()])
def test_a_suite_without_its_data_says_what_is_needed(name, tmp_path):
    for data in (None, tmp_path):
        with pytest.raises(SettingsError) as raised:
            external_suites()[name](data, tmp_path)
        assert "eval fetch" in raised.value.hint or "--data" in raised.value.hint


def test_a_damaged_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n[1]\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"rows\.jsonl, line 2"):
        json_lines(path)
    path.write_text("{\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="line 1"):
        json_lines(path)


def test_schemas_in_other_dialects_become_standard_ones():
    written = {
        "type": "dict",
        "properties": {
            "size": {"type": "float", "optional": True},
            "pair": {"type": "tuple", "items": {"type": "float"}},
            "what": {"type": "any", "description": "Whatever"},
            "damaged": "string",
        },
        "required": ["size", "gone"],
    }
    assert json_schema(written) == {
        "type": "object",
        "properties": {
            "size": {"type": "number"},
            "pair": {"type": "array", "items": {"type": "number"}},
            "what": {"description": "Whatever"},
        },
        "required": ["size"],
    }


@pytest.mark.parametrize("name", HERE)
async def test_the_published_cases_are_read_and_their_gold_calls_solve_them(name, tmp_path):
    suite = external_suites()[name](SHARED, tmp_path)
    assert len({case.id for case in suite.cases}) == len(suite.cases) > 15
    async with suite.canned_world() as world:
        for case in suite.cases:
            await world.begin(case)
            known = {spec.id for spec in world.toolset.specs}
            turns = [[gold] for gold in case.gold] if case.turns else [case.gold]
            for index, turn in enumerate(turns):
                assert {gold.tool for gold in turn} <= known
                for gold in turn:
                    await world.toolset.call(ToolCall(tool=gold.tool, arguments=gold.arguments))
                await world.turn_done(case, index, NOTHING)
            solved = await world.failures(case, NOTHING) == []
            assert solved or (case.calls and not case.gold)
