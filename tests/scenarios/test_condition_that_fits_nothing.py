"""A 'where' that no item fits is worth one new plan; after that it is an answer."""

import pytest

from orchestrator.core.events import PlanMade, ReplanAsked, StepClosed
from tests.fakes.office import (
    LIST,
    READ,
    SCREENSHOT_ACTS,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio

LISTS = step("s1", "list the files on the Desktop", "filesystem")


def reads(where, step_id="s2"):
    return step(step_id, "read the text in each picture", "ocr", "s1", where)


async def run_with(*script, **request):
    office = Office(images=screenshots())
    orchestrator = office.orchestrator([*script])
    return office, await entries_of(orchestrator.stream(office.request(**request)))


async def test_a_better_condition_carries_the_run_on():
    office, entries = await run_with(
        plan(LISTS, reads("name contains banana")),
        *act(LIST, path="$folder.Desktop"),
        plan(reads("name contains screenshot")),
        *SCREENSHOT_ACTS["s2"],
    )
    [asked] = events(entries, ReplanAsked)
    assert "fits none of 3 items" in asked.reason
    assert [made.kept for made in events(entries, PlanMade)] == [(), ("s1",)]
    assert len(office.desk.called(READ)) == 3
    assert entries[-1].event.status == "completed"


async def test_the_listing_is_kept_and_not_made_again():
    office, _ = await run_with(
        plan(LISTS, reads("name contains banana")),
        *act(LIST, path="$folder.Desktop"),
        plan(reads("name contains screenshot")),
        *SCREENSHOT_ACTS["s2"],
    )
    assert len(office.desk.called(LIST)) == 1


async def test_a_second_condition_that_fits_nothing_is_told_as_not_done():
    _, entries = await run_with(
        plan(LISTS, reads("name contains banana")),
        *act(LIST, path="$folder.Desktop"),
        plan(reads("name contains cherry")),
    )
    closed = events(entries, StepClosed)[-1]
    assert closed.status == "failed"
    assert closed.note == "None of 3 items has name contains cherry."
    assert entries[-1].event.status == "incomplete"


async def test_a_field_that_no_item_has_is_named_with_those_they_have():
    _, entries = await run_with(
        plan(LISTS, reads("colour is red")),
        *act(LIST, path="$folder.Desktop"),
        plan(reads("name ends with png")),
        *SCREENSHOT_ACTS["s2"],
    )
    [asked] = events(entries, ReplanAsked)
    assert "'colour'" in asked.reason
    assert "name, path, size" in asked.reason
    assert entries[-1].event.status == "completed"


async def test_without_a_replan_left_a_missing_field_fails_the_step_and_the_run_says_so():
    office = Office(images=screenshots())
    script = [plan(LISTS, reads("colour is red")), *act(LIST, path="$folder.Desktop")]
    budget = office.request().budget.model_copy(update={"replans": 0})
    entries = await entries_of(office.orchestrator(script).stream(office.request(budget=budget)))
    assert events(entries, StepClosed)[-1].status == "failed"
    assert entries[-1].event.status == "incomplete"
    assert "colour" in entries[-1].event.error


async def test_without_a_replan_left_a_condition_that_fits_nothing_is_told_too():
    office = Office(images=screenshots())
    script = [
        plan(LISTS, reads("name contains banana")),
        *act(LIST, path="$folder.Desktop"),
        plan(reads("name contains banana")),
    ]
    budget = office.request().budget.model_copy(update={"replans": 0})
    entries = await entries_of(office.orchestrator(script).stream(office.request(budget=budget)))
    assert not events(entries, ReplanAsked)
    assert entries[-1].event.status == "incomplete"
