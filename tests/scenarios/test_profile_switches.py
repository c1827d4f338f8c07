"""Every device of a decision can be taken away, one at a time, and the run still does its work."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.backends.scripted import Said
from orchestrator.core.chat import Choice, JsonSchema
from orchestrator.core.events import (
    CallProposed,
    DecisionFailed,
    ModelCalled,
    PlanMade,
    ToolsDisclosed,
)
from orchestrator.core.tools import split_name
from orchestrator.prompting.transcript import SEARCH, tokens
from tests.fakes.office import (
    DESKTOP,
    LIST,
    PROFILE,
    READ,
    RENAME,
    SCREENSHOT_ACTS,
    SCREENSHOT_PLAN,
    Office,
    SteadyPlanner,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio


class Versatile(SteadyPlanner):
    """A planner without mistakes, whatever form a decision has."""

    def __call__(self, request):
        asked = request.messages[-1].content
        if asked.endswith('JSON with "tool" and "arguments"?'):
            tool_id, arguments = super().__call__(_as_choice(request)), None
            arguments = next(args for name, args in self._acts.values() if name == tool_id)
            return {"tool": tool_id, "arguments": self._spoken(arguments, request)}
        answer = super().__call__(request)
        if asked.startswith("Arguments of "):
            return self._spoken(answer, request)
        return answer

    def _spoken(self, arguments, request):
        """Folders by their path where only paths are offered."""
        schema = json.dumps(request.constraint.json_schema)
        return {
            name: DESKTOP if value == "$folder.Desktop" and value not in schema else value
            for name, value in arguments.items()
        }


def _as_choice(request):
    return request.model_copy(update={"constraint": Choice(options=("a", "b"))})


async def run_with(script=None, office=None, **fields):
    office = office or Office(images=screenshots())
    office.profile = PROFILE.model_copy(update=fields)
    planner = itertools.repeat(Versatile()) if script is None else script
    entries = await entries_of(office.orchestrator(planner).stream(office.request()))
    return office, entries


SWITCHES = [
    {},
    {"examples": "far"},
    {"examples": "none"},
    {"plan_examples": 0},
    {"stages": 1},
    {"stages": 1, "examples": "far"},
    {"references": False},
    {"references": False, "stages": 1},
    {"transcript": "step"},
    {"transcript": "step", "stages": 1},
    {"transcript": "step", "examples": "far"},
    {"transcript": "step", "references": False, "contrast": True},
    {"shortlist_k": None},
    {"shortlist_k": None, "gate": False},
    {"gate": False},
    {"contrast": True},
    {"generated_examples": True},
    {"repairs": 0},
    {"repairs": 3},
]


@pytest.mark.parametrize("fields", SWITCHES, ids=str)
async def test_the_main_job_is_done_under_every_switch(fields):
    office, entries = await run_with(**fields)
    assert entries[-1].event.status == "completed", entries[-1].event.error
    assert not [name for name in office.names if name.startswith("screenshot")]


@settings(max_examples=12, deadline=None)
@given(
    fields=st.fixed_dictionaries(
        {
            "examples": st.sampled_from(["near", "far", "none"]),
            "stages": st.sampled_from([1, 2]),
            "transcript": st.sampled_from(["append", "step"]),
            "references": st.booleans(),
            "gate": st.booleans(),
            "contrast": st.booleans(),
            "generated_examples": st.booleans(),
            "shortlist_k": st.sampled_from([None, 1, 5, 12]),
        }
    )
)
async def test_whatever_the_switches_only_tools_in_scope_can_be_named(fields):
    office, entries = await run_with(**fields)
    scope = {spec.id for spec in office.orchestrator([]).parts.toolset.specs} | {SEARCH}
    for options in options_of(entries, office):
        assert options
        assert set(options) <= scope


def options_of(_entries, office):
    """The tools that the planner's decisions could name."""
    for request in office.planner.requests:
        constraint = request.constraint
        if isinstance(constraint, Choice):
            yield constraint.options
        elif isinstance(constraint, JsonSchema) and "anyOf" in constraint.json_schema:
            forms = constraint.json_schema["anyOf"]
            if all("tool" in form["properties"] for form in forms):
                yield [form["properties"]["tool"]["enum"][0] for form in forms]


