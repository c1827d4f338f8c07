"""A step that waits is repeated by the run itself: pauses, no model calls, until it holds."""

import asyncio
import contextlib
import itertools

import pytest

from orchestrator.core.errors import ToolFailed
from orchestrator.core.events import (
    CallIntended,
    CallSettled,
    DecisionFailed,
    ModelCalled,
    ReplanAsked,
    RunEnded,
    StepClosed,
)
from orchestrator.core.runs import Budget
from orchestrator.graph.waiting import LONGEST_PAUSE_S, POLLS, pause
from tests.fakes.office import Office, SteadyPlanner, act, entries_of, events, plan, step
from tests.fakes.tools import tool
from tests.scenarios.test_resume_after_death import Death, MortalStore

pytestmark = pytest.mark.anyio

STATUS, JOBS, START = "build.get_status", "build.list_jobs", "build.start_job"
WAITS = {**step("s1", "check whether the build is done", "build"), "wait_until": "status is done"}
LISTS = step("s1", "list the jobs of the build", "build")
EACH = {**WAITS, "id": "s2", "over": "s1", "intent": "check the status of each job"}


class Build:
    """Jobs that are done when they have been asked after so often."""

    def __init__(self, **asked_until_done):
        self.needed = asked_until_done
        self.asked = dict.fromkeys(asked_until_done, 0)

    def status(self, job):
        if self.needed[job] is None:
            raise ToolFailed(f"The job {job} is lost.")
        self.asked[job] += 1
        return {"job": job, "status": "done" if self.asked[job] > self.needed[job] else "running"}

    def tools(self):
        jobs = {"jobs": [{"job": job} for job in self.needed]}
        return [
            tool(STATUS, "Get the status of a job of the build.", self.status, job="string"),
            tool(JOBS, "List the jobs of the build.", lambda: jobs),
            tool(START, "Start a job.", lambda job: {}, effect="local_write", job="string"),
        ]


ASKS = act(STATUS, job="docs")


async def run_with(build, *script, store=None, **request):
    office = Office(more=build.tools(), store=store)
    orchestrator = office.orchestrator([*script])
    return office, await entries_of(orchestrator.stream(office.request("Is it built?", **request)))


async def test_the_call_is_repeated_with_growing_pauses_until_it_holds():
    office, entries = await run_with(Build(docs=3), plan(WAITS), *ASKS)
    assert len(office.desk.called(STATUS)) == 4
    assert office.clock.slept == [2.0, 4.0, 8.0]
    assert [event.poll for event in events(entries, CallSettled)] == [0, 1, 2, 3]
    assert entries[-1].event.status == "completed"


async def test_it_costs_no_model_call_however_long_it_takes():
    counts = []
    for needed in (0, 40):
        _, entries = await run_with(Build(docs=needed), plan(WAITS), *ASKS)
        counts.append(len(events(entries, ModelCalled)))
    assert counts[0] == counts[1]


async def test_what_holds_at_once_is_not_repeated():
    office, _ = await run_with(Build(docs=0), plan(WAITS), *ASKS)
    assert len(office.desk.called(STATUS)) == 1
    assert office.clock.slept == []


async def test_each_item_is_waited_for_and_only_those_that_still_need_it():
    build = Build(docs=2, site=0, app=1)
    _, entries = await run_with(build, plan(LISTS, EACH), JOBS, *act(STATUS, job="$s1.job"))
    assert build.asked == {"docs": 3, "site": 1, "app": 2}
    assert events(entries, StepClosed)[-1].status == "done"


async def test_a_step_after_it_sees_only_what_was_found_last():
    after = {**step("s2", "start the job again", "build"), "only_if": "s1.status is running"}
    office, entries = await run_with(Build(docs=5), plan(WAITS, after), *ASKS)
    assert office.desk.called(START) == []
    assert entries[-1].event.status == "completed"


async def test_what_never_holds_fails_the_step_after_so_many_times():
    office, entries = await run_with(Build(docs=10_000), plan(WAITS), *ASKS)
    assert len(office.desk.called(STATUS)) == POLLS + 1
    [closed] = events(entries, StepClosed)
    assert closed.status == "failed"
    assert closed.note == f"It was looked at {POLLS} more times and status is done never held."
    assert entries[-1].event.status == "incomplete"


async def test_waiting_again_after_it_is_not_taken_for_a_loop():
    again = {**WAITS, "id": "s2", "intent": "check the build once more", "wait_until": ""}
    build = Build(docs=10_000)
    _, entries = await run_with(build, plan(WAITS, again), *ASKS, *ASKS)
    assert [event.status for event in events(entries, StepClosed)] == ["failed", "done"]


