"""BFCL's multi-turn tasks: executed as tools, judged turn by turn, carried by known plans."""

import os
import sys
from pathlib import Path

import pytest

from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.core.errors import SettingsError
from orchestrator.core.tools import ToolCall
from orchestrator.evals.external.bfcl_gold import gold_call
from orchestrator.evals.external.bfcl_multi_turn import load_multi_turn
from orchestrator.evals.external.gold_replay import replay_gold, replay_through_graph
from orchestrator.evals.external.simulators import MODULES, differences, load_classes
from orchestrator.evals.external.suites import external_suites
from orchestrator.evals.traces import MadeCall, Trace
from orchestrator.policy.catalogue import build_catalogue
from orchestrator.prompting.library import load_library
from orchestrator.runtime import Parts
from tests.fakes.clock import FakeClock
from tests.fakes.simulators import TASKS, task, write_lines, write_package
from tests.fakes.stores import MemoryBlobs, MemoryStore

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ferryman" / "evals"
FETCHED = [path for path in (CACHE / "bfcl",) if (path / "bfcl_eval").is_dir()]
NOTHING = Trace(status="completed")
TOUCH, LS, CLOSE = "gorilla_file_system.touch", "gorilla_file_system.ls", "ticket_api.close_ticket"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_package(tmp_path_factory.mktemp("bfcl"))


@pytest.fixture
def suite(package):
    return load_multi_turn(package)


def parts_of(toolset):
    """What an orchestrator over the toolset is made of, without its roles."""
    return Parts(
        roles={},
        models=(),
        toolset=toolset,
        catalogue=build_catalogue(toolset.specs, [LexicalRetriever()]),
        library=load_library(ROOT / "prompts"),
        store=MemoryStore(),
        blobs=MemoryBlobs(),
        clock=FakeClock(),
    )


async def made(world, tool, **arguments):
    return await world.toolset.call(ToolCall(tool=tool, arguments=arguments))


async def test_every_class_is_a_namespace_of_tools_in_standard_schemas(suite):
    async with suite.bfcl_world() as world:
        specs = {spec.id: spec for spec in world.toolset.specs}
    assert list(specs) == [LS, TOUCH, "gorilla_file_system.broken", "math_api.add", CLOSE]
    assert specs[TOUCH].description == "Does touch."
    assert specs["math_api.add"].input_schema["properties"]["a"]["type"] == "number"
    effects = [specs[tool].effect for tool in (LS, "math_api.add", TOUCH, CLOSE)]
    assert effects == ["read", "read", "local_write", "local_write"]


async def test_cases_carry_their_turns_and_the_gold_calls_of_all_of_them(suite):
    first, second = suite.cases
    assert (first.goal, len(first.turns), first.steps) == ("Note it in a.txt.", 2, 3)
    assert [gold.tool for gold in first.gold] == [TOUCH, LS, "math_api.add"]
    assert first.gold[0].arguments == {"file_name": "a.txt"}
    assert (first.tags, second.tags) == (("crossing",), ())


async def test_the_digest_changes_with_what_the_simulators_begin_as(tmp_path, suite):
    asked, gold = TASKS[1]
    other = ({**asked, "initial_config": {"TicketAPI": {"tickets": [8]}}}, gold)
    changed = load_multi_turn(write_package(tmp_path, (TASKS[0], other)))
    assert changed.digest != suite.digest


async def test_what_a_simulator_calls_an_error_or_raises_is_an_outcome_that_is_not_ok(suite):
    async with suite.bfcl_world() as world:
        await world.begin(suite.cases[0])
        listed = await made(world, LS)
        there = await made(world, TOUCH, file_name="b.txt")
        gone = await made(world, "gorilla_file_system.broken", file_name="b.txt")
        wrong = await made(world, LS, depth=2)
        unknown = await made(world, "gorilla_file_system.rm")
        added = await made(world, "math_api.add", a=1, b=2)
    assert listed.data == {"files": ["b.txt"]}
    assert (there.ok, there.error, there.code) == (False, "b.txt is there already", "tool_failed")
    assert (gone.ok, gone.error) == (False, "Error during execution: the disk is gone")
    assert not wrong.ok
    assert "depth" in wrong.error
    assert (unknown.ok, unknown.code) == (False, "unknown_tool")
    assert added.data == {"result": 3}


