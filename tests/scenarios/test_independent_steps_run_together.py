"""Steps that say they need nothing of each other are decided in turn and read at once."""

import collections
import itertools
import json

import anyio
import pytest

from orchestrator.core.errors import ToolDefinitionChanged, ToolFailed
from orchestrator.core.events import (
    ApprovalAsked,
    CallIntended,
    CallProposed,
    CallSettled,
    DecisionFailed,
    PlanRefused,
    StepClosed,
    VerdictGiven,
)
from orchestrator.core.runs import Budget
from tests.fakes.office import PROFILE, Office, SteadyPlanner, entries_of, events, plan, step
from tests.fakes.tools import InMemoryToolset, tool
from tests.scenarios.test_resume_after_death import Death, MortalStore

pytestmark = pytest.mark.anyio

FORECAST, AGENDA, NOTE = "weather.read_forecast", "calendar.list_events", "notes.write_note"
PARALLEL = PROFILE.model_copy(update={"parallel_steps": True})
GOAL = "Tell me of tomorrow."
ACTS = {
    "s1": (FORECAST, {"city": "Lisbon"}),
    "s2": (AGENDA, {"day": "tomorrow"}),
    "s3": (NOTE, {"text": "tomorrow"}),
}


def said(step_id, intent, namespace, needs=None, **fields):
    """A step that says what it needs; with None it says nothing of it."""
    made = step(step_id, intent, namespace, **fields)
    return made if needs is None else made | {"needs": needs}


def weather(needs=(), **fields):
    return said("s1", "read the forecast for Lisbon", "weather", needs, **fields)


def calendar(needs=(), **fields):
    return said("s2", "list the events of tomorrow", "calendar", needs, **fields)


def note(needs=()):
    return said("s3", "write a note", "notes", needs)


class Meeting:
    """Two tools that answer only once both of them were called."""

    def __init__(self):
        self._called = collections.defaultdict(anyio.Event)

    async def __call__(self, mine, other):
        self._called[mine].set()
        await self._called[other].wait()


def tools(meeting=None, forecast=None, *, effect_of_notes="local_write"):
    """The three tools; with a meeting the readers wait for each other."""

    async def read_forecast(city):
        if meeting:
            await meeting(FORECAST, AGENDA)
        return forecast(city) if forecast else {"text": f"sun in {city}"}

    async def list_events(day):
        if meeting:
            await meeting(AGENDA, FORECAST)
        return {"entries": [{"name": f"dentist {day}"}]}

    def write_note(text):
        return {"written": text}

    return [
        tool(FORECAST, "Read the weather forecast for a city.", read_forecast, city="string"),
        tool(AGENDA, "List the events of a day.", list_events, day="string"),
        tool(NOTE, "Write a note.", write_note, effect=effect_of_notes, text="string"),
    ]


def office_with(*args, **fields):
    keep = {name: fields.pop(name) for name in ("store", "profile") if name in fields}
    return Office(more=tools(*args, **fields), **{"profile": PARALLEL} | keep)


def planner(*steps, acts=ACTS):
    return itertools.repeat(SteadyPlanner(plan(*steps), acts))


async def run(office, *steps, acts=ACTS, **fields):
    orchestrator = office.orchestrator(planner(*steps, acts=acts))
    return await entries_of(orchestrator.stream(office.request(GOAL, **fields), run_id="one"))


def order(entries, *kinds):
    """What happened to which step, in order."""
    found = []
    for event in events(entries, *kinds):
        proposal = getattr(event, "proposal", None)
        found.append((event.type, getattr(event, "step", None) or proposal.step))
    return found


def held(entries):
    return [event.held for event in events(entries, VerdictGiven)]


