"""A condition on what was found is looked at by code: its step is carried out or not needed."""

import itertools

import pytest

from orchestrator.core.events import AnswerGiven, PlanMade, ReplanAsked, StepClosed
from orchestrator.core.runs import Budget
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    SEARCH_FILES,
    Office,
    SteadyPlanner,
    Writer,
    act,
    described,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)
from tests.fakes.tools import InMemoryToolset, filesystem, ocr, tool

pytestmark = pytest.mark.anyio

LISTS = step("s1", "list the files on the Desktop", "filesystem")
FINDS = step("s1", "find the pdf files on the Desktop", "filesystem")
READS = step("s2", "read the text in each picture", "ocr", "s1")


RING = "bell.ring"
BELL = tool(RING, "Ring.", lambda times: {"rung": times}, effect="local_write", times="integer")
TOLD = ("list", "read", "ring")


def rings(only_if, step_id="s2"):
    return {**step(step_id, "ring the bell", "bell"), "only_if": only_if}


ACTS = {
    "list": act(LIST, path="$folder.Desktop"),
    "find": act(SEARCH_FILES, path="$folder.Desktop", pattern="*.pdf"),
    "read": act(READ, path="$s1.path"),
    "ring": act(RING, times=1),
}


def bell_office(*files, images=None):
    return Office(files=[f"{DESKTOP}/notes.txt", *files], images=images, more=[BELL])


async def run_with(steps, *acts, images=None, answer="It is done.", **request):
    office = bell_office(images=images)
    script = [plan(*steps), *itertools.chain.from_iterable(ACTS[name] for name in acts)]
    orchestrator = office.orchestrator(script, Writer(answer))
    return office, await entries_of(orchestrator.stream(office.request(**request)))


def closed(entries):
    return [(event.step, event.status, event.why) for event in events(entries, StepClosed)]


async def test_a_step_whose_condition_holds_is_carried_out():
    office, entries = await run_with([LISTS, rings("s1.count > 0")], "list", "ring")
    assert closed(entries) == [("s1", "done", ""), ("s2", "done", "")]
    assert office.desk.called(RING) == [{"times": 1}]


async def test_a_step_whose_condition_does_not_hold_costs_no_model_call_and_completes_the_run():
    office, entries = await run_with([FINDS, rings("s1.count > 0")], "find")
    assert closed(entries) == [("s1", "done", ""), ("s2", "skipped", "condition")]
    assert events(entries, StepClosed)[-1].note == "It was not needed: s1.count > 0 does not hold."
    assert len(office.planner.requests) == 3
    assert entries[-1].event.status == "completed"


async def test_the_answer_may_say_that_it_was_not_needed_but_not_that_it_was_done():
    _, entries = await run_with([FINDS, rings("s1.count > 0")], "find", answer="The bell did ring.")
    [answer] = events(entries, AnswerGiven)
    assert "It was not needed" in answer.text
    assert answer.refused == ("The bell did ring.",)


@pytest.mark.parametrize("only_if", ["s1.count is 0", "s1.count==0", "$s1.count < 1"])
async def test_finding_nothing_may_be_the_condition(only_if):
    office, _ = await run_with([FINDS, rings(only_if)], "find", "ring")
    assert office.desk.called(RING) == [{"times": 1}]


@pytest.mark.parametrize(
    ("only_if", "needed"),
    [
        ("s2.text contains invoice", True),
        ("s2.text contains banana", False),
        ("s2.count > 1 and s2.text contains invoice", True),
        ("s2.count > 9 and s2.text contains invoice", False),
        ("s1.name is notes.txt", True),
        ("s1.size > 10", False),
    ],
)
async def test_a_field_counts_when_it_does_for_any_item(only_if, needed):
    reads = {**READS, "where": "name contains screenshot"}
    images = {f"{DESKTOP}/screenshot {n}.png": text for n, text in enumerate(["Invoice", "Shop"])}
    acts = ["list", "read", *(["ring"] if needed else [])]
    _, entries = await run_with([LISTS, reads, rings(only_if, "s3")], *acts, images=images)
    assert closed(entries)[-1][1] == ("done" if needed else "skipped")
    assert entries[-1].event.status == "completed"


