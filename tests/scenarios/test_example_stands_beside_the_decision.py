"""The worked example is appended right before the decision it serves, in the same form."""

import pytest

from orchestrator.core.events import ToolsDisclosed
from orchestrator.prompting.transcript import tokens
from tests.fakes.office import (
    PROFILE,
    SCREENSHOT_ACTS,
    Office,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio


async def run_with(script=None, **fields):
    office = Office(images=screenshots(), profile=PROFILE.model_copy(update=fields))
    orchestrator = office.orchestrator(script or screenshot_script())
    entries = await entries_of(orchestrator.stream(office.request()))
    return office, entries


def decisions(office):
    return [r for r in office.planner.requests if r.constraint.kind == "choice"]


async def test_each_step_gets_the_example_of_its_own_namespace():
    _, entries = await run_with()
    shown = [event.example for event in events(entries, ToolsDisclosed)]
    assert shown == [
        "what-is-in-a-folder/s1",
        *(f"rename-scans-after-shop/s{n}" for n in (2, 3, 4)),
    ]


async def test_it_ends_directly_before_the_decision():
    office, _ = await run_with()
    for request in decisions(office):
        example, reply, arguments_request, arguments, asked = request.messages[-5:]
        assert example.content.startswith("Example. Step ")
        assert asked.content.startswith("Step ")
        assert [m.role for m in (reply, arguments)] == ["assistant", "assistant"]
        assert arguments_request.content.startswith(f"Arguments of {reply.content}:")


async def test_it_has_the_decisions_own_form():
    office, _ = await run_with()
    for request in decisions(office):
        example, asked = request.messages[-5].content, request.messages[-1].content
        assert example.endswith("Which tool?")
        assert asked.endswith("Which tool?")
        assert "Tools:\n- " in example


async def test_the_distance_between_them_is_the_decision_itself():
    office, entries = await run_with()
    told = [event.distance for event in events(entries, ToolsDisclosed)]
    asked = [tokens(request.messages[-1].content) for request in decisions(office)]
    assert told == asked
    assert max(told) < 300


READS = [
    step("s1", "list the files on the Desktop", "filesystem"),
    step("s2", "read the text in each screenshot", "ocr", "s1"),
    step("s3", "read the text in each screenshot again", "ocr", "s1"),
]
READING = [*screenshot_script()[1:3], *SCREENSHOT_ACTS["s2"], *SCREENSHOT_ACTS["s2"]]


async def test_an_example_that_is_still_near_is_not_repeated():
    _, entries = await run_with([plan(*READS), *READING], example_distance_tokens=5000)
    shown = events(entries, ToolsDisclosed)
    assert shown[2].example == ""
    assert shown[2].distance > shown[1].distance
    assert not any(event.example_again for event in shown)


async def test_an_example_that_drifted_too_far_is_shown_again():
    office, entries = await run_with([plan(*READS), *READING], example_distance_tokens=20)
    shown = events(entries, ToolsDisclosed)
    assert [event.example_again for event in shown] == [False, False, True]
    assert shown[2].example == shown[1].example
    assert decisions(office)[2].messages[-5].content.startswith("Example. ")


async def test_a_step_of_a_namespace_without_an_example_is_decided_without_one():
    office = Office()
    from tests.fakes.tools import tool

    board = tool("board.list_notes", "List the notes on the board.", lambda: {"notes": []})
    office = Office(more=[board])
    script = [plan(step("s1", "list the notes", "board")), "board.list_notes"]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    [shown] = events(entries, ToolsDisclosed)
    assert (shown.example, shown.distance) == ("", None)
    assert entries[-1].event.status == "completed"
