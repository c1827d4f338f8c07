"""A planner that asks the person although the tools could tell is sent back to them, once."""

import pytest

from orchestrator.core.events import PlanMade, PlanRefused, QuestionAnswered
from tests.fakes.office import (
    Office,
    entries_of,
    events,
    screenshot_script,
    screenshots,
)

pytestmark = pytest.mark.anyio

ASKS = {"question": "Which files do you mean?"}


async def test_the_first_question_is_sent_back_and_the_run_goes_on():
    office = Office(images=screenshots())
    script = [ASKS, *screenshot_script()]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    [refused] = events(entries, PlanRefused)
    assert refused.deflection
    assert len(events(entries, PlanMade)) == 1
    assert entries[-1].event.status == "completed"
    assert "use the tools" in office.planner.requests[1].messages[-1].content


async def test_a_second_question_is_put_to_the_person_and_the_run_rests():
    office = Office(images=screenshots())
    entries = await entries_of(office.orchestrator([ASKS, ASKS]).stream(office.request()))
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("needs_input", "needs_input")
    assert ended.error == "Which files do you mean?"
    assert office.desk.calls == []


async def test_the_answer_to_the_question_becomes_a_plan():
    office = Office(images=screenshots())
    first = await entries_of(office.orchestrator([ASKS, ASKS]).stream(office.request()))
    again = office.orchestrator(screenshot_script())
    entries = await entries_of(
        again.resume(first[0].run_id, approve="yes", answer="The screenshots.")
    )
    assert events(entries, QuestionAnswered)
    assert "The screenshots." in office.planner.requests[0].messages[-1].content
    assert entries[-1].event.status == "completed"
    assert not [name for name in office.names if name.startswith("screenshot")]


async def test_a_resume_without_an_answer_puts_the_question_again():
    office = Office(images=screenshots())
    first = await entries_of(office.orchestrator([ASKS, ASKS]).stream(office.request()))
    entries = await entries_of(office.orchestrator([]).resume(first[0].run_id))
    ended = entries[-1].event
    assert (ended.status, ended.error) == ("needs_input", "Which files do you mean?")


async def test_a_goal_to_do_something_is_not_answered_away():
    office = Office(images=screenshots())
    script = [{"answer": "I have renamed every screenshot."}, *screenshot_script()]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    (refused,) = events(entries, PlanRefused)
    assert refused.deflection
    assert entries[-1].event.status == "completed"
    assert not [name for name in office.names if name.startswith("screenshot")]


async def test_a_goal_that_needs_no_tool_is_answered_without_one():
    office = Office(images=screenshots())
    script = [{"answer": "A screenshot is a picture of a screen."}]
    request = office.request("What is a screenshot?")
    entries = await entries_of(office.orchestrator(script).stream(request))
    assert entries[-1].event.status == "completed"
    assert office.desk.calls == []
    assert "A screenshot is a picture" in office.synthesizer.requests[0].messages[0].content
