"""Turns at a backend: never too many, none lost, planners first, nobody forgotten."""

import asyncio
from contextlib import aclosing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.backends.scheduled import MOST_OVERTAKEN, ScheduledBackend, Slots
from orchestrator.core.chat import ChatReply, ChatRequest, Message, TextDelta
from orchestrator.core.errors import BackendUnavailable
from orchestrator.ports.chat import complete
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


def asked(text="hello", slot="default"):
    return ChatRequest(messages=(Message(role="user", content=text),), slot=slot)


class Gate:
    """A backend that answers a request when the test lets it, and counts who is inside."""

    def __init__(self):
        self.inside = []
        self.most = 0
        self.order = []
        self.together = []
        self._may_go = {}

    async def stream(self, request):
        name = request.messages[0].content
        self.inside.append((name, request.slot))
        self.order.append(name)
        self.most = max(self.most, len(self.inside))
        slots = [slot for _, slot in self.inside]
        self.together.append(len(slots) - len(set(slots)))
        try:
            yield TextDelta(text="…")
            await self._may_go.setdefault(name, asyncio.Event()).wait()
            yield ChatReply(text="…")
        finally:
            self.inside.remove((name, request.slot))

    def let_go(self, name):
        self._may_go.setdefault(name, asyncio.Event()).set()


class Office:
    """Planners and synthesizers in front of one gate."""

    def __init__(self, limit=1, *, conversations=False):
        self.gate, self.clock, self.waits = Gate(), FakeClock(), []
        self.slots = Slots(limit=limit, conversations=conversations)
        self.tasks = {}

    def backend(self, role):
        return ScheduledBackend(
            self.gate,
            self.slots,
            role=role,
            clock=self.clock,
            waited=lambda *wait: self.waits.append(wait),
        )

    async def ask(self, name, role="planner", slot="default"):
        request = asked(name, slot)
        self.tasks[name] = asyncio.create_task(complete(self.backend(role), request))
        await settle()

    async def answer(self, name):
        self.gate.let_go(name)
        await settle()

    async def cancel(self, name):
        self.tasks[name].cancel()
        await settle()

    async def answer_all(self):
        for name in self.tasks:
            self.gate.let_go(name)
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def settle():
    """Let every task run until it waits for something."""
    for _ in range(12):
        await asyncio.sleep(0)


async def test_no_more_requests_go_in_than_the_backend_answers_at_once():
    office = Office(limit=2)
    for name in "abc":
        await office.ask(name)
    assert office.gate.order == ["a", "b"]
    assert office.slots.load == (2, 1, 2)
    await office.answer("a")
    assert office.gate.order == ["a", "b", "c"]
    await office.answer_all()
    assert office.slots.load == (0, 0, 2)


async def test_a_planner_goes_before_a_synthesizer_that_came_first():
    office = Office()
    await office.ask("now")
    await office.ask("answer", "synthesizer")
    await office.ask("decision", "planner")
    await office.answer("now")
    assert office.gate.order == ["now", "decision"]
    await office.answer_all()


async def test_first_come_first_served_within_a_role():
    office = Office()
    names = [f"p{n}" for n in range(6)]
    for name in names:
        await office.ask(name)
    await office.answer_all()
    assert office.gate.order == names


async def test_a_synthesizer_is_overtaken_only_so_often():
    office = Office()
    await office.ask("now")
    await office.ask("answer", "synthesizer")
    names = [f"p{n}" for n in range(MOST_OVERTAKEN + 3)]
    for name in names:
        await office.ask(name)
    await office.answer_all()
    assert office.gate.order.index("answer") == 1 + MOST_OVERTAKEN


async def test_one_that_waits_can_be_cancelled_and_leaves_nothing_behind():
    office = Office()
    await office.ask("now")
    await office.ask("gone")
    await office.ask("next")
    await office.cancel("gone")
    assert office.slots.load == (1, 1, 1)
    await office.answer("now")
    assert office.gate.order == ["now", "next"]
    await office.answer_all()


async def test_one_that_is_cancelled_while_it_streams_gives_its_turn_to_the_next_at_once():
    office = Office()
    await office.ask("now")
    await office.ask("next")
    await office.cancel("now")
    assert office.gate.order == ["now", "next"]
    await office.answer_all()


async def test_one_that_is_cancelled_in_the_very_moment_of_its_turn_gives_it_on():
    office = Office()
    await office.ask("now")
    await office.ask("gone")
    await office.ask("next")
    office.gate.let_go("now")
    given = office.slots.load.running, office.slots.load.waiting
    for _ in range(12):
        if given != (office.slots.load.running, office.slots.load.waiting):
            break
        await asyncio.sleep(0)
    assert office.gate.order == ["now"]
    await office.cancel("gone")
    assert office.gate.order == ["now", "next"]
    await office.answer_all()
    assert office.slots.load == (0, 0, 1)