async def test_two_reads_that_need_nothing_of_each_other_overlap():
    office = office_with(Meeting())
    entries = await run(office, weather(), calendar())
    assert entries[-1].event.status == "completed"
    assert held(entries) == [True, False]
    assert {e.status for e in events(entries, StepClosed)} == {"done"}
    assert order(entries, CallProposed, CallIntended)[:2] == [
        ("call_proposed", "s1"),
        ("call_proposed", "s2"),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        (weather(), calendar(["s1"])),
        (weather(), calendar() | {"only_if": "s1.count > 0"}),
        (weather() | {"wait_until": "text contains sun"}, calendar()),
    ],
    ids=["needs it", "conditional", "waiting"],
)
async def test_a_step_that_may_need_another_is_decided_after_it(steps):
    office = office_with()
    entries = await run(office, *steps)
    assert entries[-1].event.status == "completed"
    assert not any(held(entries))
    assert order(entries, CallProposed, StepClosed) == [
        ("call_proposed", "s1"),
        ("step_closed", "s1"),
        ("call_proposed", "s2"),
        ("step_closed", "s2"),
    ]


@pytest.mark.parametrize("approve", ["yes", "ask"])
async def test_a_write_never_overtakes_the_reads_before_it(approve):
    office = office_with(Meeting(), effect_of_notes="destructive")
    entries = await run(office, weather(), calendar(), note(), approve=approve)
    if approve == "ask":
        assert entries[-1].event.status == "waiting_approval"
        more = office.orchestrator(planner(weather(), calendar(), note()))
        entries += await entries_of(more.resume("one", approve="yes"))
    assert entries[-1].event.status == "completed"
    assert order(entries, CallProposed)[-1] == ("call_proposed", "s3")
    assert len(events(entries, CallProposed)) == 3
    kinds = [type(entry.event) for entry in entries]
    reads = [n for n, kind in enumerate(kinds) if kind is CallSettled][:2]
    assert kinds.index(ApprovalAsked) > max(reads)
    assert [call.tool for call in office.desk.calls][-1] == NOTE


async def test_a_read_does_not_overtake_the_write_before_it():
    acts = {"s1": ACTS["s3"], "s2": ACTS["s2"]}
    writing = said("s1", "write a note", "notes", ())
    office = office_with()
    entries = await run(office, writing, calendar(), acts=acts)
    assert entries[-1].event.status == "completed"
    assert not any(held(entries))
    assert [call.tool for call in office.desk.calls] == [NOTE, AGENDA]


def failing(times):
    """A forecast that fails the first times it is asked."""
    left = itertools.count(1)

    def answer(city):
        if next(left) <= times:
            raise ToolFailed("The service is away.")
        return {"text": f"sun in {city}"}

    return answer


async def test_where_one_fails_the_other_is_done_all_the_same():
    office = office_with(forecast=failing(1))
    entries = await run(office, weather(), calendar())
    assert entries[-1].event.status == "completed"
    assert [event.step for event in events(entries, DecisionFailed)] == ["s1"]
    assert [event.step for event in events(entries, StepClosed)] == ["s2", "s1"]
    assert len(office.desk.called(AGENDA)) == 1


async def test_a_write_waits_until_a_failed_read_before_it_was_made_again():
    office = office_with(forecast=failing(1))
    entries = await run(office, weather(), note())
    assert entries[-1].event.status == "completed"
    assert [call.tool for call in office.desk.calls] == [FORECAST, FORECAST, NOTE]


async def test_a_decision_that_fails_costs_the_held_ones_nothing():
    acts = ACTS | {"s2": (AGENDA, {"day": ["not", "a", "text"]})}
    office = office_with()
    entries = await run(office, weather(), calendar(), acts=acts)
    assert order(entries, DecisionFailed, StepClosed)[:2] == [
        ("decision_failed", "s2"),
        ("step_closed", "s1"),
    ]
    assert len(office.desk.called(FORECAST)) == 1


async def test_equal_reads_are_made_once():
    acts = {"s1": ACTS["s1"], "s2": (FORECAST, {"city": "Lisbon"})}
    office = office_with()
    again = said("s2", "look at the forecast for Lisbon once more", "weather", ())
    entries = await run(office, weather(), again, acts=acts)
    assert entries[-1].event.status == "completed"
    assert len(office.desk.called(FORECAST)) == 1
    assert len(events(entries, CallProposed)) == 2


