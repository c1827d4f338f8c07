"""A run whose steps are all done goes on while a part of its goal is nobody's step.

A small model listed the tasks that were to be ticked off and told that they were ticked off.
"""

import pytest

from orchestrator.core.events import AnswerGiven, ReplanAsked
from orchestrator.core.runs import Budget
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


async def carried(goal, *script, **limits):
    def create(title):
        return {"title": title}

    adds = tool(ADD, "Create a task.", create, effect="local_write", title="string")
    office = Office(files=[f"{DESKTOP}/a.txt"], more=[adds], profile=READING)
    request = office.request(goal, budget=Budget(**limits))
    return office, await entries_of(office.orchestrator(script).stream(request))


async def test_what_two_plans_leave_out_is_planned_all_the_same():
    # The same plan again: asked for what is missing, a small model writes what it wrote.
    office, entries = await carried(PLAIN, plan(LISTS), plan(LISTS), *LISTED, *ADDED)
    assert office.desk.called(ADD) == [{"title": "Tidy up"}]
    assert entries[-1].event.status == "completed"


async def test_what_no_plan_decided_is_asked_for_before_the_run_ends():
    adds = step("s2", "add the task “Tidy up”", "task")
    script = [plan(LISTS), plan(LISTS), *LISTED, plan(adds), *ADDED]
    office, entries = await carried(UNDER_A_CONDITION, *script)
    asked = events(entries, ReplanAsked)
    assert "If there are any" in asked[0].reason
    assert office.desk.called(ADD) == [{"title": "Tidy up"}]
    assert entries[-1].event.status == "completed"


async def test_where_there_may_be_no_new_plan_the_run_says_what_it_did_not_do():
    script = [plan(LISTS), plan(LISTS), *LISTED]
    office, entries = await carried(UNDER_A_CONDITION, *script, replans=0)
    assert not office.desk.called(ADD)
    assert (
        'Not done: If there are any, add the task "Tidy up".'
        in events(entries, AnswerGiven)[0].text
    )
    assert entries[-1].event.status == "incomplete"
    assert entries[-1].event.code == "incomplete"
