"""Whoever follows a run, from wherever and whenever, sees the same sequence once and in order."""

import asyncio
import dataclasses
import itertools
import random

import pytest

from orchestrator.core.errors import JournalError, RunNotFound
from orchestrator.journal.writer import Journal
from orchestrator.service.dispatch.dispatcher import Delta
from tests.fakes.office import SCREENSHOT_ACTS, SteadyPlanner
from tests.fakes.service import (
    LOOKING,
    LOOKS,
    Gate,
    dispatching,
    entries_in,
    followed,
    looking,
    renaming,
)

pytestmark = pytest.mark.anyio


class Watch:
    """Begins to follow at every entry of a run, from every place there is so far."""

    def __init__(self, *, ahead=2, pace=lambda: 0):
        self.dispatcher = None
        self.following = []
        self._ahead = ahead
        self._pace = pace

    def record(self, entry):
        for after in range(entry.seq + self._ahead):
            task = asyncio.create_task(self._follow(entry.run_id, after))
            self.following.append((after, task))

    async def _follow(self, run_id, after):
        seen = []
        async for entry in self.dispatcher.follow(run_id, after=after):
            seen.append(entry)
            for _ in range(self._pace()):
                await asyncio.sleep(0)
        return seen

    async def seen(self):
        return [(after, await task) for after, task in self.following]


def watched(office, watch, **limits):
    dispatcher = dispatching(office, **limits)
    watch.dispatcher = dispatcher
    orchestrator = dispatcher._orchestrator
    orchestrator.parts = dataclasses.replace(orchestrator.parts, traces=(watch,))
    return dispatcher


async def _kept(entries, seen):
    async for entry in entries:
        seen.append(entry)


async def whole(office, run_id):
    journal = await Journal.load(office.store, office.blobs, clock=office.clock, run_id=run_id)
    return journal.entries()


async def test_from_every_place_and_at_every_moment_the_sequence_is_the_same():
    office, watch = renaming(1), Watch()
    dispatcher = watched(office, watch)
    run_id = await dispatcher.start(office.request())
    seen = await watch.seen()
    entries = await whole(office, run_id)
    assert len(entries) > 30
    assert len(seen) > len(entries) ** 2 / 2
    for after, sequence in seen:
        assert sequence == entries[after:], f"after {after}"


async def test_a_slow_follower_holds_nobody_up_and_misses_nothing():
    office = renaming(1)
    chance = random.Random(7)
    watch = Watch(ahead=0, pace=lambda: chance.randrange(6))
    dispatcher = watched(office, watch)
    run_id = await dispatcher.start(office.request())
    assert (await followed(dispatcher, run_id))[-1].event.status == "completed"
    assert not all(task.done() for _, task in watch.following)
    entries = await whole(office, run_id)
    assert all(sequence == entries[after:] for after, sequence in await watch.seen())


async def test_a_run_that_rested_is_followed_into_its_second_part():
    office, watch = renaming(1), Watch(ahead=1)
    dispatcher = watched(office, watch)
    run_id = await dispatcher.start(office.request(approve="ask"))
    first = await followed(dispatcher, run_id)
    assert first[-1].event.status == "waiting_approval"
    asked = (await dispatcher.state(run_id)).approval
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    second = await followed(dispatcher, run_id, after=first[-1].seq)
    entries = await whole(office, run_id)
    assert first + second == entries
    ends = {len(first), len(entries)}
    for after, sequence in await watch.seen():
        assert sequence == entries[after : after + len(sequence)]
        assert after + len(sequence) in ends or after > len(first)


async def test_a_run_of_the_past_is_followed_out_of_the_store():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request())
    live = await followed(dispatcher, run_id)
    later = dispatching(office)
    for after in range(len(live) + 1):
        assert await followed(later, run_id, after) == live[after:]


async def test_a_run_that_waits_for_its_turn_can_be_followed():
    gate = Gate()
    office = looking(gate)
    dispatcher = dispatching(office, *[SteadyPlanner(LOOKING, LOOKS)] * 20, running=1)
    first = await dispatcher.start(office.request())
    second = await dispatcher.start(office.request())
    await gate.calls(1)
    following = asyncio.create_task(followed(dispatcher, second))
    gate.open()
    assert [entry.seq for entry in await following][-1] == len(await whole(office, second))
    assert (await dispatcher.state(first)).status == "completed"


async def test_generated_text_comes_before_the_entry_that_holds_it():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request())
    items = [item async for item in dispatcher.follow(run_id, deltas=True)]
    assert entries_in(items) == await whole(office, run_id)
    pairs = itertools.pairwise(items)
    texts = [(text, entry) for text, entry in pairs if isinstance(text, Delta)]
    assert len(texts) == 2 * len(SCREENSHOT_ACTS) + 2
    for text, entry in texts:
        assert entry.event.type == "model_called"
        assert (text.role, text.text) == (entry.event.role, entry.event.reply)


async def test_generated_text_is_live_only():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request())
    await followed(dispatcher, run_id)
    again = [item async for item in dispatcher.follow(run_id, deltas=True)]
    assert again == await whole(office, run_id)


async def test_a_run_that_is_not_there_cannot_be_followed():
    with pytest.raises(RunNotFound, match="no run nobody"):
        await followed(dispatching(renaming(0)), "nobody")


async def test_a_changed_entry_is_not_passed_on():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request())
    entries = await followed(dispatcher, run_id)
    rows = office.store.rows[run_id]
    rows[9] = rows[9].model_copy(update={"seconds": 99.0})
    seen = []
    with pytest.raises(JournalError, match="changed at entry 10"):
        await _kept(dispatcher.follow(run_id), seen)
    assert seen == entries[:9]


async def test_a_follower_who_leaves_changes_nothing():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request())
    following = dispatcher.follow(run_id, deltas=True)
    async for item in following:
        if not isinstance(item, Delta) and item.seq == 5:
            break
    await following.aclose()
    assert (await followed(dispatcher, run_id))[-1].event.status == "completed"
