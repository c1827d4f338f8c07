"""An empty folder is no failure: every step that would go over it is skipped, and it is said."""

import pytest

from orchestrator.core.events import AnswerGiven, StepClosed
from tests.fakes.office import (
    LIST,
    READ,
    SCREENSHOT_PLAN,
    Office,
    Writer,
    act,
    entries_of,
    events,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio


def empty_desktop():
    listing = tool(LIST, "List a folder.", lambda path: {"entries": []}, path="string")
    return Office(more=[listing])


async def run_on(office, answer="There was nothing to do."):
    script = [SCREENSHOT_PLAN, *act(LIST, path="$folder.Desktop")]
    orchestrator = office.orchestrator(script, Writer(answer))
    return await entries_of(orchestrator.stream(office.request()))


async def test_the_steps_over_it_are_skipped_without_asking_the_model():
    office = empty_desktop()
    entries = await run_on(office)
    assert [event.status for event in events(entries, StepClosed)] == ["done", *["skipped"] * 3]
    assert len(office.planner.requests) == 3
    assert office.desk.called(READ) == []


async def test_the_run_is_complete_and_says_that_there_was_nothing():
    entries = await run_on(empty_desktop())
    assert entries[-1].event.status == "completed"
    notes = [event.note for event in events(entries, StepClosed)[1:]]
    assert "s1 has no items" in notes[0]
    assert all(notes)


async def test_a_boast_about_it_is_refused():
    entries = await run_on(empty_desktop(), answer="I renamed 3 files.")
    [answer] = events(entries, AnswerGiven)
    assert (answer.by, answer.refused) == ("journal", ("I renamed 3 files.",))
    assert "skipped" in answer.text
