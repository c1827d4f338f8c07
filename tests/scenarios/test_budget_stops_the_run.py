"""Every limit stops the run by name; what was done stays done."""

import pytest

from orchestrator.core.events import ModelCalled, ToolsDisclosed
from orchestrator.core.runs import Budget
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    RENAME,
    Office,
    entries_of,
    events,
    screenshot_script,
    screenshots,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio


async def run_within(office=None, **limits):
    office = office or Office(images=screenshots())
    request = office.request(budget=Budget(**limits))
    entries = await entries_of(office.orchestrator(screenshot_script()).stream(request))
    return office, entries


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"turns": 2}, "2 turns"),
        ({"model_calls": 4}, "4 model calls"),
        ({"tool_calls": 3}, "3 tool calls"),
        ({"prompt_tokens": 1500}, "1500 prompt tokens"),
        ({"generated_tokens": 100}, "100 generated tokens"),
    ],
)
async def test_the_limit_is_named_and_nothing_is_written(limits, words):
    office, entries = await run_within(**limits)
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("stopped", "budget_exceeded")
    assert f"The budget of {words} is used up" in ended.error
    assert office.desk.called(RENAME) == []


async def test_a_fan_out_that_would_pass_the_limit_is_not_begun():
    office, _ = await run_within(tool_calls=3)
    assert office.desk.called(READ) == []
    assert len(office.desk.called(LIST)) == 1


async def test_a_budget_that_is_just_enough_is_enough():
    _, entries = await run_within(tool_calls=10, model_calls=13, turns=5)
    assert entries[-1].event.status == "completed"


async def test_the_last_allowed_turn_may_act():
    _, entries = await run_within(turns=4)
    assert entries[-1].event.status == "completed"


async def test_wall_time_stops_it_between_steps():
    office = Office(images=screenshots())
    office.desk = slow_reading(office)
    _, entries = await run_within(office, seconds=25)
    assert entries[-1].event.code == "budget_exceeded"
    assert office.desk.called(RENAME) == []


async def test_wall_time_stops_a_fan_out_in_its_middle():
    office = Office(images=screenshots(40))
    office.desk = slow_reading(office)
    _, entries = await run_within(office, seconds=100)
    assert entries[-1].event.code == "budget_exceeded"
    assert len(office.desk.called(READ)) < 20


async def test_model_calls_of_a_text_fan_out_count_while_it_runs():
    office, entries = await run_within(Office(images=screenshots(60)), model_calls=30)
    assert entries[-1].event.code == "budget_exceeded"
    assert len(office.synthesizer.requests) <= 30


def slow_reading(office):
    """The office's tools, each picture taking ten seconds."""
    images = screenshots(40)

    def read(path):
        office.clock.advance(10)
        return {"text": images[path]}

    slow = tool(READ, "Read the text in an image.", read, path="string")
    return Office(images=dict(office.files.content), more=[slow]).desk


async def test_a_stopped_run_keeps_its_results_and_can_be_read():
    office, entries = await run_within(turns=3)
    result = await office.orchestrator([]).result(entries[0].run_id)
    assert result.status == "stopped"
    assert next(call.tool for call in result.state.settled) == LIST
    assert f"{DESKTOP}/screenshot 1.png" in office.files.content


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_the_turns_never_pass_their_limit(turns):
    _, entries = await run_within(turns=turns)
    assert len(events(entries, ToolsDisclosed)) <= turns
    assert len(events(entries, ModelCalled)) <= 1 + 2 * turns
