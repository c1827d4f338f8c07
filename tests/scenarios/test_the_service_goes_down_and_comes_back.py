"""The process ends, by a signal or without one: the next goes on with every run where it was."""

import asyncio
import collections

import pytest

from orchestrator.core.errors import JournalError, RunConflict, ServiceBusy
from orchestrator.core.events import ApprovalAsked, RunEnded, RunResumed, RunStarted
from orchestrator.core.runs import Approval
from orchestrator.core.tools import ToolSpec
from orchestrator.journal.writer import Journal
from orchestrator.service.dispatch.dispatcher import Load
from tests.fakes.office import RENAME, SteadyPlanner, events
from tests.fakes.service import (
    LOOK,
    LOOKING,
    LOOKS,
    Gate,
    dispatching,
    followed,
    looking,
    renaming,
    status_of,
    with_locks,
)
from tests.fakes.stores import MemoryStore

pytestmark = pytest.mark.anyio

MANY = 10_000


def behind(gate, *, store=None, **limits):
    office = looking(gate, store=store)
    return office, again(office, **limits)


def again(office, **limits):
    """A fresh process over the office's store."""
    return dispatching(office, *[SteadyPlanner(LOOKING, LOOKS)] * 100, **limits)


async def killed(dispatcher):
    """End a process as no signal handler could: its tasks are gone, nothing is written down."""
    tasks = {task for task in asyncio.all_tasks() if _drives(task)}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert dispatcher.load().running == 0


def _drives(task):
    return task.get_coro().__qualname__.startswith(("Carrier.", "Work."))


class Counting(MemoryStore):
    """Counts which runs are read."""

    def __init__(self):
        super().__init__()
        self.reads = collections.Counter()

    async def read(self, run_id, after=0, limit=None):
        self.reads[run_id] += 1
        return await super().read(run_id, after, limit)


async def test_every_run_goes_on_after_the_process_was_killed():
    gate = Gate()
    office, dispatcher = behind(gate, running=2)
    runs = [await dispatcher.start(office.request()) for _ in range(5)]
    await gate.calls(2)
    await killed(dispatcher)
    assert [(await office.store.head(run)).status for run in runs] == ["running"] * 5
    after = again(office, running=2)
    gate.open()
    assert await after.recover() == runs
    assert {await status_of(after, run_id) for run_id in runs} == {"completed"}


async def test_a_recovered_run_says_so_but_one_that_had_not_begun_does_not():
    gate = Gate()
    office, dispatcher = behind(gate, running=1)
    runs = [await dispatcher.start(office.request()) for _ in range(2)]
    await gate.calls(1)
    await killed(dispatcher)
    after = again(office)
    await after.recover()
    gate.open()
    resumed = [events(await followed(after, run_id), RunResumed) for run_id in runs]
    assert [len(found) for found in resumed] == [1, 0]
    assert resumed[0][0].approve == "yes"


async def test_a_run_that_is_killed_at_any_moment_is_done_once():
    for steps in range(0, 400, 31):
        office = renaming(1)
        dispatcher = dispatching(office)
        run_id = await dispatcher.start(office.request())
        for _ in range(steps):
            await asyncio.sleep(0)
        await killed(dispatcher)
        after = dispatching(office)
        await after.recover()
        status = await status_of(after, run_id)
        state = await after.state(run_id)
        where = f"killed after {steps} steps"
        if status == "waiting_approval":
            assert "nobody knows" in state.verdict.reason, where
        else:
            assert status == "completed", where
        assert len(office.desk.called(RENAME)) <= 1, where


async def test_a_decision_survives_the_process_that_took_it():
    office = renaming()
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request(approve="ask"))
    await followed(dispatcher, run_id)
    asked = (await dispatcher.state(run_id)).approval
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    await killed(dispatcher)
    assert office.desk.called(RENAME) == []
    after = dispatching(office)
    assert await after.recover() == [run_id]
    assert await status_of(after, run_id) == "completed"
    assert len(office.desk.called(RENAME)) == 2


async def test_a_run_that_was_only_to_be_planned_is_only_planned_after_a_death():
    office = renaming()
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request(), plan_only=True)
    await killed(dispatcher)
    after = dispatching(office)
    await after.recover()
    assert await status_of(after, run_id) == "planned"
    assert office.desk.calls == []


async def test_ten_thousand_runs_that_wait_for_a_person_cost_nothing():
    office = renaming(1, store=Counting())
    begun = RunStarted(request=office.request())
    await journal_of(office, "works").append(begun)
    await journal_of(office, "rests").append(begun, *RESTS)
    first, *rest = office.store.rows["rests"]
    for number in range(MANY):
        run_id = f"rests{number}"
        office.store.rows[run_id] = [first.model_copy(update={"run_id": run_id}), *rest]
    office.store.reads.clear()
    dispatcher = dispatching(office)
    before = len(asyncio.all_tasks())
    assert await dispatcher.recover() == ["works"]
    assert dispatcher.load() == Load(running=1, waiting=0)
    assert len(asyncio.all_tasks()) == before + 1
    assert await status_of(dispatcher, "works") == "completed"
    assert set(office.store.reads) == {"works"}


