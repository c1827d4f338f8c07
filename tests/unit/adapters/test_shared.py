"""A backend as every role uses it: one queue, by its own card, and nothing secret out of it."""

import asyncio

import pytest

from adapters.backends.shared import SharedBackend
from adapters.traces.metrics import MetricsSink
from orchestrator.core.chat import ChatRequest, Message
from orchestrator.core.errors import BackendRejected
from orchestrator.core.redaction import REDACTED, Redactor
from orchestrator.core.roles import CapabilityCard
from orchestrator.ports.chat import complete
from tests.fakes.backends import FakeBackend, FaultyBackend
from tests.fakes.clock import FakeClock
from tests.unit.adapters.test_metrics import value
from tests.unit.adapters.test_scheduled import Gate, settle

pytestmark = pytest.mark.anyio
KEY = "sk-0123456789abcdef"


def shared(inner, *, card=None, redactor=None, queues=None):
    if card is not None:
        inner.card = card
    return SharedBackend(
        inner,
        name="fake m1",
        clock=FakeClock(),
        redactor=redactor or Redactor(),
        queues=queues,
    )


def asked(text="hello", slot="default"):
    return ChatRequest(messages=(Message(role="user", content=text),), slot=slot)


async def together(backend, *requests):
    """Ask everything at once and say what is let in."""
    tasks = [asyncio.create_task(complete(backend.for_role(role), r)) for role, r in requests]
    await settle()
    inside = list(backend.inner.order)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return inside


FOUR = [("planner", asked(str(n), slot)) for n, slot in enumerate(["a", "a", "b", "c"])]


@pytest.mark.parametrize(
    ("card", "inside"),
    [
        (None, ["0"]),
        (CapabilityCard(parallel=3), ["0", "1", "2"]),
        (CapabilityCard(parallel=3, lanes=True), ["0", "2", "3"]),
    ],
)
async def test_as_many_are_let_in_as_the_card_says_and_lanes_are_kept(card, inside):
    assert await together(shared(Gate(), card=card), *FOUR) == inside


async def test_roles_share_the_turns_and_their_load_is_told():
    metrics = MetricsSink()
    backend = shared(Gate(), queues=metrics)
    tasks = [
        asyncio.create_task(complete(backend.for_role(role), asked(role)))
        for role in ("synthesizer", "planner")
    ]
    await settle()
    assert backend.inner.order == ["synthesizer"]
    assert value(metrics, "ferryman_backend_queued_requests", backend="fake m1") == 1
    for role in ("synthesizer", "planner"):
        backend.inner.let_go(role)
    await asyncio.gather(*tasks)
    assert value(metrics, "ferryman_backend_running_requests", backend="fake m1") == 0
    assert value(metrics, "ferryman_backend_queue_wait_seconds_count", role="planner") == 1


async def test_what_a_server_repeats_of_a_key_is_taken_out():
    inner = FaultyBackend([BackendRejected(f"{KEY} is no key")])
    backend = shared(inner, redactor=Redactor.of([KEY])).for_role("planner")
    with pytest.raises(BackendRejected) as caught:
        await complete(backend, asked())
    assert str(caught.value) == f"{REDACTED} is no key"


async def test_without_secrets_a_reply_comes_as_it_is():
    reply = await complete(shared(FakeBackend()).for_role("planner"), asked())
    assert reply.text.startswith("Red")