async def test_a_parameter_that_a_gold_call_sets_to_text_takes_numbers_in_either_form(suite):
    async with suite.bfcl_world() as world:
        specs = {spec.id: spec for spec in world.toolset.specs}
        await world.begin(suite.cases[1])
        outcomes = [await made(world, CLOSE, ticket_id=given) for given in ("7", "x1")]
    form = specs[CLOSE].input_schema["properties"]["ticket_id"]
    assert form["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert [outcome.ok for outcome in outcomes] == [True, True]


async def test_each_case_begins_from_fresh_simulators(suite):
    async with suite.bfcl_world() as world:
        toolset = world.toolset
        for _ in range(2):
            await world.begin(suite.cases[0])
            assert (await made(world, TOUCH, file_name="a.txt")).ok
        assert world.toolset is toolset


async def test_the_gold_calls_solve_every_case(suite):
    async with suite.bfcl_world() as world:
        assert [await replay_gold(suite, world, case) for case in suite.cases] == [[], []]


async def test_a_call_left_out_fails_its_turn_and_those_that_stand_on_it(suite):
    case = suite.cases[0]
    async with suite.bfcl_world() as world:
        await world.begin(case)
        await world.turn_done(case, 0, NOTHING)
        await world.turn_done(case, 1, NOTHING)
        await made(world, LS)
        await made(world, "math_api.add", a=1, b=2)
        await world.turn_done(case, 2, NOTHING)
        found = await world.failures(case, NOTHING)
    assert found == [
        "turn 1: no tool was called",
        "turn 3: not as it must be: gorilla_file_system.files",
    ]


async def test_a_change_where_the_task_asks_for_none_is_seen(suite):
    case = suite.cases[0]
    async with suite.bfcl_world() as world:
        await world.begin(case)
        await made(world, TOUCH, file_name="a.txt")
        await made(world, TOUCH, file_name="c.txt")
        await world.turn_done(case, 0, NOTHING)
        found = await world.failures(case, NOTHING)
    assert found[0] == "turn 1: not as it must be: gorilla_file_system.files"


async def test_results_count_from_earlier_turns_and_from_calls_answered_again(suite):
    case = suite.cases[0]
    async with suite.bfcl_world() as world:
        await world.begin(case)
        await made(world, TOUCH, file_name="a.txt")
        await made(world, LS)
        await world.turn_done(case, 0, NOTHING)
        await world.turn_done(case, 1, NOTHING)
        known = world.toolset.made[-1].fingerprint
        again = MadeCall(tool=LS, arguments={}, ok=True, fingerprint=known, reused=True)
        await world.turn_done(case, 2, Trace(status="completed", calls=(again,)))
        found = await world.failures(case, NOTHING)
    assert found == ["turn 3: 1 of 2 results were not got"]


async def test_a_planner_that_knows_the_gold_calls_solves_every_case_through_the_graph(suite):
    replay = await replay_through_graph(suite, suite.cases, parts_of)
    assert (replay.failures, replay.solved, replay.runs, replay.calls) == ({}, 2, 5, 5)
    assert (replay.searched, replay.unlisted, replay.unsaid) == ([], [], [])


async def test_a_replay_says_what_it_could_not_do(tmp_path):
    wrong = task("files_1", ["Read it."], [["broken('a.txt')"]], ["GorillaFileSystem"])
    suite = load_multi_turn(write_package(tmp_path, (wrong,)))
    async with suite.bfcl_world() as world:
        direct = await replay_gold(suite, world, suite.cases[0])
    assert direct == [
        "turn 1: gorilla_file_system.broken: Error during execution: the disk is gone"
    ]
    replay = await replay_through_graph(suite, suite.cases, parts_of)
    assert (replay.solved, list(replay.failures)) == (0, ["files_1"])


def test_the_samples_of_a_folder_stand_in_where_the_package_has_no_tasks(tmp_path):
    package = write_package(tmp_path / "cache" / "bfcl")
    (package / "bfcl_eval" / "data" / "BFCL_v4_multi_turn_base.json").unlink()
    row = {
        "id": "sampled_0",
        "turns": [["Close ticket 7."]],
        "initial_config": {"TicketAPI": {"tickets": [7]}},
        "involved_classes": ["TicketAPI"],
        "ground_truth": [["close_ticket(ticket_id=7)"]],
    }
    write_lines(tmp_path / "data" / "bfcl" / "multi_turn_base.dev.jsonl", [row])
    suite = external_suites()["bfcl-multi-turn"](tmp_path / "data", tmp_path / "cache")
    assert [case.id for case in suite.cases] == ["sampled_0"]


def test_loading_leaves_no_module_of_the_package_behind(package):
    load_classes(package)
    assert [name for name in sys.modules if name.startswith("bfcl_eval")] == []
    assert str(package) not in sys.path


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_simulators_that_do_not_load_are_an_error_that_says_what_to_do(tmp_path, damage):
    if damage == "broken":
        write_package(tmp_path)
        sources = tmp_path.joinpath("bfcl_eval", "eval_checker", "multi_turn_eval")
        (sources / "func_source_code" / f"{MODULES['MathAPI']}.py").write_text("import nowhere_")
    with pytest.raises(SettingsError) as raised:
        load_classes(tmp_path)
    assert "ferryman eval fetch bfcl" in raised.value.hint


@pytest.mark.parametrize("source", ["touch(", "touch", "touch(name)", "unknown(1)", "os.remove()"])
def test_a_gold_call_is_read_and_never_run(package, source):
    with pytest.raises(SettingsError, match="cannot be read"):
        gold_call(source, ["GorillaFileSystem"], load_classes(package))


@pytest.mark.parametrize("fetched", FETCHED, ids=lambda path: path.name)
async def test_the_published_gold_calls_solve_every_published_case(fetched):
    suite = load_multi_turn(fetched)
    async with suite.bfcl_world() as world:
        assert len(world.toolset.specs) == 128
        failed = [case.id for case in suite.cases if await replay_gold(suite, world, case)]
    assert (len(suite.cases), failed) == (200, [])


@pytest.mark.parametrize("fetched", FETCHED, ids=lambda path: path.name)
async def test_functions_that_only_look_change_nothing_in_any_published_case(fetched):
    suite = load_multi_turn(fetched)
    async with suite.bfcl_world() as world, suite.bfcl_world() as untouched:
        reads = {spec.id for spec in world.toolset.specs if spec.effect == "read"}
        for case in suite.cases:
            await world.begin(case)
            await untouched.begin(case)
            for gold in case.gold:
                call = ToolCall(tool=gold.tool, arguments=gold.arguments)
                await world.toolset.call(call)
                if gold.tool not in reads:
                    await untouched.toolset.call(call)
            assert differences(world.toolset.live, untouched.toolset.live) == []


@pytest.mark.parametrize("fetched", FETCHED, ids=lambda path: path.name)
async def test_a_sample_of_published_cases_is_solved_through_the_graph(fetched):
    suite = load_multi_turn(fetched)
    replay = await replay_through_graph(suite, suite.cases[::20], parts_of)
    assert (replay.failures, replay.solved) == ({}, 10)