RESTS = (
    ApprovalAsked(approval=Approval(proposal="p1", digest="d", reason="why not")),
    RunEnded(status="waiting_approval"),
)


def journal_of(office, run_id):
    return Journal(office.store, office.blobs, clock=office.clock, run_id=run_id)


async def test_a_run_that_another_process_works_on_is_left_to_it():
    gate, store = Gate(), MemoryStore()
    office, dispatcher = behind(gate, store=store)
    with_locks(dispatcher._orchestrator, store)
    run_id = await dispatcher.start(office.request())
    await gate.calls(1)
    other = again(office)
    with_locks(other._orchestrator, store)
    await other.recover()
    with pytest.raises(RunConflict, match="another process"):
        await followed(other, run_id)
    assert other.load() == Load(running=0, waiting=0)
    gate.open()
    assert await status_of(dispatcher, run_id) == "completed"
    assert gate.begun == 1


async def test_a_drained_run_is_left_where_no_call_is_under_way():
    gate = Gate(effect="destructive")
    office, dispatcher = behind(gate, running=1)
    runs = [await dispatcher.start(office.request()) for _ in range(2)]
    await gate.calls(1)
    draining = asyncio.create_task(dispatcher.drain(within_s=60))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not draining.done()
    gate.open()
    await draining
    assert [(await office.store.head(run)).status for run in runs] == ["running"] * 2
    journal = await Journal.load(office.store, office.blobs, clock=office.clock, run_id=runs[0])
    assert journal.state.intended == ()
    assert [call.outcome.ok for call in journal.state.settled] == [True]
    after = again(office)
    assert await after.recover() == runs
    assert {await status_of(after, run_id) for run_id in runs} == {"completed"}
    assert len(office.desk.called(LOOK)) == 2


async def test_a_drain_does_not_wait_for_ever():
    gate = Gate()
    office, dispatcher = behind(gate)
    run_id = await dispatcher.start(office.request())
    await gate.calls(1)
    await dispatcher.drain(within_s=0)
    assert (await office.store.head(run_id)).status == "running"
    gate.open()
    after = again(office)
    await after.recover()
    assert await status_of(after, run_id) == "completed"


async def test_while_it_goes_down_the_service_takes_nothing_more():
    gate = Gate()
    office, dispatcher = behind(gate, running=1)
    runs = [await dispatcher.start(office.request()) for _ in range(2)]
    await gate.calls(1)
    following = [asyncio.create_task(followed(dispatcher, run_id)) for run_id in runs]
    await asyncio.sleep(0)
    await dispatcher.drain(within_s=0)
    with pytest.raises(ServiceBusy, match="goes down") as refused:
        await dispatcher.start(office.request())
    assert refused.value.retry_after_s > 0
    for follower in following:
        with pytest.raises(ServiceBusy, match="goes down"):
            await follower


async def test_a_full_disk_reaches_the_followers_and_the_run_can_be_resumed():
    gate = Gate()
    office, dispatcher = behind(gate)
    run_id = await dispatcher.start(office.request())
    await gate.calls(1)
    following = asyncio.create_task(followed(dispatcher, run_id))
    office.store.failing = True
    gate.open()
    with pytest.raises(JournalError, match="disk is full"):
        await following
    with pytest.raises(JournalError, match="disk is full"):
        await followed(dispatcher, run_id)
    assert (await office.store.head(run_id)).status == "running"
    office.store.failing = False
    await dispatcher.resume(run_id)
    assert await status_of(dispatcher, run_id) == "completed"


async def test_a_run_that_cannot_be_made_durable_is_not_promised():
    office = renaming()
    dispatcher = dispatching(office)
    office.store.failing = True
    with pytest.raises(JournalError, match="disk is full"):
        await dispatcher.start(office.request())
    assert dispatcher.load() == Load(running=0, waiting=0)
    assert office.store.rows == {}


async def test_a_bug_reaches_the_followers_and_the_log(caplog):
    office = renaming()

    def broken(_request):
        raise KeyError("a bug")

    dispatcher = dispatching(office, broken)
    run_id = await dispatcher.start(office.request())
    with pytest.raises(KeyError, match="a bug"):
        await followed(dispatcher, run_id)
    assert run_id in caplog.text
    assert (await office.store.head(run_id)).status == "running"
    after = dispatching(office)
    assert await after.recover() == [run_id]
    assert await status_of(after, run_id) == "completed"


async def test_a_run_whose_tool_has_changed_meanwhile_fails_in_its_journal():
    gate = Gate()
    office, dispatcher = behind(gate)
    run_id = await dispatcher.start(office.request())
    await gate.calls(1)
    await killed(dispatcher)
    spec, answer = office.desk._tools[LOOK]
    office.desk._tools[LOOK] = (ToolSpec(**{**spec.model_dump(), "description": "New."}), answer)
    after = again(office)
    await after.recover()
    assert await status_of(after, run_id) == "failed"
    assert (await after.state(run_id)).error_code == "tool_definition_changed"
