"""A fan-out in which several items come to the same call makes that call once for all of them."""

import pytest

from orchestrator.core.events import CallSettled, StepClosed
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio


async def test_a_tool_without_parameters_is_called_once_for_all_items():
    counts = tool("board.count", "Count the notes on the board.", lambda: {"count": 3})
    office = Office(images=screenshots(4), more=[counts])
    script = [
        plan(
            step("s1", "list the files on the Desktop", "filesystem"),
            step("s2", "count the notes on the board", "board", "s1"),
        ),
        *act(LIST, path="$folder.Desktop"),
        "board.count",
        {},
    ]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    assert len(office.desk.called("board.count")) == 1
    assert len([e for e in events(entries, CallSettled) if e.tool == "board.count"]) == 1
    assert entries[-1].event.status == "completed"


async def test_items_with_the_same_value_share_one_call():
    same = {"path": f"{DESKTOP}/screenshot 1.png"}
    found = tool(
        LIST, "List a folder.", lambda path: {"entries": [same, same, same]}, path="string"
    )
    office = Office(images=screenshots(1), more=[found])
    script = [
        plan(
            step("s1", "list the files on the Desktop", "filesystem"),
            step("s2", "read the text in each screenshot", "ocr", "s1"),
        ),
        *act(LIST, path="$folder.Desktop"),
        *act(READ, path="$s1.path"),
    ]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    assert [event.status for event in events(entries, StepClosed)] == ["done", "done"]
    assert len(office.desk.called(READ)) == 1