async def test_a_cancelled_one_is_not_let_in_before_its_task_has_noticed():
    office = Office()
    await office.ask("now")
    await office.ask("gone")
    office.tasks["gone"].cancel()
    office.tasks["now"].cancel()
    await settle()
    assert office.gate.order == ["now"]
    assert office.slots.load == (0, 0, 1)


async def test_a_stream_that_is_closed_early_gives_its_turn_back():
    office = Office()
    stream = office.backend("planner").stream(asked("now"))
    async with aclosing(stream):
        await anext(stream)
        assert office.slots.load.running == 1
    assert office.slots.load.running == 0


async def test_a_stream_that_was_never_read_takes_no_turn():
    office = Office()
    await office.backend("planner").stream(asked()).aclose()
    assert office.slots.load == (0, 0, 1)


async def test_an_error_of_the_backend_gives_the_turn_back():
    class Dead:
        async def stream(self, request):
            raise BackendUnavailable("Nobody there.")
            yield

    slots = Slots(limit=1)
    backend = ScheduledBackend(Dead(), slots, role="planner", clock=FakeClock())
    with pytest.raises(BackendUnavailable):
        await complete(backend, asked())
    assert slots.load == (0, 0, 1)


async def test_the_wait_is_told_and_is_no_part_of_the_deadline():
    office = Office()
    seen = []

    class Noting:
        async def stream(self, request):
            seen.append(request.deadline_s)
            async for item in office.gate.stream(request):
                yield item

    backend = ScheduledBackend(
        Noting(),
        office.slots,
        role="synthesizer",
        clock=office.clock,
        waited=lambda *wait: office.waits.append(wait),
    )
    await office.ask("now")
    late = asyncio.create_task(complete(backend, asked("late")))
    await settle()
    office.clock.advance(1_000)
    await office.answer("now")
    office.gate.let_go("late")
    await late
    assert seen == [300.0]
    assert office.waits == [("planner", 0.0), ("synthesizer", 1_000.0)]


async def test_a_conversation_on_a_lane_is_answered_one_request_after_another():
    office = Office(limit=2, conversations=True)
    await office.ask("text 1", "synthesizer", "text")
    await office.ask("text 2", "synthesizer", "text")
    await office.ask("plan", "planner", "planner")
    assert office.gate.order == ["text 1", "plan"]
    await office.answer("plan")
    assert office.gate.order == ["text 1", "plan"]
    await office.answer("text 1")
    assert office.gate.order == ["text 1", "plan", "text 2"]
    await office.answer_all()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "answer", "cancel"]),
        st.sampled_from(["planner", "synthesizer"]),
        st.sampled_from(["one", "two", "three"]),
        st.integers(0, 30),
        st.integers(0, 4),
    ),
    max_size=60,
)


@given(events=EVENTS, limit=st.integers(1, 4), conversations=st.booleans())
def test_whatever_comes_and_goes_no_turn_is_lost_and_nobody_is_forgotten(
    events, limit, conversations
):
    async def play():
        office = Office(limit, conversations=conversations)
        for number, (what, role, slot, which, ticks) in enumerate(events):
            await step(office, what, role, slot, which, number)
            for _ in range(ticks):
                await asyncio.sleep(0)
            load = office.slots.load
            assert load.running <= limit
            assert len(office.gate.inside) <= load.running
        await office.answer_all()
        with suppress(asyncio.CancelledError):
            await settle()
        assert office.slots.load == (0, 0, limit)
        assert office.gate.most <= limit
        if conversations:
            assert not any(office.gate.together)
        answered = {n for n, task in office.tasks.items() if not task.cancelled()}
        assert answered <= set(office.gate.order)

    asyncio.run(play())


async def step(office, what, role, slot, which, number):
    names = list(office.tasks)
    if what == "ask":
        request = asked(str(number), slot)
        office.tasks[str(number)] = asyncio.create_task(complete(office.backend(role), request))
    elif names and what == "answer":
        office.gate.let_go(names[which % len(names)])
    elif names:
        office.tasks[names[which % len(names)]].cancel()


@given(roles=st.lists(st.sampled_from(["planner", "synthesizer"]), max_size=40))
def test_nobody_is_overtaken_more_often_than_said_and_roles_keep_their_order(roles):
    async def play():
        office = Office()
        await office.ask("now")
        for number, role in enumerate(roles):
            office.tasks[str(number)] = asyncio.create_task(
                complete(office.backend(role), asked(str(number)))
            )
        await settle()
        await office.answer_all()
        order = [int(name) for name in office.gate.order[1:]]
        assert sorted(order) == list(range(len(roles)))
        for place, number in enumerate(order):
            assert sum(later > number for later in order[:place]) <= MOST_OVERTAKEN
        for role in ("planner", "synthesizer"):
            mine = [number for number in order if roles[number] == role]
            assert mine == sorted(mine)

    asyncio.run(play())