def decisions(office):
    return [r for r in office.planner.requests if isinstance(r.constraint, Choice)]


async def test_far_examples_stand_before_the_goal_and_nowhere_else():
    office, entries = await run_with(examples="far")
    for request in office.planner.requests:
        places = [
            n for n, m in enumerate(request.messages) if m.content.startswith("Example. Step ")
        ]
        goal = next(
            n for n, m in enumerate(request.messages) if m.content.startswith("Goal: Rename the")
        )
        assert len(places) >= 4
        assert max(places) < goal
    assert all(event.distance > 300 for event in events(entries, ToolsDisclosed))


async def test_without_examples_there_are_none_and_the_shortlist_is_the_same():
    _, near = await run_with()
    office, none = await run_with(examples="none")
    said = [m.content for r in office.planner.requests for m in r.messages]
    assert not [content for content in said if content.startswith("Example. Step ")]
    assert [e.candidates for e in events(none, ToolsDisclosed)] == [
        e.candidates for e in events(near, ToolsDisclosed)
    ]


async def test_plan_examples_are_counted():
    office, _ = await run_with(plan_examples=1)
    goals = [m for m in office.planner.requests[0].messages if m.content.startswith("Goal: ")]
    assert len(goals) == 2


async def test_a_decision_in_one_reply_takes_one_call_a_step():
    office, entries = await run_with(stages=1)
    assert len(office.planner.requests) == 5
    assert [e.proposal.margin for e in events(entries, CallProposed)] == [None] * 4
    [example, answer, asked] = office.planner.requests[1].messages[-3:]
    assert example.content.endswith(asked.content.splitlines()[-1])
    assert json.loads(answer.content)["tool"] == LIST


async def test_a_decision_in_one_reply_can_search():
    script = [
        plan(step("s1", "list the files on the Desktop", "filesystem")),
        {"tool": SEARCH, "arguments": {"query": "list a folder"}},
        {"tool": LIST, "arguments": {"path": "$folder.Desktop"}},
    ]
    office, entries = await run_with(script, stages=1)
    assert entries[-1].event.status == "completed", entries[-1].event.error
    assert len(office.planner.requests) == 3


async def test_arguments_of_a_decision_in_one_reply_are_repaired_by_themselves():
    """What the schema lets through: every image of the fan-out would get the same call."""
    tags = tool(
        "filesystem.tag_files",
        "Tag the files of a folder whose name matches a pattern.",
        lambda **_: {"done": True},
        effect="local_write",
        folder="string",
        pattern="string",
    )
    made = plan(
        step("s1", "list the files on the Desktop", "filesystem"),
        step("s2", "tag files named like each one", "filesystem", "s1"),
    )
    script = [
        made,
        {"tool": LIST, "arguments": {"path": "$folder.Desktop"}},
        {"tool": tags[0].id, "arguments": {"folder": "$folder.Desktop", "pattern": "*"}},
        {"folder": "$folder.Desktop", "pattern": "$s1.name"},
    ]
    office, _ = await run_with(script, Office(images=screenshots(), more=[tags]), stages=1)
    asked = office.planner.requests[3].messages[-1].content
    assert asked.startswith("These arguments do not fit: ")


async def test_without_references_paths_are_offered_as_they_are():
    office, _ = await run_with(references=False)
    asked = next(
        r for r in office.planner.requests if r.messages[-1].content.startswith("Arguments of")
    )
    assert f"Values: {DESKTOP}" in asked.messages[-1].content
    assert asked.constraint.json_schema["properties"]["path"] == {"enum": [DESKTOP]}
    assert "$folder." not in "".join(m.content for m in asked.messages[-6:])


