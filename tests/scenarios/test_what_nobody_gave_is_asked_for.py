"""A title, a name or an address that nobody gave is not invented: the person is asked for it."""

import pytest

from orchestrator.core.events import DecisionFailed, RunEnded
from tests.fakes.office import PROFILE, Office, entries_of, events, plan, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

CREATE = "task.create_task"
PLANNED = plan(step("s1", "create a new task", "task"))
GROCERIES, PLANTS = {"title": "Buy groceries"}, {"title": "Water the plants"}


def office(**fields):
    made = Office(
        more=[
            tool(CREATE, "Create a task.", lambda title: {}, effect="local_write", title="string")
        ]
    )
    made.profile = PROFILE.model_copy(update={"literals": "from the goal", **fields})
    return made


async def carried(made, script, goal="Create a new task for me."):
    return await entries_of(made.orchestrator(script).stream(made.request(goal=goal)))


async def test_the_person_is_asked_and_the_answer_is_used():
    made = office()
    entries = await carried(made, [PLANNED, CREATE, GROCERIES, GROCERIES])
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("needs_input", "needs_input")
    assert ended.error == "What is the title to be? (create a new task)"
    assert [event.code for event in events(entries, DecisionFailed)] == ["missing_value"]
    again = made.orchestrator([PLANNED, CREATE, PLANTS])
    more = await entries_of(
        again.resume(entries[0].run_id, answer="Water the plants.", approve="yes")
    )
    assert more[-1].event.status == "completed"
    assert made.desk.called(CREATE) == [PLANTS]


async def test_once_asked_the_person_is_not_asked_again_and_nothing_is_invented():
    made = office(repairs=0)
    entries = await carried(made, [PLANNED, CREATE, GROCERIES])
    again = made.orchestrator(
        [PLANNED, *[CREATE, GROCERIES] * 9, PLANNED, *[CREATE, GROCERIES] * 9]
    )
    more = await entries_of(again.resume(entries[0].run_id, answer="You know it."))
    assert [event.status for event in events(more, RunEnded)] != ["needs_input"]
    assert not made.desk.called(CREATE)


async def test_what_the_goal_gives_is_taken():
    made = office()
    goal = "Create the task Water the plants."
    entries = await carried(made, [PLANNED, CREATE, PLANTS], goal)
    assert not events(entries, DecisionFailed)


async def test_a_profile_may_let_it_be_invented():
    made = office(literals="free")
    entries = await carried(made, [PLANNED, CREATE, GROCERIES])
    assert not events(entries, DecisionFailed)