@pytest.mark.parametrize("budget", [Budget(tool_calls=1), Budget(turns=1)], ids=["calls", "turns"])
async def test_a_run_that_ran_out_goes_on_with_what_it_held(budget):
    office = office_with()
    steps = (weather(), calendar(), note())
    entries = await run(office, *steps, budget=budget)
    assert entries[-1].event.code == "budget_exceeded"
    assert len(office.desk.calls) == 1
    again = office.orchestrator(planner(*steps))
    more = await entries_of(again.resume("one", approve="yes", budget=Budget()))
    assert more[-1].event.status == "completed"
    assert sorted(call.tool for call in office.desk.calls) == sorted([FORECAST, AGENDA, NOTE])


async def test_it_comes_to_the_same_end_wherever_it_dies():
    steps = (weather(), calendar(), note())

    def dying(lives, *, durable):
        return office_with(store=MortalStore(lives, durable=durable))

    whole = dying(10_000, durable=False)
    await run(whole, *steps)
    appends = len(whole.store.batches)
    assert appends > 12
    died = [(n, durable) for n in range(2, appends + 1) for durable in (False, True)]
    for lives, durable in died[:-1]:
        office, where = dying(lives, durable=durable), f"append {lives}, durable: {durable}"
        with pytest.raises(Death):
            await run(office, *steps)
        office.store.revive()
        written = [type(entry.event) for entry in office.store.rows["one"]]
        again = office.orchestrator(planner(*steps))
        more = await entries_of(again.resume("one", approve="yes"))
        assert len(office.desk.called(NOTE)) <= 1, where
        if more[-1].event.status == "waiting_approval":
            assert written[-1] is CallIntended, where
            assert "nobody knows" in more[-1].event.error, where
            continue
        assert more[-1].event.status == "completed", where
        assert len(office.desk.called(NOTE)) == 1, where
        settled = collections.Counter(
            entry.event.id
            for entry in office.store.rows["one"]
            if isinstance(entry.event, CallSettled)
        )
        assert set(settled.values()) == {1}, where
        assert len(settled) == 3, where
        assert office.desk.calls[-1].tool == NOTE, where


async def dead_with_a_held_read():
    """An office whose run died when its first read was held and its second not decided."""
    for lives in itertools.count(2):
        office = office_with(store=MortalStore(lives))
        with pytest.raises(Death):
            await run(office, weather(), calendar())
        office.store.revive()
        last = office.store.rows["one"][-1].event
        if isinstance(last, VerdictGiven) and last.held:
            return office
    return None


async def test_a_held_tool_that_changed_meanwhile_is_not_called():
    office = await dead_with_a_held_read()
    [(spec, answer), *others] = tools()
    changed = spec.model_copy(update={"description": "Something else."})
    office.desk = InMemoryToolset([(changed, answer), *others])
    again = office.orchestrator(planner(weather(), calendar()))
    with pytest.raises(ToolDefinitionChanged, match=FORECAST):
        await entries_of(again.resume("one"))
    assert office.desk.calls == []


async def test_needs_of_an_unknown_step_are_mended():
    office = office_with()
    script = [
        plan(weather(), calendar(["s9"])),
        plan(weather(), calendar()),
        *itertools.chain.from_iterable(ACTS.values()),
    ]
    orchestrator = office.orchestrator(script)
    entries = await entries_of(orchestrator.stream(office.request(GOAL)))
    [refused] = events(entries, PlanRefused)
    assert refused.problems == (
        "s2 needs 's9', which is no earlier step. The earlier steps are: s1.",
    )
    assert entries[-1].event.status == "completed"


@pytest.mark.parametrize("asked", [True, False])
async def test_only_a_profile_that_wants_it_has_the_planner_say_needs(asked):
    office = office_with(profile=PARALLEL if asked else PROFILE)
    needs = () if asked else None
    entries = await run(office, weather(needs), calendar(needs))
    assert entries[-1].event.status == "completed"
    assert any(held(entries)) is asked
    first = office.planner.requests[0]
    schema = json.dumps(first.constraint.json_schema)
    shown = [message.content for message in first.messages]
    assert ('"needs"' in schema) is asked
    assert ("ids of the earlier steps whose results" in shown[0]) is asked
    worked = [text for text in shown[1:] if text.startswith('{"steps"')]
    assert worked
    assert all(('"needs":[' in text) is asked for text in worked)
