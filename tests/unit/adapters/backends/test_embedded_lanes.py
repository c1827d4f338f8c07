"""Lanes with work that waits for the test, so that every order is made on purpose."""

import asyncio
import threading
from contextlib import aclosing

import pytest

from adapters.backends.embedded_lanes import Lanes
from orchestrator.core.errors import BackendTimeout, BackendUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def lanes():
    opened = Lanes(2)
    yield opened
    opened.close()


def say(*words):
    def work(slot, take):
        for word in words:
            take({"word": word, "slot": slot})

    return work


class Talker:
    """Work that hands over chunks until it is told to stop."""

    def __init__(self):
        self.stopped = threading.Event()

    def __call__(self, slot, take):
        while not take({"slot": slot}):
            pass
        self.stopped.set()


async def heard(lanes, name, work, deadline_s=30.0):
    async with aclosing(lanes.chunks(lanes.lane_for(name), work, deadline_s=deadline_s)) as chunks:
        return [chunk async for chunk in chunks]


async def test_chunks_arrive_in_order(lanes):
    assert [c["word"] for c in await heard(lanes, "a", say("one", "two"))] == ["one", "two"]


async def test_a_conversation_keeps_its_slot(lanes):
    slots = [lanes.lane_for(name).slot for name in ("a", "b", "a", "b", "a")]
    assert slots == [0, 1, 0, 1, 0]


async def test_a_new_conversation_takes_the_lane_idle_for_longest(lanes):
    lanes.lane_for("a")
    lanes.lane_for("b")
    lanes.lane_for("a")
    assert lanes.lane_for("c") is not lanes.lane_for("a")


async def test_a_new_conversation_avoids_a_lane_at_work(lanes):
    talker = Talker()
    busy = lanes.lane_for("a")
    chunks = lanes.chunks(busy, talker, deadline_s=30)
    await anext(chunks)
    lanes.lane_for("b")
    lanes.lane_for("b")
    assert lanes.lane_for("c") is not busy
    await chunks.aclose()


async def test_requests_of_one_conversation_wait_for_each_other(lanes):
    first = lanes.chunks(lanes.lane_for("a"), Talker(), deadline_s=30)
    await anext(first)
    second = asyncio.ensure_future(heard(lanes, "a", say("later")))
    await asyncio.sleep(0)
    assert not second.done()
    await first.aclose()
    assert [chunk["word"] for chunk in await second] == ["later"]


async def test_closing_the_stream_stops_the_work(lanes):
    talker = Talker()
    chunks = lanes.chunks(lanes.lane_for("a"), talker, deadline_s=30)
    await anext(chunks)
    await chunks.aclose()
    assert await asyncio.to_thread(talker.stopped.wait, 10)


async def test_a_request_given_up_while_waiting_never_runs(lanes):
    first = lanes.chunks(lanes.lane_for("a"), Talker(), deadline_s=30)
    await anext(first)
    ran = threading.Event()
    with pytest.raises(BackendTimeout, match=r"within 0\.01 s"):
        await heard(lanes, "a", lambda *_: ran.set(), deadline_s=0.01)
    await first.aclose()
    await heard(lanes, "a", say("next"))
    assert not ran.is_set()


async def test_an_error_of_the_work_reaches_the_listener(lanes):
    def work(*_):
        raise BackendUnavailable("The engine is gone.")

    with pytest.raises(BackendUnavailable, match="is gone"):
        await heard(lanes, "a", work)


async def test_closing_the_lanes_ends_running_and_waiting_requests(lanes):
    running = asyncio.ensure_future(heard(lanes, "a", Talker()))
    waiting = asyncio.ensure_future(heard(lanes, "a", say("never")))
    await asyncio.sleep(0)
    await asyncio.to_thread(lanes.close)
    assert await running
    with pytest.raises(BackendUnavailable, match="was closed"):
        await waiting


async def test_closed_lanes_take_no_more_work(lanes):
    lanes.close()
    with pytest.raises(BackendUnavailable, match="was closed"):
        await heard(lanes, "a", say("never"))
