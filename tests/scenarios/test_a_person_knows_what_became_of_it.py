"""Nobody knows whether calls were made; a person looks, and tells the run what each came to."""

import asyncio
import collections
import itertools

import pytest

from orchestrator.core.errors import InvalidRequest, RunConflict
from orchestrator.core.events import ApprovalAsked, CallIntended, CallSettled
from orchestrator.core.tools import ToolOutcome
from tests.fakes.office import (
    DESKTOP,
    LIST,
    Office,
    SteadyPlanner,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)
from tests.fakes.stores import MemoryStore
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

STAMP = "stamps.stamp_file"
PLAN = plan(
    step("s1", "list the files on the Desktop", "filesystem"),
    step("s2", "stamp each file", "stamps", "s1"),
)
ACTS = {"s1": (LIST, {"path": "$folder.Desktop"}), "s2": (STAMP, {"path": "$s1.path"})}
PATHS = [f"{DESKTOP}/screenshot {number}.png" for number in (1, 2)]
DONE = ToolOutcome(ok=True, data={"stamped": "yes"})


class Death(Exception):
    """What ends a process here: nothing handles it."""


class Desk:
    """A stamp that works for the first file; then the process dies, with both calls begun."""

    def __init__(self, *, dying):
        self.stamped = collections.Counter()
        self.dying = dying
        self._first_is_done = asyncio.Event()

    async def stamp(self, path):
        if self.dying and path != PATHS[0]:
            await self._first_is_done.wait()
            raise Death
        self.stamped[path] += 1
        self._first_is_done.set()
        if self.dying:
            await asyncio.Event().wait()
        return {"stamped": path}


@pytest.fixture
async def dead():
    """Both calls are begun; the first one was done, the second one was not."""
    desk = Desk(dying=True)
    stamp = tool(STAMP, "Stamp a file.", desk.stamp, effect="local_write", path="string")
    office = Office(images=screenshots(2), more=[stamp], store=MemoryStore())
    with pytest.raises(Death):
        await entries_of(orchestrator(office).stream(office.request(), run_id="r"))
    desk.dying = False
    rested = await entries_of(orchestrator(office).resume("r", approve="yes"))
    assert rested[-1].event.status == "waiting_approval"
    office.stamps = desk
    return office


def orchestrator(office):
    return office.orchestrator(itertools.repeat(SteadyPlanner(PLAN, ACTS)))


def begun(office):
    """The ids of the two calls, by path."""
    intents = [e.event for e in office.store.rows["r"] if isinstance(e.event, CallIntended)]
    return {e.call.arguments["path"]: e.id for e in intents if e.call.tool == STAMP}


async def test_the_question_names_every_call_that_nobody_knows_of(dead):
    (asked,) = [e.event for e in dead.store.rows["r"] if isinstance(e.event, ApprovalAsked)][-1:]
    assert all(path in asked.approval.reason for path in PATHS)
    assert "repeats each of them" in asked.approval.reason


async def test_what_was_done_is_told_and_only_the_rest_is_repeated(dead):
    results = {begun(dead)[PATHS[0]]: DONE}
    more = await entries_of(orchestrator(dead).resume("r", granted=True, results=results))
    assert more[-1].event.status == "completed"
    assert dead.stamps.stamped == dict.fromkeys(PATHS, 1)
    told = events(more, CallSettled)
    assert {event.id for event in told} == set(begun(dead).values())


async def test_where_everything_is_told_the_run_goes_on_without_another_word(dead):
    dead.stamps.stamped[PATHS[1]] += 1
    results = dict.fromkeys(begun(dead).values(), DONE)
    more = await entries_of(orchestrator(dead).resume("r", results=results))
    assert more[-1].event.status == "completed"
    assert dead.stamps.stamped == dict.fromkeys(PATHS, 1)


async def test_a_call_that_is_told_to_have_failed_is_a_failed_call(dead):
    lost = ToolOutcome(ok=False, error="It was never stamped.", code="tool_failed")
    results = {begun(dead)[PATHS[0]]: DONE, begun(dead)[PATHS[1]]: lost}
    more = await entries_of(orchestrator(dead).resume("r", results=results))
    assert more[-1].event.status in {"incomplete", "completed"}
    assert dead.stamps.stamped == {PATHS[0]: 1}


async def test_what_is_left_open_needs_a_word(dead):
    with pytest.raises(InvalidRequest, match="also waits for the result of"):
        await entries_of(orchestrator(dead).resume("r", results={begun(dead)[PATHS[0]]: DONE}))
    assert dead.stamps.stamped == {PATHS[0]: 1}


async def test_a_result_for_another_call_is_refused(dead):
    with pytest.raises(InvalidRequest, match="no call that waits"):
        await entries_of(orchestrator(dead).resume("r", granted=True, results={"p9.0": DONE}))


async def test_an_ordinary_question_takes_no_results():
    desk = Desk(dying=False)
    stamp = tool(STAMP, "Stamp a file.", desk.stamp, effect="egress", path="string")
    office = Office(images=screenshots(2), more=[stamp], store=MemoryStore())
    entries = await entries_of(orchestrator(office).stream(office.request(), run_id="r"))
    assert entries[-1].event.status == "waiting_approval"
    with pytest.raises(RunConflict, match="waits for no results"):
        await entries_of(orchestrator(office).resume("r", granted=True, results={"p1.0": DONE}))
