"""The journal of one run: durable first, then folded, then told."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.core.chat import Message
from orchestrator.core.errors import JournalError, RunNotFound
from orchestrator.core.events import (
    CallSettled,
    ModelCalled,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
)
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.core.tools import ToolOutcome
from orchestrator.journal.chain import verify
from orchestrator.journal.fold import fold_entries
from orchestrator.journal.writer import Journal
from tests.fakes.stores import MemoryBlobs, MemoryStore

pytestmark = pytest.mark.anyio

STARTED = RunStarted(request=RunRequest(goal="tidy up"))
BIG = "word " * 2000


class HandClock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.elapsed = 0.0

    def now(self):
        return datetime(2026, 11, 2, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self):
        return self.elapsed


class SlowStore(MemoryStore):
    """A store whose writes wait until they are let through."""

    def __init__(self):
        super().__init__()
        self.let_through = asyncio.Event()
        self.appends = []

    async def append(self, entries):
        await self.let_through.wait()
        self.appends.append(len(entries))
        await super().append(entries)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def blobs():
    return MemoryBlobs()


@pytest.fixture
def journal(store, blobs, clock):
    return Journal(store, blobs, clock=clock, run_id="r1")


@pytest.fixture
def loaded(store, blobs, clock):
    return lambda: Journal.load(store, blobs, clock=clock, run_id="r1")


def settled(data):
    return CallSettled(
        id="c1",
        step="s1",
        parent=0,
        tool="ocr.read",
        fingerprint="f",
        outcome=ToolOutcome(ok=True, data=data),
    )


def reason(text):
    return ReplanAsked(reason=str(text))


async def test_a_new_journal_is_an_empty_run(journal):
    assert journal.state == RunState(run_id="r1")
    assert journal.entries() == []
    assert await journal.append() == RunState(run_id="r1")


async def test_what_is_appended_is_stored_sealed_and_folded(journal, store):
    state = await journal.append(STARTED, reason("stuck"))
    assert state is journal.state
    assert (state.request, state.replan_reason, state.last_seq) == (STARTED.request, "stuck", 2)
    rows = await store.read("r1")
    assert rows == journal.entries()
    assert verify(rows, await store.tail("r1")) == []


async def test_a_loaded_journal_is_in_the_same_state_and_goes_on(journal, loaded, store):
    model = ModelCalled(
        role="planner",
        purpose="plan",
        appended=(Message(role="user", content=BIG),),
        reply=BIG[::-1],
    )
    await journal.append(STARTED, model, settled({"text": BIG}))
    other = await loaded()
    assert other.state == journal.state
    assert other.entries() == journal.entries()
    await other.append(RunResumed(), reason("more"))
    rows = await store.read("r1")
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert verify(rows, await store.tail("r1")) == []


async def test_the_state_holds_payloads_that_the_rows_do_not(journal, store, blobs):
    await journal.append(STARTED, settled({"text": BIG}))
    assert journal.state.settled[0].outcome.data == {"text": BIG}
    assert journal.entries()[1].event.outcome.data == {"text": BIG}
    assert len((await store.read("r1"))[1].model_dump_json()) < 1000
    assert len(blobs.kept) == 1
    assert fold_entries(journal.entries()) == journal.state


async def test_a_run_that_is_not_there_cannot_be_loaded(loaded):
    with pytest.raises(RunNotFound, match="no run r1"):
        await loaded()


async def test_a_changed_journal_is_not_loaded(journal, loaded, store):
    await journal.append(STARTED, reason("one"), reason("two"))
    store.rows["r1"][1] = store.rows["r1"][1].model_copy(update={"event": reason("three")})
    with pytest.raises(JournalError, match="was changed: Entry 2"):
        await loaded()


async def test_a_journal_with_a_lost_payload_is_not_loaded(journal, loaded, blobs):
    await journal.append(STARTED, settled({"text": BIG}))
    blobs.kept.clear()
    with pytest.raises(JournalError, match="missing"):
        await loaded()


async def test_when_the_store_fails_nothing_is_folded_or_told(journal, store):
    await journal.append(STARTED)
    before, told = journal.state, journal.subscribe()
    store.failing = True
    with pytest.raises(JournalError, match="disk is full"):
        await journal.append(reason("lost"))
    assert journal.state is before
    store.failing = False
    await journal.append(reason("kept"))
    assert (await anext(told)).event == reason("kept")
    assert [row.seq for row in await store.read("r1")] == [1, 2]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (settled({"n": 2**63}), "outcome"),
        (settled({"x": float("nan")}), "outcome"),
        (reason("\ud800"), "reason"),
    ],
    ids=["64 bits", "not a number", "surrogate"],
)
async def test_an_unfit_value_is_refused_by_name(journal, store, event, field):
    await journal.append(STARTED)
    with pytest.raises(JournalError, match=f"{field!r} of a {event.type}"):
        await journal.append(reason("fine"), event)
    assert len(await store.read("r1")) == 1


@pytest.mark.parametrize("depth", [65, 120, 240])
async def test_a_value_that_is_too_deep_is_refused(journal, depth):
    data = "bottom"
    for _ in range(depth):
        data = [data]
    with pytest.raises(JournalError, match="deep"):
        await journal.append(settled(data))


async def test_concurrent_appends_share_a_write_and_keep_their_order(blobs, clock):
    store = SlowStore()
    journal = Journal(store, blobs, clock=clock, run_id="r1")
    tasks = [asyncio.create_task(journal.append(STARTED))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(journal.append(reason(n), reason(-n))) for n in range(1, 6)]
    await asyncio.sleep(0)
    store.let_through.set()
    await asyncio.gather(*tasks)
    assert store.appends == [1, 10]
    told = [int(entry.event.reason) for entry in journal.entries()[1:]]
    assert told == [1, -1, 2, -2, 3, -3, 4, -4, 5, -5]
    assert verify(await store.read("r1")) == []


async def test_a_failed_write_fails_everybody_who_shared_it_and_nobody_else(journal, store):
    store.failing = True
    outcomes = await asyncio.gather(
        journal.append(STARTED), journal.append(reason(1)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [JournalError] * 2
    store.failing = False
    assert (await journal.append(STARTED)).last_seq == 1


async def test_a_caller_that_is_cancelled_leaves_a_whole_journal(blobs, clock):
    store = SlowStore()
    journal = Journal(store, blobs, clock=clock, run_id="r1")
    task = asyncio.create_task(journal.append(STARTED))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.let_through.set()
    state = await journal.append(reason("after"))
    assert state.last_seq == 2
    assert state.request == STARTED.request
    assert len(await store.read("r1")) == 2


class TestWorkingTime:
    async def at(self, clock, journal, *steps):
        for elapsed, event in steps:
            clock.elapsed += elapsed
            await journal.append(event)
        return [entry.seconds for entry in journal.entries()]

    async def test_it_is_counted_between_entries(self, clock, journal):
        seconds = await self.at(clock, journal, (9, STARTED), (2, reason(1)), (3, reason(2)))
        assert seconds == [0, 2, 3]
        assert journal.state.seconds == 5

    async def test_a_rest_is_free(self, clock, journal):
        rest = RunEnded(status="waiting_approval")
        steps = ((0, STARTED), (2, rest), (500, RunResumed()), (1, reason(1)))
        assert await self.at(clock, journal, *steps) == [0, 2, 0, 1]

    async def test_a_rest_without_an_end_is_free_too(self, clock, journal):
        steps = ((0, STARTED), (500, RunResumed()), (1, reason(1)))
        assert await self.at(clock, journal, *steps) == [0, 0, 1]

    async def test_the_time_between_two_processes_is_free(self, clock, journal, loaded):
        await journal.append(STARTED)
        clock.elapsed = 700.0
        other = await loaded()
        assert await self.at(clock, other, (0, RunResumed()), (2, reason(1))) == [0, 0, 2]

    async def test_events_of_one_append_share_its_time(self, clock, journal):
        await journal.append(STARTED)
        clock.elapsed = 4.0
        await journal.append(reason(1), reason(2))
        assert [entry.seconds for entry in journal.entries()] == [0, 4, 0]
        assert journal.entries()[2].at == clock.now()

    async def test_a_rest_inside_one_append_is_where_counting_ends(self, clock, journal):
        await journal.append(STARTED)
        clock.elapsed = 4.0
        await journal.append(RunEnded(status="stopped"), RunResumed(), reason(1))
        assert [entry.seconds for entry in journal.entries()] == [0, 4, 0, 0]


class TestSubscribing:
    async def test_it_tells_what_comes_after_it(self, journal):
        await journal.append(STARTED)
        told = journal.subscribe()
        await journal.append(reason(1), RunEnded(status="stopped"))
        assert [entry.seq async for entry in told] == [2, 3]

    async def test_it_can_begin_in_the_past(self, journal):
        await journal.append(STARTED, reason(1), RunEnded(status="stopped"))
        told = journal.subscribe(after=1)
        everything = journal.subscribe(after=0)
        await journal.append(RunResumed())
        journal.close()
        assert [entry.seq async for entry in told] == [2, 3, 4]
        assert [entry.seq async for entry in everything] == [1, 2, 3, 4]

    async def test_everybody_is_told(self, journal):
        followers = [journal.subscribe() for _ in range(3)]
        await journal.append(STARTED)
        journal.close()
        for follower in followers:
            assert [entry.seq async for entry in follower] == [1]

    async def test_whoever_stops_listening_is_forgotten(self, journal):
        told, silent = journal.subscribe(), journal.subscribe()
        await journal.append(STARTED)
        assert (await anext(told)).seq == 1
        await told.aclose()
        await journal.append(reason(1))
        assert len(journal._tails) == 1
        journal.close()
        assert [entry.seq async for entry in silent] == [1, 2]

    async def test_it_tells_only_what_is_durable(self, journal, store):
        told = journal.subscribe()
        await journal.append(STARTED)
        entry = await anext(told)
        assert entry in await store.read("r1")
        await told.aclose()