async def test_without_references_content_is_still_not_read():
    office, entries = await run_with(references=False)
    said = "".join(m.content for r in office.planner.requests for m in r.messages)
    assert entries[-1].event.status == "completed"
    assert "more words" not in said
    assert "Flight Lisbon" not in said


async def test_a_steps_own_transcript_is_short_and_only_ever_extended():
    office, entries = await run_with(transcript="step")
    own = [r for r in office.planner.requests if r.slot == "planner-step"]
    assert len(own) == 8
    for first, second in zip(own[::2], own[1::2], strict=True):
        assert second.messages[: len(first.messages)] == first.messages
        assert first.messages[0] == own[0].messages[0]
        assert "Namespaces:" not in first.messages[0].content
    counts = [sum(tokens(m.content) for m in second.messages) for second in own[1::2]]
    assert max(counts) < 1100
    kept = [e for e in events(entries, ModelCalled) if e.role == "planner" and e.keep]
    assert [e.purpose for e in kept] == ["plan"]


async def test_a_steps_own_transcript_goes_on_through_a_search():
    script = [
        plan(step("s1", "list the files on the Desktop", "filesystem")),
        SEARCH,
        {"query": "list a folder"},
        LIST,
        {"path": "$folder.Desktop"},
    ]
    office, entries = await run_with(script, transcript="step")
    assert entries[-1].event.status == "completed", entries[-1].event.error
    own = [r.messages for r in office.planner.requests if r.slot == "planner-step"]
    for before, after in itertools.pairwise(own):
        assert after[: len(before)] == before


async def test_a_run_that_died_in_the_middle_of_a_step_goes_on_in_that_steps_transcript():
    office = Office(images=screenshots())
    office.profile = PROFILE.model_copy(update={"transcript": "step"})
    planner = itertools.repeat(Versatile())
    stream = office.orchestrator(planner).stream(office.request(), run_id="r1")
    async for entry in stream:
        event = entry.event
        if isinstance(event, ModelCalled) and (event.step, event.purpose) == ("s2", "choose"):
            break
    before = office.planner.requests[-1].messages
    await stream.aclose()
    entries = await entries_of(office.orchestrator(planner).resume("r1", approve="yes"))
    assert entries[-1].event.status == "completed", entries[-1].event.error
    first = office.planner.requests[0]
    assert first.slot == "planner-step"
    assert first.messages[: len(before)] == before


async def test_no_filter_offers_more_tools_than_a_shortlist_can_hold():
    more = [tool(f"library.read_part_{n}", f"Read part {n} of a book.", dict) for n in range(20)]
    office, _ = await run_with(
        office=Office(images=screenshots(), more=more), shortlist_k=None, gate=False
    )
    scope = {spec.id for spec in office.orchestrator([]).parts.toolset.specs}
    assert len(scope) > 20
    office, _ = await run_with(
        office=Office(images=screenshots(), more=more), shortlist_k=None, gate=False
    )
    for request in decisions(office):
        assert set(request.constraint.options) == scope | {SEARCH}


async def test_no_filter_behind_the_gate_offers_what_the_plan_allows():
    office, _ = await run_with(shortlist_k=None)
    specs = office.orchestrator([]).parts.toolset.specs
    office, _ = await run_with(shortlist_k=None)
    for request, namespace in zip(
        decisions(office), ["filesystem", "ocr", "text", "filesystem"], strict=True
    ):
        allowed = {s.id for s in specs if s.effect == "read"} | {SEARCH}
        if namespace == "text":
            allowed = {"text.extract", "text.write"}
        if request is decisions(office)[-1]:  # the step that renames
            allowed = {"filesystem.rename_file", SEARCH}
        assert set(request.constraint.options) == allowed


async def test_a_decision_keeps_to_its_steps_namespace_until_one_has_failed():
    office, _ = await run_with(detours="after a failure")
    options = [request.constraint.options for request in decisions(office)]
    namespaces = [{tool.partition(".")[0] for tool in each} for each in options]
    assert namespaces == [{"filesystem"}, {"ocr"}, {"text"}, {"filesystem"}]


