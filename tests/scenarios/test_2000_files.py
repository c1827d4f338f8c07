"""Two thousand files in the folder: the planner's prompts stay small and nothing is lost."""

import pytest

from orchestrator.core.runs import Budget
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    SCREENSHOT_ACTS,
    Office,
    act,
    entries_of,
    plan,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio

MANY = 2000


async def run_over(images, *steps, files=(), **limits):
    office = Office(images=images, files=files)
    script = [plan(*steps), *act(LIST, path="$folder.Desktop"), *SCREENSHOT_ACTS["s2"]]
    request = office.request(budget=Budget(**limits))
    return office, await entries_of(office.orchestrator(script).stream(request))


LISTS = step("s1", "list the files on the Desktop", "filesystem")


async def test_every_one_of_them_is_read_once():
    images = {f"{DESKTOP}/screenshot {n}.png": f"text {n}" for n in range(MANY)}
    office, entries = await run_over(images, LISTS, step("s2", "read each picture", "ocr", "s1"))
    assert entries[-1].event.status == "completed"
    assert sorted(call["path"] for call in office.desk.called(READ)) == sorted(images)


async def test_a_condition_picks_the_few_that_matter_out_of_them():
    others = [f"{DESKTOP}/file {n}.txt" for n in range(MANY)]
    office, entries = await run_over(
        screenshots(3),
        LISTS,
        step("s2", "read each screenshot", "ocr", "s1", "name contains screenshot"),
        files=others,
    )
    assert entries[-1].event.status == "completed"
    assert len(office.desk.called(READ)) == 3


async def test_the_planner_never_sees_the_list():
    others = [f"{DESKTOP}/file {n}.txt" for n in range(MANY)]
    office, _ = await run_over(
        screenshots(3),
        LISTS,
        step("s2", "read each screenshot", "ocr", "s1", "name contains screenshot"),
        files=others,
    )
    longest = max(sum(len(m.content) for m in r.messages) for r in office.planner.requests)
    assert longest < 9_000
    assert "file 17.txt" not in str(office.planner.requests)
    assert "2003 x {" in str(office.planner.requests)


async def test_a_fan_out_beyond_the_budget_is_refused_before_its_first_call():
    images = {f"{DESKTOP}/screenshot {n}.png": f"text {n}" for n in range(MANY)}
    office, entries = await run_over(
        images, LISTS, step("s2", "read each picture", "ocr", "s1"), tool_calls=500
    )
    assert entries[-1].event.code == "budget_exceeded"
    assert office.desk.called(READ) == []