async def test_what_goes_over_a_step_that_was_not_needed_or_depends_on_it_is_not_either():
    steps = [
        FINDS,
        {**step("s2", "list the folder", "filesystem"), "only_if": "s1.count > 0"},
        step("s3", "read each picture", "ocr", "s2"),
        rings("s2.count is 0", "s4"),
    ]
    _, entries = await run_with(steps, "find")
    assert [status for _, status, _ in closed(entries)] == ["done", *["skipped"] * 3]
    assert {why for _, _, why in closed(entries)[1:]} == {"condition"}
    assert entries[-1].event.status == "completed"


async def test_a_step_that_had_nothing_to_go_over_found_nothing():
    steps = [FINDS, READS, rings("s2.count is 0", "s3")]
    office, entries = await run_with(steps, "find", "ring")
    assert closed(entries)[1:] == [("s2", "skipped", "no_items"), ("s3", "done", "")]
    assert office.desk.called(RING) == [{"times": 1}]


async def test_a_plan_that_thinks_of_finding_nothing_is_not_made_again():
    reads = {**READS, "where": "name contains banana"}
    _, entries = await run_with([LISTS, reads, rings("s2.count > 0", "s3")], "list")
    assert not events(entries, ReplanAsked)
    assert closed(entries)[1:] == [("s2", "skipped", "no_items"), ("s3", "skipped", "condition")]
    assert entries[-1].event.status == "completed"


async def test_a_step_whose_condition_looks_at_a_failed_one_fails_too():
    steps = [LISTS, {**READS, "where": "colour is red"}, rings("s2.count > 0", "s3")]
    _, entries = await run_with(steps, "list", budget=Budget(replans=0))
    assert [status for _, status, _ in closed(entries)] == ["done", "failed", "failed"]
    assert "has a condition on, was failed" in events(entries, StepClosed)[-1].note
    assert entries[-1].event.status == "incomplete"


async def test_a_field_that_nothing_found_has_is_named_and_planned_anew():
    office = bell_office()
    script = [
        plan(LISTS, rings("s1.colour is red")),
        *ACTS["list"],
        plan(rings("s1.name is notes.txt")),
        *ACTS["ring"],
    ]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    [asked] = events(entries, ReplanAsked)
    assert "'colour'" in asked.reason
    assert "count, entries, name, path, size" in asked.reason
    assert entries[-1].event.status == "completed"


async def test_a_condition_on_no_earlier_step_is_mended_once():
    office = bell_office()
    script = [plan(LISTS, rings("s7.count > 0")), plan(LISTS, rings("s1.count > 5"))]
    orchestrator = office.orchestrator([*script, *ACTS["list"]])
    entries = await entries_of(orchestrator.stream(office.request()))
    assert len(events(entries, PlanMade)) == 1
    assert "'s7', which is no earlier step" in office.planner.requests[1].messages[-1].content
    assert entries[-1].event.status == "completed"


async def test_what_was_not_needed_is_looked_at_again_when_its_source_is_made_whole():
    steps = plan(
        LISTS,
        {**READS, "where": "name ends with png"},
        {**rings("s2.text contains invoice"), "id": "s3"},
    )
    planner = [SteadyPlanner(steps, {f"s{n}": ACTS[name] for n, name in enumerate(TOLD, 1)})] * 9
    office = bell_office(f"{DESKTOP}/new.png", images=screenshots(1))
    first = await entries_of(office.orchestrator(planner).stream(office.request()))
    assert first[-1].event.status == "incomplete"
    assert closed(first)[-1] == ("s3", "skipped", "condition")
    texts = {**screenshots(1), f"{DESKTOP}/new.png": "Invoice 7"}
    pairs = (*filesystem(office.files), *ocr(texts), BELL)
    mended = InMemoryToolset([described(pair) for pair in pairs])
    again = office.orchestrator(planner, toolset=mended)
    more = await entries_of(again.resume(first[0].run_id, approve="yes"))
    assert closed(more) == [("s2", "done", ""), ("s3", "done", "")]