async def test_the_time_of_the_run_bounds_the_waiting_and_more_time_goes_on_with_it():
    build = Build(docs=12)
    budget = Budget(seconds=100)
    office, entries = await run_with(build, plan(WAITS), *ASKS, budget=budget)
    assert (entries[-1].event.status, entries[-1].event.code) == ("stopped", "budget_exceeded")
    asked = build.asked["docs"]
    again = office.orchestrator([])
    more = await entries_of(again.resume(entries[0].run_id, budget=Budget(), approve="yes"))
    assert more[-1].event.status == "completed"
    assert build.asked["docs"] == 13
    first = next(event.poll for event in events(more, CallSettled))
    assert first == asked


async def test_a_look_that_fails_is_only_a_look():
    build = Build(docs=4)
    broken = itertools.cycle([False, True])

    def status(job):
        if next(broken):
            raise ToolFailed("It is busy.")
        return build.status(job)

    office = Office(more=[tool(STATUS, "Get the status of a job.", status, job="string")])
    orchestrator = office.orchestrator([plan(WAITS), *ASKS])
    entries = await entries_of(orchestrator.stream(office.request("Is it built?")))
    assert entries[-1].event.status == "completed"
    assert [event.outcome.ok for event in events(entries, CallSettled)].count(False) == 4


async def test_an_item_that_fails_at_once_is_not_waited_for():
    build = Build(docs=1, site=None)
    _, entries = await run_with(build, plan(LISTS, EACH), JOBS, *act(STATUS, job="$s1.job"))
    assert build.asked == {"docs": 2, "site": 0}
    assert "1 of 2 failed" in events(entries, StepClosed)[-1].note


async def test_a_field_that_the_result_lacks_is_planned_anew_and_not_waited_for():
    wrong = {**WAITS, "wait_until": "state is done"}
    office, entries = await run_with(Build(docs=0), plan(wrong), *ASKS, plan(WAITS), *ASKS)
    [asked] = events(entries, ReplanAsked)
    assert "'state'" in asked.reason
    assert "count, job, status" in asked.reason
    assert office.clock.slept == []
    assert entries[-1].event.status == "completed"


async def test_a_tool_that_changes_something_is_not_used_to_wait():
    waits = {**WAITS, "intent": "wait for the build to be done"}
    office, entries = await run_with(Build(docs=0), plan(waits), START, *ASKS)
    [failed] = events(entries, DecisionFailed)
    assert failed.tool == START
    assert office.desk.called(START) == []
    assert entries[-1].event.status == "completed"


async def test_a_run_that_is_cancelled_while_it_waits_goes_on_waiting_on_a_resume():
    build = Build(docs=3)
    office = Office(more=build.tools())
    orchestrator = office.orchestrator([plan(WAITS), *ASKS])
    pass_time, cancelling = office.clock.sleep, []

    async def sleep(_seconds):
        office.clock.sleep = pass_time
        cancelling.append(asyncio.create_task(orchestrator.cancel("r1")))
        await asyncio.Event().wait()

    office.clock.sleep = sleep
    stream = orchestrator.stream(office.request("Is it built?"), run_id="r1")
    with contextlib.suppress(asyncio.CancelledError):
        await entries_of(stream)
    assert await cancelling[0]
    assert office.store.rows["r1"][-1].event.status == "cancelled"
    more = await entries_of(office.orchestrator([]).resume("r1", approve="yes"))
    assert more[-1].event.status == "completed"
    assert build.asked["docs"] == 4


@pytest.mark.parametrize("durable", [True, False])
async def test_the_run_survives_its_death_at_every_append_while_it_waits(durable):
    planner = [SteadyPlanner(plan(WAITS), {"s1": ASKS})] * 12
    for lives in itertools.count(2):
        build = Build(docs=3)
        office = Office(more=build.tools(), store=MortalStore(lives, durable=durable))
        stream = office.orchestrator(planner).stream(office.request("Built?"), run_id="mortal")
        with contextlib.suppress(Death):
            await entries_of(stream)
        office.store.revive()
        if isinstance(office.store.rows["mortal"][-1].event, RunEnded):
            break
        again = office.orchestrator(planner).resume("mortal", approve="yes")
        entries = await entries_of(again)
        assert entries[-1].event.status == "completed", lives
        assert build.asked["docs"] in {4, 5}, lives


async def test_every_look_is_intended_before_it_is_made():
    _, entries = await run_with(Build(docs=2), plan(WAITS), *ASKS)
    looks = events(entries, CallIntended, CallSettled)
    assert [type(event) for event in looks] == [CallIntended, CallSettled] * 3


def test_pauses_double_up_to_a_limit():
    assert [pause(n) for n in (1, 2, 3, 4, 5, 60)] == [
        2,
        4,
        8,
        16,
        LONGEST_PAUSE_S,
        LONGEST_PAUSE_S,
    ]
