"""A plan that cannot be carried out is mended by its author, or ends the run by name."""

import pytest

from orchestrator.core.events import PlanMade, PlanRefused
from tests.fakes.office import (
    SCREENSHOT_PLAN,
    Office,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio

LISTS = step("s1", "list the files on the Desktop", "filesystem")
ELSEWHERE = plan(LISTS, step("s2", "read the text", "tesseract", "s1"))
BACKWARDS = plan(step("s1", "read the text", "ocr", "s2"), {**LISTS, "id": "s2"})
TWICE = plan(LISTS, {**LISTS, "intent": "list them again"})
ITSELF = plan({**LISTS, "over": "s1"})
GARBLED = plan(LISTS, step("s2", "read the text", "ocr", "s1", "the red ones"))


async def run_with(*script):
    office = Office(images=screenshots())
    return office, await entries_of(office.orchestrator([*script]).stream(office.request()))


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (BACKWARDS, "s1 goes over 's2', which is no earlier step."),
        (TWICE, "s1 is there twice."),
        (ITSELF, "s1 goes over"),
        (GARBLED, "'the red ones' is not a condition."),
        (plan(step("s1", "write a title", "text")), "s1 needs a step before it"),
    ],
)
async def test_the_planner_is_told_what_is_wrong_and_mends_it(bad, named):
    office, entries = await run_with(bad, *screenshot_script())
    [refused] = events(entries, PlanRefused)
    assert any(named in problem for problem in refused.problems)
    assert named in office.planner.requests[1].messages[-1].content
    assert entries[-1].event.status == "completed"


async def test_an_unknown_namespace_is_named_and_mended():
    office, entries = await run_with(ELSEWHERE, *screenshot_script())
    assert "tesseract" in office.planner.requests[1].messages[-1].content
    assert entries[-1].event.status == "completed"


async def test_an_unknown_namespace_never_becomes_a_plan():
    office, entries = await run_with(ELSEWHERE)
    ended = entries[-1].event
    assert not events(entries, PlanMade)
    assert ended.status == "failed"
    assert "tesseract" in ended.error
    assert office.desk.calls == []


async def test_three_bad_plans_end_the_run_with_what_was_wrong():
    office, entries = await run_with(BACKWARDS, TWICE, ITSELF)
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("failed", "invalid_plan")
    assert "s1 goes over" in ended.error
    assert len(events(entries, PlanRefused)) == 3
    assert office.desk.calls == []


async def test_a_resume_plans_anew_and_finishes():
    office, entries = await run_with(BACKWARDS, TWICE, ITSELF)
    again = office.orchestrator([SCREENSHOT_PLAN, *screenshot_script()[1:]])
    more = await entries_of(again.resume(entries[0].run_id, approve="yes"))
    assert more[-1].event.status == "completed"


async def test_a_resume_tells_the_planner_what_was_wrong():
    office, entries = await run_with(BACKWARDS, TWICE, ITSELF)
    again = office.orchestrator(screenshot_script())
    await entries_of(again.resume(entries[0].run_id, approve="yes"))
    asked = office.planner.requests[0].messages[-1].content
    assert "s1 goes over" in asked
