"""The tools that are closest to a goal stand beside it, in the worked plans as in the real one."""

import pytest

from tests.fakes.office import LIST, PROFILE, READ, RENAME, Office, entries_of, screenshots

pytestmark = pytest.mark.anyio

BESIDE = "\nTools close to it: "


async def asked_for_a_plan(**changes):
    office = Office(images=screenshots(), profile=PROFILE.model_copy(update=changes))
    await entries_of(office.orchestrator().stream(office.request()))
    return [m.content for m in office.planner.requests[0].messages if m.role == "user"]


async def test_the_closest_are_named_as_many_as_the_profile_says():
    *worked, goal = await asked_for_a_plan(plan_tools=3)
    named = goal.partition(BESIDE)[2].split(", ")
    assert len(named) == 3
    assert RENAME in named
    assert worked


async def test_a_worked_plan_names_the_tools_that_it_uses():
    *worked, _ = await asked_for_a_plan(plan_tools=4)
    named = [set(content.partition(BESIDE)[2].split(", ")) for content in worked]
    assert [each for each in named if {LIST, READ, RENAME} <= each]
    assert {len(each) for each in named} == {4}


async def test_without_any_nothing_stands_beside_a_goal():
    assert not [content for content in await asked_for_a_plan() if BESIDE in content]
