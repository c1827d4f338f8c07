"""A call that failed is not made again with the same arguments, unless the failure may pass."""

import pytest

from orchestrator.core.errors import ToolFailed
from orchestrator.core.events import ToolsDisclosed, VerdictGiven
from tests.fakes.office import DESKTOP, LIST, Office, act, entries_of, events, plan, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

RING, CHIME = "bell.ring", "bell.chime"


def failing(words, times):
    """A bell that fails the first times with these words."""
    left = iter([True] * times)

    def ring():
        if next(left, False):
            raise ToolFailed(words)
        return {"rung": True}

    return tool(RING, "Ring the bell.", ring, effect="local_write")


async def rung(bell, *script):
    chime = tool(CHIME, "Chime the bell.", lambda: {"chimed": True}, effect="local_write")
    office = Office(files=[f"{DESKTOP}/a.txt"], more=[bell, chime])
    asked = plan(
        step("s1", "list the files on the Desktop", "filesystem"),
        step("s2", "ring the bell", "bell"),
    )
    orchestrator = office.orchestrator([asked, *act(LIST, path="$folder.Desktop"), *script])
    return office, await entries_of(orchestrator.stream(office.request("Ring the bell.")))


async def test_the_same_call_is_refused_and_its_tool_hidden():
    office, entries = await rung(failing("No clapper.", 9), RING, RING, CHIME)
    assert len(office.desk.called(RING)) == 1
    assert "failed_before" in {e.verdict.code for e in events(entries, VerdictGiven)}
    assert RING not in {c.tool for c in events(entries, ToolsDisclosed)[-1].candidates}
    assert entries[-1].event.status == "completed"


async def test_a_server_that_was_busy_is_asked_again():
    office, entries = await rung(failing("503: the bell is busy, try again.", 1), RING, RING)
    assert len(office.desk.called(RING)) == 2
    assert entries[-1].event.status == "completed"
