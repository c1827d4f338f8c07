"""Calls are tried again where that may help, and nowhere else."""

from contextlib import aclosing

import pytest

from adapters.backends.openai_errors import BackendBusy
from adapters.backends.resilient import ResilientBackend, Retries
from orchestrator.core.chat import ChatRequest, Choice, Message, TextDelta
from orchestrator.core.errors import (
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextOverflow,
)
from orchestrator.ports.chat import complete
from tests.fakes.backends import FaultyBackend
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio

GONE = BackendUnavailable("gone")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def retrying(clock):
    def wrap(*attempts, **retries):
        inner = FaultyBackend(*attempts)
        backend = ResilientBackend(
            inner, clock=clock, retries=Retries(**retries), sleep=clock.sleep
        )
        return backend, inner

    return wrap


def ask(**fields):
    return ChatRequest(messages=(Message(role="user", content="hi"),), **fields)


async def test_a_good_reply_is_handed_on_as_it_comes(retrying, clock):
    backend, inner = retrying(["a", "b"])
    items = [item async for item in backend.stream(ask())]
    assert [item.text for item in items] == ["a", "b", "ab"]
    assert (len(inner.requests), clock.slept) == (1, [])


@pytest.mark.parametrize("error", [GONE, BackendTimeout("late"), BackendProtocolError("odd")])
async def test_an_error_that_may_pass_is_met_with_another_try(retrying, error):
    backend, inner = retrying([error], [error], ["ok"])
    assert (await complete(backend, ask())).text == "ok"
    assert len(inner.requests) == 3
    assert inner.closed >= 2


@pytest.mark.parametrize(
    "error", [BackendRejected("no"), ContextOverflow("long"), RuntimeError("a bug")]
)
async def test_an_error_that_will_not_pass_is_raised_at_once(retrying, clock, error):
    backend, inner = retrying([error], ["ok"])
    with pytest.raises(type(error)):
        await complete(backend, ask())
    assert (len(inner.requests), clock.slept) == (1, [])


async def test_the_last_error_is_raised_when_the_attempts_are_used_up(retrying):
    backend, inner = retrying([GONE], [GONE], [BackendTimeout("the last")], ["too late"])
    with pytest.raises(BackendTimeout, match="the last"):
        await complete(backend, ask())
    assert len(inner.requests) == 3


async def test_nothing_is_tried_again_after_the_first_word(retrying):
    backend, inner = retrying(["par", GONE], ["ok"])
    stream = backend.stream(ask())
    assert (await anext(stream)).text == "par"
    with pytest.raises(BackendUnavailable):
        await anext(stream)
    assert len(inner.requests) == 1


async def test_a_forced_reply_is_tried_again_whole_because_no_part_of_it_is_of_use(retrying):
    backend, inner = retrying(["do", GONE], ["do", "ne"])
    forced = ask(constraint=Choice(options=("done",)))
    items = [item async for item in backend.stream(forced)]
    assert [item.text for item in items] == ["do", "ne", "done"]
    assert len(inner.requests) == 2


async def test_waits_are_random_growing_and_capped(retrying, clock):
    backend, _ = retrying(*[[GONE]] * 12, attempts=12, first_wait=1.0, longest_wait=4.0)
    with pytest.raises(BackendUnavailable):
        await complete(backend, ask(deadline_s=1000))
    assert len(clock.slept) == 11
    assert clock.slept[0] <= 1.0
    assert max(clock.slept) <= 4.0


async def test_the_wait_that_the_server_asks_for_is_honoured(retrying, clock):
    backend, _ = retrying([BackendBusy("full", retry_after_s=30)], ["ok"])
    assert (await complete(backend, ask())).text == "ok"
    assert clock.slept == [30]


async def test_a_wait_beyond_the_deadline_is_not_begun(retrying, clock):
    backend, inner = retrying([BackendBusy("full", retry_after_s=30)], ["ok"])
    with pytest.raises(BackendUnavailable, match="full"):
        await complete(backend, ask(deadline_s=20))
    assert (len(inner.requests), clock.slept) == (1, [])


async def test_each_try_gets_what_is_left_of_the_deadline(retrying):
    backend, inner = retrying([BackendBusy("full", retry_after_s=30)], ["ok"])
    await complete(backend, ask(deadline_s=100))
    assert [request.deadline_s for request in inner.requests] == [100, 70]


async def test_closing_the_stream_closes_the_one_inside(retrying):
    backend, inner = retrying(["a", "b", "c"])
    async with aclosing(backend.stream(ask())) as stream:
        assert await anext(stream) == TextDelta(text="a")
        assert inner.closed == 0
    assert inner.closed == 1