async def test_after_a_failure_a_decision_may_leave_its_namespace():
    script = [SCREENSHOT_PLAN, LIST, {"path": "nowhere"}, LIST, {"path": "$folder.Desktop"}]
    office, entries = await run_with(script, detours="after a failure", repairs=0)
    first, second = (request.constraint.options for request in decisions(office)[:2])
    assert events(entries, DecisionFailed)
    assert SEARCH not in first + second
    assert {tool.partition(".")[0] for tool in second} > {"filesystem"}


class Torn(Versatile):
    """Chooses right, and is never sure of it."""

    def __call__(self, request):
        said = super().__call__(request)
        return Said(said, margin=0.01) if isinstance(request.constraint, Choice) else said


@pytest.mark.parametrize(("limit", "codes"), [(0.0, set()), (0.05, {"unsure"})])
async def test_an_unclear_choice_is_no_decision_where_the_profile_says_so(limit, codes):
    script = itertools.repeat(Torn())
    _, entries = await run_with(script, abstain_margin=limit)
    assert {event.code for event in events(entries, DecisionFailed)} == codes
    assert (entries[-1].event.status == "completed") is not bool(codes)
    asked = [event for event in events(entries, ModelCalled) if event.purpose == "choose"]
    assert [event.margin for event in asked] == [0.01] * len(asked)


async def test_an_unsure_choice_falls_to_the_closest_tool_where_the_profile_says_so():
    lists = plan(step("s1", "the Desktop: list the folder", "filesystem"))
    script = [lists, Said(RENAME, margin=0.01), {"path": "$folder.Desktop"}]
    office, entries = await run_with(script, low_margin=0.05, when_unsure="closest")
    asked = [event for event in events(entries, ModelCalled) if event.purpose == "choose"]
    assert [event.reply for event in asked] == [RENAME]
    assert [call.tool for call in office.desk.calls] == [LIST]


@pytest.mark.parametrize(("margin", "failed"), [(0.2, []), (1.0, [RENAME])])
async def test_a_tool_far_behind_the_closest_one_needs_a_clear_margin(margin, failed):
    lists = plan(step("s1", "the Desktop: list the folder", "filesystem"))
    script = [lists, Said(RENAME, margin=margin), {"path": "$folder.Desktop"}]
    _, entries = await run_with(script, low_margin=0.05, when_unsure="closest", repairs=0)
    assert [event.tool for event in events(entries, DecisionFailed)][:1] == failed


async def test_repairs_can_be_turned_off():
    wrong = {"path": "$s1.nothing"}
    script = [
        SCREENSHOT_PLAN,
        *SCREENSHOT_ACTS["s1"],
        READ,
        wrong,
    ]
    office, entries = await run_with(script, repairs=0)
    assert len(events(entries, DecisionFailed)) == 1
    assert not [r for r in office.planner.requests if "do not fit" in r.messages[-1].content]


async def test_an_example_is_made_from_the_schema_where_none_is_written():
    board = tool("board.add_note", "Add a note to it.", lambda text: {"id": 1}, text="string")
    script = [plan(step("s1", "add a note", "board")), "board.add_note", {"text": "hello"}]
    office, entries = await run_with(script, Office(more=[board]), generated_examples=True)
    [shown] = events(entries, ToolsDisclosed)
    assert shown.example.startswith("generated-board.add_note")
    example = next(m for m in decisions(office)[0].messages if m.content.startswith("Example."))
    assert "board.add_note" in example.content
    assert len(events(entries, PlanMade)) == 1


async def test_siblings_are_told_apart_where_they_are_close():
    office, entries = await run_with(contrast=True)
    words = "".join(m.content for r in decisions(office) for m in r.messages)
    near = [
        (a, b)
        for event in events(entries, ToolsDisclosed)
        for a, b in itertools.combinations(event.candidates, 2)
        if split_name(a.tool)[0] == split_name(b.tool)[0] and abs(a.score - b.score) <= 0.1
    ]
    assert bool(near) == ("; not for: " in words)
