"""A new plan is a change of the old one, and a plan that lacks steps is asked for again once."""

import pytest

from orchestrator.core.errors import ToolFailed
from orchestrator.core.events import PlanMade, PlanRefused, StepClosed
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    SCREENSHOT_PLAN,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
    unavailable_tool,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

LISTS = step("s1", "list the files on the Desktop", "filesystem")
RING, PRINT, SCAN = "bell.ring", "printer.print_page", "scanner.scan_page"
BELL = tool(RING, "Ring the bell.", lambda: {"rung": True}, effect="local_write")
RINGS = step("s2", "ring the bell", "bell")
PRINTS = step("s3", "print the page", "printer")
SCANS = step("s4", "scan the page", "scanner")
BROKEN = unavailable_tool(PRINT, ToolFailed("No paper."))
SCANNER = tool(SCAN, "Scan the page.", lambda: {"scanned": 1})


async def replanned(*new_plans):
    """A run whose third step fails until the plan is changed."""
    office = Office(files=[f"{DESKTOP}/a.txt"], more=[BELL, BROKEN, SCANNER])
    script = [
        plan(LISTS, {**RINGS, "only_if": "s1.count > 0"}, PRINTS, SCANS),
        *act(LIST, path="$folder.Desktop"),
        RING,
        *[PRINT] * 3,
        *new_plans,
    ]
    orchestrator = office.orchestrator([*script, SCAN])
    entries = await entries_of(orchestrator.stream(office.request("Ring and print.")))
    return office, entries


async def test_the_model_sees_what_is_left_of_the_old_plan_as_it_wrote_it():
    office, _ = await replanned(plan({**SCANS, "id": "s3"}))
    asked = next(
        request.messages[-1].content
        for request in office.planner.requests
        if request.messages[-1].content.startswith("Plan again")
    )
    assert '{"id":"s3","intent":"print the page","namespace":"printer","over":"","where":""}' in (
        asked
    )
    assert "ring the bell" not in asked
    assert "starting with id s3" in asked


async def test_the_journal_says_what_was_kept_dropped_and_added():
    again = {**PRINTS, "id": "s4", "intent": "scan it twice", "namespace": "scanner"}
    _, entries = await replanned(plan({**SCANS, "id": "s3"}, again))
    first, second = events(entries, PlanMade)
    assert (first.kept, first.dropped, first.added) == ((), (), ())
    assert (second.kept, second.dropped, second.added) == (("s1", "s2"), ("s3",), ("s4",))


async def test_a_write_that_is_done_is_not_planned_again():
    office, entries = await replanned(
        plan({**RINGS, "id": "s3", "intent": "ring the bell to all"}, SCANS),
        plan({**SCANS, "id": "s3"}),
    )
    [refused] = events(entries, PlanRefused)
    assert refused.problems == ("s3 repeats s2, which is done: leave it out.",)
    assert len(office.desk.called(RING)) == 1
    assert entries[-1].event.status == "completed"


GOAL = "Read the text in each screenshot and rename it after what it shows."
ONE_STEP = plan(step("s1", "read and rename the screenshots", "filesystem"))


async def test_a_plan_that_lacks_steps_is_asked_for_again_with_the_reason():
    office = Office(images=screenshots())
    orchestrator = office.orchestrator([ONE_STEP, *screenshot_script()])
    entries = await entries_of(orchestrator.stream(office.request(GOAL)))
    [refused] = events(entries, PlanRefused)
    assert "asks to read and rename, and the plan has 1 step." in refused.problems[0]
    assert entries[-1].event.status == "completed"


async def test_a_second_plan_that_lacks_them_is_taken_as_it_is():
    office = Office(images=screenshots())
    script = [ONE_STEP, ONE_STEP, *act(LIST, path="$folder.Desktop")]
    entries = await entries_of(office.orchestrator(script).stream(office.request(GOAL)))
    assert len(events(entries, PlanRefused)) == 1
    assert [event.status for event in events(entries, StepClosed)] == ["done"]


async def test_a_plan_that_has_its_steps_is_not_asked_for_again():
    office = Office(images=screenshots())
    orchestrator = office.orchestrator(screenshot_script())
    entries = await entries_of(orchestrator.stream(office.request(GOAL)))
    assert not events(entries, PlanRefused)
    assert len(office.desk.called(READ)) == 3
    assert SCREENSHOT_PLAN["steps"][0]["id"] == "s1"
