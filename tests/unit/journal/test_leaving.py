"""A journal that is being left: what was begun is finished, and nothing more is begun."""

import asyncio

import pytest

from orchestrator.core.events import CallIntended, CallSettled, ReplanAsked, RunEnded, RunStarted
from orchestrator.core.runs import RunRequest
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.journal.leaving import LeavableJournal
from tests.fakes.clock import FakeClock
from tests.fakes.stores import MemoryBlobs, MemoryStore

pytestmark = pytest.mark.anyio

STARTED = RunStarted(request=RunRequest(goal="tidy up"))


def intended(call_id):
    call = ToolCall(tool="ocr.read", arguments={"path": call_id})
    return CallIntended(id=call_id, step="s1", parent=0, call=call)


def settled(call_id):
    return CallSettled(
        id=call_id,
        step="s1",
        parent=0,
        tool="ocr.read",
        fingerprint=call_id,
        outcome=ToolOutcome(ok=True),
    )


@pytest.fixture
def journal():
    return LeavableJournal(MemoryStore(), MemoryBlobs(), clock=FakeClock(), run_id="r1")


async def turns(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nothing_is_under_way_where_nothing_was_begun(journal):
    await journal.append(STARTED)
    await journal.nothing_under_way()


async def test_what_was_begun_is_waited_for(journal):
    await journal.append(STARTED, intended("a"), intended("b"))
    quiet = asyncio.create_task(journal.nothing_under_way())
    await journal.append(settled("a"))
    await turns()
    assert not quiet.done()
    await journal.append(settled("b"))
    await quiet


async def test_the_end_of_the_run_is_the_end_of_waiting(journal):
    await journal.append(STARTED, intended("a"))
    quiet = asyncio.create_task(journal.nothing_under_way())
    await journal.append(RunEnded(status="waiting_approval"))
    await quiet


async def test_no_call_is_begun_any_more_and_everything_else_is_written(journal):
    await journal.append(STARTED, intended("a"))
    journal.begin_nothing_more()
    waiting = asyncio.create_task(journal.append(intended("b")))
    await turns()
    await journal.append(settled("a"), ReplanAsked(reason="stuck"))
    await journal.nothing_under_way()
    assert not waiting.done()
    waiting.cancel()
    told = [entry.event.type for entry in journal.entries()]
    assert told == ["run_started", "call_intended", "call_settled", "replan_asked"]


async def test_a_call_whose_intent_is_being_written_counts_as_begun(journal):
    await journal.append(STARTED)
    writing = asyncio.create_task(journal.append(intended("a")))
    await asyncio.sleep(0)
    journal.begin_nothing_more()
    quiet = asyncio.create_task(journal.nothing_under_way())
    await writing
    await turns()
    assert not quiet.done()
    await journal.append(settled("a"))
    await quiet
