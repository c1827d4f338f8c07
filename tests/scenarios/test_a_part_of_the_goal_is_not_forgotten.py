"""A run whose steps are all done is not completed while a part of its goal is nobody's step.

A small model listed the tasks that were to be ticked off and told that they were ticked off.
"""

import pytest

from orchestrator.core.events import AnswerGiven, PlanRefused
from tests.fakes.office import DESKTOP, LIST, PROFILE, Office, act, entries_of, events, plan, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

READING = PROFILE.model_copy(update={"mends_plans": True})
ADD = "task.create_task"
PLAIN = 'List the files on the Desktop and add the task "Tidy up".'
UNDER_A_CONDITION = 'List the files on the Desktop. If there are any, add the task "Tidy up".'
LISTS = step("s1", "list the files on the Desktop", "filesystem")
LISTED = act(LIST, path="$folder.Desktop")
ADDED = act(ADD, title="Tidy up")


async def carried(goal, *script):
    def create(title):
        return {"title": title}

    adds = tool(ADD, "Create a task.", create, effect="local_write", title="string")
    office = Office(files=[f"{DESKTOP}/a.txt"], more=[adds], profile=READING)
    return office, await entries_of(office.orchestrator(script).stream(office.request(goal)))


async def test_what_two_plans_leave_out_is_planned_all_the_same():
    # The same plan again: asked for what is missing, a small model writes what it wrote.
    office, entries = await carried(PLAIN, plan(LISTS), plan(LISTS), *LISTED, *ADDED)
    assert office.desk.called(ADD) == [{"title": "Tidy up"}]
    assert entries[-1].event.status == "completed"


async def test_what_a_condition_is_on_is_planned_or_objected_to():
    adds = {**step("s2", "add the task “Tidy up”", "task"), "only_if": "s1.count > 0"}
    script = [plan(LISTS), plan(LISTS, adds), *LISTED, *ADDED]
    office, entries = await carried(UNDER_A_CONDITION, *script)
    assert "If there are any" in events(entries, PlanRefused)[0].problems[0]
    assert office.desk.called(ADD) == [{"title": "Tidy up"}]
    assert entries[-1].event.status == "completed"


async def test_what_no_plan_decides_is_not_done_without_its_condition_and_told():
    script = [plan(LISTS), plan(LISTS), *LISTED]
    office, entries = await carried(UNDER_A_CONDITION, *script)
    assert not office.desk.called(ADD)
    assert (
        'Not done: If there are any, add the task "Tidy up".'
        in events(entries, AnswerGiven)[0].text
    )
    assert entries[-1].event.status == "incomplete"
    assert entries[-1].event.code == "incomplete"
