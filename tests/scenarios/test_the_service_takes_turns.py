"""So many runs at once, first come first served, no more than fit, and each can be cancelled."""

import asyncio

import pytest

from orchestrator.core.errors import JournalError, RunConflict, RunNotFound, ServiceBusy
from orchestrator.core.events import RunEnded
from orchestrator.service.dispatch.dispatcher import Dispatcher, Load
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


def behind(gate, *, store=None, **limits):
    """An office whose runs all wait at a gate, and its dispatcher."""
    office = looking(gate, store=store)
    return office, dispatching(office, *[SteadyPlanner(LOOKING, LOOKS)] * 100, **limits)


async def started(office, dispatcher, count):
    return [await dispatcher.start(office.request()) for _ in range(count)]


async def test_no_more_runs_are_at_work_than_may_be():
    gate = Gate()
    office, dispatcher = behind(gate, running=3)
    runs = await started(office, dispatcher, 8)
    await gate.calls(3)
    assert dispatcher.load() == Load(running=3, waiting=5)
    gate.open()
    assert {await status_of(dispatcher, run_id) for run_id in runs} == {"completed"}
    assert gate.begun == 8
    assert dispatcher.load() == Load(running=0, waiting=0)


async def test_who_came_first_is_served_first():
    gate = Gate()
    office, dispatcher = behind(gate, running=1)
    runs = await started(office, dispatcher, 4)
    ended = []

    async def wait_for(run_id):
        await followed(dispatcher, run_id)
        ended.append(run_id)

    waiting = [asyncio.create_task(wait_for(run_id)) for run_id in reversed(runs)]
    gate.open()
    await asyncio.gather(*waiting)
    assert ended == runs


async def test_what_waits_for_its_turn_is_durable_already():
    gate = Gate()
    office, dispatcher = behind(gate, running=1)
    runs = await started(office, dispatcher, 3)
    heads = [await office.store.head(run_id) for run_id in runs]
    assert [head.status for head in heads] == ["running"] * 3
    await dispatcher.drain(within_s=0)


async def test_waiting_costs_no_working_time():
    gate = Gate()
    office, dispatcher = behind(gate, running=1)
    first, second = await started(office, dispatcher, 2)
    await gate.calls(1)
    office.clock.advance(500)
    gate.open()
    assert await status_of(dispatcher, second) == "completed"
    assert (await dispatcher.state(second)).seconds == 0
    assert (await dispatcher.state(first)).seconds == 500


async def test_more_than_fit_are_refused_and_told_when_to_come_back():
    gate = Gate()
    office, dispatcher = behind(gate, running=1, waiting=2)
    await started(office, dispatcher, 3)
    with pytest.raises(ServiceBusy, match="3 runs") as refused:
        await dispatcher.start(office.request())
    assert refused.value.retry_after_s >= 1
    assert len(office.store.rows) == 3
    await dispatcher.drain(within_s=0)


async def test_of_many_at_once_no_more_are_taken_than_fit():
    gate = Gate()
    office, dispatcher = behind(gate, running=2, waiting=3)
    asked = [dispatcher.start(office.request()) for _ in range(20)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, ServiceBusy) for outcome in outcomes) == 15
    assert len(office.store.rows) == 5
    await dispatcher.drain(within_s=0)


async def test_a_run_may_be_named_once():
    office = renaming()
    dispatcher = dispatching(office)
    assert await dispatcher.start(office.request(), run_id="mine") == "mine"
    for _ in range(2):
        with pytest.raises(RunConflict, match="mine"):
            await dispatcher.start(office.request(), run_id="mine")
        assert await status_of(dispatcher, "mine") == "completed"


async def test_a_client_who_leaves_while_it_asks_has_a_run_all_the_same():
    office = renaming()
    dispatcher = dispatching(office)
    asking = asyncio.create_task(dispatcher.start(office.request(), run_id="mine"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await status_of(dispatcher, "mine") == "completed"


async def test_only_a_plan_is_made_if_no_more_is_asked_for():
    office = renaming()
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request(), plan_only=True)
    assert await status_of(dispatcher, run_id) == "planned"
    assert office.desk.calls == []
    await dispatcher.resume(run_id)
    assert await status_of(dispatcher, run_id) == "completed"
    assert len(office.desk.called(RENAME)) == 2


async def test_a_run_at_work_is_cancelled_in_its_journal():
    gate = Gate()
    office, dispatcher = behind(gate)
    (run_id,) = await started(office, dispatcher, 1)
    await gate.calls(1)
    following = asyncio.create_task(followed(dispatcher, run_id))
    assert await dispatcher.cancel(run_id)
    ended = (await following)[-1].event
    assert (ended.status, ended.code) == ("cancelled", "run_cancelled")
    assert (await office.store.head(run_id)).status == "cancelled"
    assert dispatcher.load() == Load(running=0, waiting=0)


async def test_a_run_that_waits_for_its_turn_is_cancelled_and_makes_room():
    gate = Gate()
    office, dispatcher = behind(gate, running=1, waiting=1)
    first, second = await started(office, dispatcher, 2)
    assert await dispatcher.cancel(second)
    assert (await followed(dispatcher, second))[-1].event.status == "cancelled"
    (third,) = await started(office, dispatcher, 1)
    gate.open()
    assert await status_of(dispatcher, first) == "completed"
    assert await status_of(dispatcher, third) == "completed"
    assert gate.begun == 2


async def test_a_run_that_rests_is_cancelled():
    office = renaming()
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request(approve="ask"))
    assert await status_of(dispatcher, run_id) == "waiting_approval"
    assert await dispatcher.cancel(run_id)
    assert await status_of(dispatcher, run_id) == "cancelled"
    assert not await dispatcher.cancel(run_id)


