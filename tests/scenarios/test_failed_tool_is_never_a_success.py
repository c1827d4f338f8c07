"""What a tool failed to do is missing from the result, and the run says so."""

import pytest

from orchestrator.core.errors import ToolFailed
from orchestrator.core.events import AnswerGiven, CallSettled, DecisionFailed, PlanMade, StepClosed
from orchestrator.core.runs import Budget
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    RENAME,
    SCREENSHOT_ACTS,
    SCREENSHOT_PLAN,
    Office,
    Writer,
    act,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
    unavailable_tool,
)

pytestmark = pytest.mark.anyio

DAMAGED = f"{DESKTOP}/screenshot damaged.png"


async def partly_done(answer="It is done."):
    office = Office(images=screenshots(), files=[DAMAGED])
    orchestrator = office.orchestrator(screenshot_script(), Writer(answer))
    return office, await entries_of(orchestrator.stream(office.request()))


async def test_the_other_items_go_on_and_the_run_is_incomplete():
    office, entries = await partly_done()
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("incomplete", "incomplete")
    assert "1 of 4 failed" in ended.error
    assert "screenshot damaged.png is not an image" in ended.error
    assert len(office.desk.called(RENAME)) == 3
    assert "screenshot damaged.png" in office.names


async def test_the_failed_call_is_settled_as_failed():
    _, entries = await partly_done()
    failed = [event for event in events(entries, CallSettled) if not event.outcome.ok]
    assert [(event.tool, event.outcome.code) for event in failed] == [(READ, "tool_failed")]


async def test_later_steps_never_meet_the_item_that_failed():
    office, _ = await partly_done()
    assert DAMAGED not in {call["path"] for call in office.desk.called(RENAME)}
    facts = office.synthesizer.requests[-1].messages[0].content
    assert "done for 3 of 4" in facts


async def test_a_tool_that_always_fails_is_called_once_alike_and_then_the_plan_changes():
    broken = unavailable_tool(READ, ToolFailed("The engine is missing."), path="string")
    office = Office(images=screenshots(), more=[broken])
    again = step("s2", "read the names instead", "filesystem", "s1")
    script = [
        SCREENSHOT_PLAN,
        *act(LIST, path="$folder.Desktop"),
        *SCREENSHOT_ACTS["s2"] * 2,
        READ,
        plan(again),
        *act(RENAME, path="$s1.path", new_name="$s1.name"),
    ]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    failed = events(entries, DecisionFailed)
    assert failed[0].code == "tool_failed"
    assert READ in failed[0].reason
    assert len(office.desk.called(READ)) == len(screenshots())
    assert len(events(entries, PlanMade)) == 2


async def test_with_no_new_plan_left_the_step_fails_and_what_depends_on_it_too():
    broken = unavailable_tool(READ, ToolFailed("The engine is missing."), path="string")
    office = Office(images=screenshots(), more=[broken])
    script = [
        SCREENSHOT_PLAN,
        *act(LIST, path="$folder.Desktop"),
        *SCREENSHOT_ACTS["s2"] * 3,
    ]
    request = office.request(budget=Budget(replans=0))
    orchestrator = office.orchestrator(script, Writer("All screenshots were renamed."))
    entries = await entries_of(orchestrator.stream(request))
    assert [e.status for e in events(entries, StepClosed)] == ["done", *["failed"] * 3]
    assert entries[-1].event.status == "incomplete"
    [answer] = events(entries, AnswerGiven)
    assert answer.by == "journal"
    assert "renamed" not in answer.text


@pytest.mark.parametrize("count", [1, 3])
async def test_after_three_equal_errors_another_tool_may_still_do_it(count):
    """Three failures bring a new plan; its first call is a new one and must not be a stop."""
    broken = unavailable_tool("ocr.read_fast", ToolFailed("The engine is missing."), path="string")
    office = Office(images=screenshots(count), more=[broken])
    script = [
        plan(
            step("s1", "list the files on the Desktop", "filesystem"),
            step("s2", "read the text fast in each screenshot", "ocr", "s1"),
        ),
        *act(LIST, path="$folder.Desktop"),
        *act("ocr.read_fast", path="$s1.path") * 3,
        plan(step("s2", "read the text in each screenshot", "ocr", "s1")),
        *SCREENSHOT_ACTS["s2"],
    ]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    assert entries[-1].event.status == "completed", entries[-1].event.error
