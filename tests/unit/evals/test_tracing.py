"""A journal and a loop are read as the same kind of trace, decision by decision."""

import pytest

from adapters.backends.scripted import Said
from orchestrator.core.chat import ChatReply, FunctionCall, Usage
from orchestrator.core.errors import BackendUnavailable, ToolFailed
from orchestrator.evals.bare import run_bare
from orchestrator.evals.traces import MadeCall, ModelUse, Trace
from orchestrator.evals.tracing import joined, trace_of_journal, trace_of_loop
from orchestrator.graph.context import Player
from tests.fakes.backends import FaultyBackend
from tests.fakes.clock import FakeClock
from tests.fakes.office import (
    DESKTOP,
    LIBRARY,
    LIST,
    PROFILE,
    READ,
    RENAME,
    SEARCH_FILES,
    WRITE,
    Office,
    act,
    entries_of,
    plan,
    screenshot_script,
    screenshots,
    step,
    unavailable_tool,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

LISTS = step("s1", "list the files on the Desktop", "filesystem")
READS = step("s2", "read the text in each screenshot", "ocr", "s1", "name contains screenshot")


async def traced(*script, office=None, **request):
    office = office or Office(images=screenshots())
    orchestrator = office.orchestrator([*script])
    entries = await entries_of(orchestrator.stream(office.request(**request)))
    specs = {spec.id: spec for spec in orchestrator.parts.toolset.specs}
    return trace_of_journal(entries, specs)


def decided(trace):
    """What the model calls of decisions were for, with their numbers."""
    return [(use.purpose, use.decision) for use in trace.model if use.decision >= 0]


async def test_the_main_job_is_four_decisions_whose_calls_carry_their_number():
    trace = await traced(*screenshot_script())
    assert (trace.status, trace.error, trace.answer) == ("completed", "", "It is done.")
    assert (trace.plan_steps, trace.replans, trace.refused) == (4, 0, 0)
    assert decided(trace) == [
        (purpose, number) for number in range(4) for purpose in ("choose", "arguments")
    ]
    assert [(call.tool, call.decision) for call in trace.calls] == [
        (LIST, 0),
        *[(READ, 1)] * 3,
        *[(WRITE, 2)] * 3,
        *[(RENAME, 3)] * 3,
    ]
    assert all(call.ok and call.schema_ok and call.fingerprint for call in trace.calls)
    effects = {call.tool: call.effect for call in trace.calls}
    assert (effects[LIST], effects[RENAME]) == ("read", "local_write")


async def test_model_calls_know_what_they_were_shown_and_what_they_came_to():
    trace = await traced(*screenshot_script())
    chose = [use for use in trace.model if use.purpose == "choose"]
    assert [use.tool for use in chose] == [LIST, READ, WRITE, RENAME]
    assert [use.step for use in chose] == ["s1", "s2", "s3", "s4"]
    assert [use.shown for use in chose[-2:]] == [2, 1]
    assert chose[0].disclosed == chose[0].shown >= 4
    assert [use.disclosed for use in chose] == [chose[0].shown, 0, 0, 1]
    assert all(use.distance is not None and use.distance > 0 for use in chose)
    others = [use for use in trace.model if use.purpose != "choose"]
    assert {(use.tool, use.shown, use.disclosed, use.distance) for use in others} == {
        ("", 0, 0, None)
    }


async def test_plans_answers_and_tools_that_ask_a_model_belong_to_no_decision():
    trace = await traced(*screenshot_script())
    rest = [use.purpose for use in trace.model if use.decision < 0]
    assert rest == ["plan", "text", "text", "text", "answer"]
    assert all(use.usage.prompt > 0 for use in trace.model)
    assert trace.usage.prompt == sum(use.usage.prompt for use in trace.model)


async def test_margins_are_the_first_stages_confidence():
    script = [plan(LISTS), Said(LIST, 0.75), {"path": "$folder.Desktop"}]
    trace = await traced(*script)
    assert [use.margin for use in trace.model if use.purpose == "choose"] == [0.75]


async def test_an_unsure_choice_that_is_asked_again_is_one_decision():
    script = [plan(LISTS), Said(SEARCH_FILES, 0.001), Said(LIST, 0.9), {"path": "$folder.Desktop"}]
    trace = await traced(*script)
    assert decided(trace) == [("choose", 0), ("choose", 0), ("arguments", 0)]
    assert [call.decision for call in trace.calls] == [0]


async def test_a_search_is_a_decision_of_its_own():
    trace = await traced(
        plan(LISTS), "search_tools", {"query": "list a folder"}, *act(LIST, path="$folder.Desktop")
    )
    assert decided(trace) == [("choose", 0), ("search", 0), ("choose", 1), ("arguments", 1)]
    assert [call.decision for call in trace.calls] == [1]


async def test_arguments_that_are_asked_for_again_belong_to_their_decision():
    spec, answer = tool("board.add_tag", "Add a tag to the board.", lambda tag: {}, tag="string")
    schema = {**spec.input_schema, "properties": {"tag": {"type": "string", "pattern": "^[a-z]+$"}}}
    board = (spec.model_copy(update={"input_schema": schema, "effect": "read"}), answer)
    script = [
        plan(step("s1", "add the tag to the board", "board")),
        *act("board.add_tag", tag="Not A Tag"),
        {"tag": "fine"},
    ]
    trace = await traced(*script, office=Office(more=[board]))
    assert decided(trace) == [("choose", 0), ("arguments", 0), ("arguments", 0)]
    assert [(call.arguments, call.schema_ok) for call in trace.calls] == [({"tag": "fine"}, True)]


async def test_a_reply_that_the_backend_refused_is_no_decision():
    trace = await traced(plan(LISTS), "filesystem.format_disk", *act(LIST, path="$folder.Desktop"))
    assert decided(trace) == [("choose", 0), ("arguments", 0)]
    assert trace.calls[0].decision == decided(trace)[-1][1]


async def test_a_failed_call_counts_its_decision_once():
    broken = unavailable_tool(LIST, ToolFailed("The disk is gone."), path="string")
    trace = await traced(
        plan(LISTS),
        *act(LIST, path="$folder.Desktop"),
        *act(SEARCH_FILES, path="$folder.Desktop", pattern="*"),
        office=Office(images=screenshots(), more=[broken]),
    )
    assert decided(trace) == [("choose", 0), ("arguments", 0), ("choose", 1), ("arguments", 1)]
    assert [(c.tool, c.ok, c.decision) for c in trace.calls] == [
        (LIST, False, 0),
        (SEARCH_FILES, True, 1),
    ]
    assert "The disk is gone." in trace.calls[0].error


async def test_a_reused_call_is_told_from_an_executed_one():
    again = step("s2", "list the files on the Desktop once more", "filesystem")
    lists = act(LIST, path="$folder.Desktop")
    trace = await traced(plan(LISTS, again), *lists, *lists, *lists)
    assert [call.reused for call in trace.calls] == [False, True]
    assert [call.decision for call in trace.executed] == [0]
    assert trace.calls[0].result == trace.calls[1].result


async def test_a_reply_of_tool_and_arguments_names_its_tool():
    office = Office(images=screenshots())
    office.profile = PROFILE.model_copy(update={"stages": 1})
    whole = {"tool": LIST, "arguments": {"path": "$folder.Desktop"}}
    trace = await traced(plan(LISTS), whole, office=office)
    assert [(use.purpose, use.tool) for use in trace.model][1] == ("choose", LIST)
    assert decided(trace) == [("choose", 0)]


async def test_repetitions_while_a_run_waits_are_one_call():
    left = iter(["running", "running", "done"])
    status = tool("build.get_status", "Get the status.", lambda: {"status": next(left)})
    waits = {
        **step("s1", "check whether the build is done", "build"),
        "wait_until": "status is done",
    }
    trace = await traced(plan(waits), "build.get_status", {}, office=Office(more=[status]))
    assert trace.status == "completed"
    assert [(call.tool, call.ok, call.decision) for call in trace.calls] == [
        ("build.get_status", True, 0)
    ]


async def test_a_question_is_kept_as_one():
    asked = {"question": "Which folder do you mean?"}
    trace = await traced(asked, asked)
    assert (trace.status, trace.question) == ("needs_input", "Which folder do you mean?")
    assert (trace.calls, trace.plan_steps) == ((), 0)


async def test_a_model_that_is_not_there_is_known_by_its_code():
    trace = await traced(BackendUnavailable("Nobody answers."))
    assert (trace.status, trace.code) == ("failed", "backend_unavailable")
    assert "Nobody answers." in trace.error


async def looped(*replies, style="native", office=None):
    office = office or Office(images=screenshots(1))
    backend = Replying(replies)
    result = await run_bare(
        goal="List the Desktop.",
        places={"Desktop": DESKTOP},
        toolset=office.desk,
        player=Player(backend, PROFILE),
        library=LIBRARY,
        clock=FakeClock(),
        style=style,
    )
    return trace_of_loop(result, {spec.id: spec for spec in office.desk.specs})


class Replying:
    """Gives whole replies, one after the other."""

    def __init__(self, replies):
        self._replies = iter(replies)

    async def stream(self, request):
        del request
        yield next(self._replies)


def called(name, arguments, **usage):
    return ChatReply(
        text="", calls=(FunctionCall(name=name, arguments=arguments),), usage=Usage(**usage)
    )


async def test_every_reply_of_a_loop_is_a_decision():
    trace = await looped(
        called(LIST, f'{{"path": "{DESKTOP}"}}', prompt=100, generated=9),
        called(READ, '{"file": "x"}', prompt=140, cached=100),
        ChatReply(text="Done.", seconds=2.0),
    )
    assert (trace.status, trace.answer, trace.error) == ("answered", "Done.", "")
    assert [(u.purpose, u.decision, u.tool) for u in trace.model] == [
        ("round", 0, LIST),
        ("round", 1, READ),
        ("round", 2, ""),
    ]
    assert [(c.decision, c.ok, c.schema_ok) for c in trace.calls] == [
        (0, True, True),
        (1, False, False),
    ]
    assert [u.disclosed for u in trace.model] == [4, 0, 0]
    assert {u.shown for u in trace.model} == {4}
    assert [u.distance for u in trace.model] == [100, 140, 0]
    assert trace.usage == Usage(prompt=240, cached=100, generated=9)


async def test_a_tool_that_does_not_exist_fits_no_schema():
    trace = await looped(called("disk.format", "{}"), ChatReply(text="Well."))
    assert [(c.tool, c.ok, c.schema_ok) for c in trace.calls] == [("disk.format", False, False)]


async def test_a_loop_without_a_model_is_known_by_its_code_too():
    result = await run_bare(
        goal="g",
        places={},
        toolset=Office().desk,
        player=Player(FaultyBackend([BackendUnavailable("Nobody answers.")]), PROFILE),
        library=LIBRARY,
        clock=FakeClock(),
    )
    trace = trace_of_loop(result, {})
    assert (trace.status, trace.code) == ("failed", "backend_unavailable")
    assert trace.error == "Nobody answers."


def turn(status, *decisions, **fields):
    return Trace(
        status=status,
        model=tuple(ModelUse(purpose="choose", decision=number) for number in decisions),
        calls=tuple(MadeCall(tool=LIST, arguments={}, ok=True, decision=n) for n in decisions),
        **fields,
    )


def test_one_turn_is_its_own_conversation():
    only = turn("completed", 0)
    assert joined([only]) is only


def test_the_turns_of_a_conversation_number_their_decisions_on():
    silent = Trace(status="completed", model=(ModelUse(purpose="plan"),), plan_steps=1, seconds=1)
    whole = joined(
        [
            turn("completed", -1, 0, 1, answer="one", refused=1, replans=2, seconds=1.5),
            silent,
            turn("failed", 0, -1, 1, answer="last", error="why", plan_steps=2, refused=1),
        ]
    )
    assert [use.decision for use in whole.model] == [-1, 0, 1, -1, 2, -1, 3]
    assert [call.decision for call in whole.calls] == [-1, 0, 1, 2, -1, 3]
    assert (whole.status, whole.error, whole.answer) == ("failed", "why", "last")
    assert (whole.refused, whole.replans, whole.plan_steps, whole.seconds) == (2, 2, 3, 2.5)