async def test_a_run_is_cancelled_at_any_moment_of_its_life():
    for steps in range(0, 420, 17):
        office = renaming(1)
        dispatcher = dispatching(office)
        run_id = await dispatcher.start(office.request())
        for _ in range(steps):
            await asyncio.sleep(0)
        cancelled = await dispatcher.cancel(run_id)
        entries = await followed(dispatcher, run_id)
        ended = [event.status for event in events(entries, RunEnded)]
        assert ended == ["cancelled" if cancelled else "completed"], f"after {steps} steps"
        assert dispatcher.load() == Load(running=0, waiting=0)


async def test_a_run_that_is_over_is_not_cancelled():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request())
    assert await status_of(dispatcher, run_id) == "completed"
    assert not await dispatcher.cancel(run_id)
    with pytest.raises(RunNotFound):
        await dispatcher.cancel("nobody")


async def test_to_cancel_twice_at_once_is_to_cancel_once():
    gate = Gate()
    office, dispatcher = behind(gate)
    (run_id,) = await started(office, dispatcher, 1)
    await gate.calls(1)
    both = await asyncio.gather(dispatcher.cancel(run_id), dispatcher.cancel(run_id))
    assert both[0]
    entries = await followed(dispatcher, run_id)
    assert [event.status for event in events(entries, RunEnded)] == ["cancelled"]


async def test_a_cancelled_run_can_be_resumed():
    gate = Gate()
    office, dispatcher = behind(gate)
    (run_id,) = await started(office, dispatcher, 1)
    await gate.calls(1)
    await dispatcher.cancel(run_id)
    gate.open()
    await dispatcher.resume(run_id)
    assert await status_of(dispatcher, run_id) == "completed"
    assert len(office.desk.called(LOOK)) == 2


async def test_of_two_resumes_at_once_one_goes_on():
    office = renaming(1)
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request(), plan_only=True)
    await status_of(dispatcher, run_id)
    both = [dispatcher.resume(run_id), dispatcher.resume(run_id)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "RunConflict"]
    assert await status_of(dispatcher, run_id) == "completed"


async def test_a_run_at_work_is_not_taken_up_by_another_process():
    gate, store = Gate(), MemoryStore()
    office, dispatcher = behind(gate, store=store)
    with_locks(dispatcher._orchestrator, store)
    (run_id,) = await started(office, dispatcher, 1)
    await gate.calls(1)
    other = Dispatcher(with_locks(office.orchestrator([]), store))
    for refused in (other.resume(run_id), other.cancel(run_id)):
        with pytest.raises(RunConflict, match="another process"):
            await refused
    gate.open()
    assert await status_of(dispatcher, run_id) == "completed"


class Held(MemoryStore):
    """A store whose reads wait until they are let through."""

    def __init__(self):
        super().__init__()
        self.let_through = asyncio.Event()
        self.let_through.set()

    async def read(self, run_id, after=0, limit=None):
        await self.let_through.wait()
        return await super().read(run_id, after, limit)


async def test_a_run_is_cancelled_while_its_journal_is_read():
    gate, store = Gate(), Held()
    office, dispatcher = behind(gate, store=store, running=1)
    first, second = await started(office, dispatcher, 2)
    store.let_through.clear()
    cancelling = asyncio.create_task(dispatcher.cancel(first))
    for _ in range(10):
        await asyncio.sleep(0)
    store.let_through.set()
    assert await cancelling
    gate.open()
    assert await status_of(dispatcher, first) == "cancelled"
    assert await status_of(dispatcher, second) == "completed"
    assert gate.begun == 1


async def test_a_cancel_that_cannot_be_written_down_is_told():
    gate = Gate()
    office, dispatcher = behind(gate, running=1)
    runs = await started(office, dispatcher, 2)
    await gate.calls(1)
    office.store.failing = True
    for run_id in runs:
        with pytest.raises(JournalError, match="disk is full"):
            await dispatcher.cancel(run_id)
    office.store.failing = False
    assert [(await office.store.head(run_id)).status for run_id in runs] == ["running"] * 2
    gate.open()
    for run_id in runs:
        await dispatcher.resume(run_id)
        assert await status_of(dispatcher, run_id) == "completed"


async def test_a_cancel_waits_for_a_decision_that_is_being_written():
    office = renaming()
    dispatcher = dispatching(office)
    run_id = await dispatcher.start(office.request(approve="ask"))
    await followed(dispatcher, run_id)
    asked = (await dispatcher.state(run_id)).approval
    outcomes = await asyncio.gather(
        dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana"),
        dispatcher.cancel(run_id),
    )
    assert outcomes == [None, True]
    assert await status_of(dispatcher, run_id) == "cancelled"
    assert office.desk.called(RENAME) == []
