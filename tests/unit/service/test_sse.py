"""Server-sent events: frames, signs of life, and an end when the service goes down."""

import asyncio

import pytest

from orchestrator.service.sse import RETRY_MS, SIGN_OF_LIFE, frame, kept_alive

pytestmark = pytest.mark.anyio
RETRY = f"retry: {RETRY_MS}\n\n".encode()


async def of(*given, gate=None):
    for each in given:
        yield each
    if gate is not None:
        await gate.wait()


async def collected(stream):
    return [each async for each in stream]


def test_a_frame_has_its_name_its_data_and_its_number():
    assert frame("{}", event="run_started", seq=7) == b"event: run_started\ndata: {}\nid: 7\n\n"
    assert frame("{}", event="end") == b"event: end\ndata: {}\n\n"
    assert frame('"ü"') == 'data: "ü"\n\n'.encode()


async def test_frames_pass_in_order_after_the_time_to_come_back():
    stream = kept_alive(of(b"1", b"2", b"3"), every_s=30, until=asyncio.Event())
    assert await collected(stream) == [RETRY, b"1", b"2", b"3"]


async def test_while_nothing_happens_there_are_signs_of_life_and_nothing_is_lost():
    gate = asyncio.Event()

    async def late():
        await gate.wait()
        yield b"late"

    stream = kept_alive(late(), every_s=0.001, until=asyncio.Event())
    seen = [await anext(stream) for _ in range(4)]
    assert seen == [RETRY, SIGN_OF_LIFE, SIGN_OF_LIFE, SIGN_OF_LIFE]
    gate.set()
    rest = await collected(stream)
    assert rest[-1] == b"late"
    assert set(rest[:-1]) <= {SIGN_OF_LIFE}


async def test_a_service_that_goes_down_ends_its_streams():
    down, gate = asyncio.Event(), asyncio.Event()
    stream = kept_alive(of(b"1", gate=gate), every_s=30, until=down)
    assert [await anext(stream), await anext(stream)] == [RETRY, b"1"]
    asyncio.get_running_loop().call_soon(down.set)
    assert set(await collected(stream)) <= {SIGN_OF_LIFE}


async def test_a_failure_of_the_source_is_not_swallowed():
    async def breaking():
        yield b"1"
        raise ValueError

    stream = kept_alive(breaking(), every_s=30, until=asyncio.Event())
    with pytest.raises(ValueError):  # noqa: PT011 - the one that is raised above
        await collected(stream)


async def test_leaving_closes_the_source():
    closed = []

    async def source():
        try:
            yield b"1"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    stream = kept_alive(source(), every_s=0.001, until=asyncio.Event())
    for _ in range(3):
        await anext(stream)
    await stream.aclose()
    assert closed == [True]
