"""A server on real sockets that fails in each of the ways that servers fail."""

import asyncio
import socket
from contextlib import aclosing, asynccontextmanager

import pytest

from adapters.backends.openai_chat import OpenAIChatBackend, Server, Timeouts, pooled_transport
from adapters.clock import SystemClock
from orchestrator.core.errors import BackendProtocolError, BackendTimeout, BackendUnavailable
from orchestrator.ports.chat import complete
from tests.fakes.chat_server import END, RESET, delta, head, serving, well_behaved
from tests.fakes.wire import ask

pytestmark = pytest.mark.anyio

QUICK = Timeouts(connect=5.0, first_token=0.1, stall=0.1)
PATIENT = Timeouts(first_token=60, stall=60)
SILENCE = asyncio.Event
COMMENT = b": keep-alive\n\n"


@pytest.fixture(params=["httpx", "aiohttp"])
def transport_of(request):
    return pooled_transport if request.param == "aiohttp" else lambda server: None


@pytest.fixture
def speaking_to(transport_of):
    @asynccontextmanager
    async def open_backend(url, timeouts=QUICK):
        server = Server(url, "m", timeouts=timeouts)
        transport = transport_of(server)
        async with OpenAIChatBackend(server, clock=SystemClock(), transport=transport) as backend:
            yield backend

    return open_backend


@pytest.fixture
def failing(speaking_to):
    async def fail(script, kind, timeouts=QUICK, **fields):
        async with (
            serving(lambda body: script) as server,
            speaking_to(server.url, timeouts) as backend,
        ):
            with pytest.raises(kind) as caught:
                await complete(backend, ask(**fields))
        if kind in {BackendTimeout, BackendUnavailable}:
            assert server.url in caught.value.message
        return caught.value

    return fail


async def test_a_refused_connection_is_unavailable(speaking_to):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    async with speaking_to(url, PATIENT) as backend:
        with pytest.raises(BackendUnavailable, match="cannot be reached"):
            await complete(backend, ask())


async def test_a_server_that_accepts_and_never_answers_gives_no_first_token(failing):
    error = await failing([SILENCE()], BackendTimeout)
    assert "no first token within 0.1 s" in error.message


@pytest.mark.parametrize("sign", [COMMENT, delta("")])
async def test_headers_comments_and_a_role_are_no_first_token(failing, sign):
    error = await failing([head(), sign, SILENCE()], BackendTimeout)
    assert "no first token" in error.message


async def test_a_probe_finds_the_dead_engine_behind_a_live_port(speaking_to):
    async with serving(lambda body: [SILENCE()]) as server, speaking_to(server.url) as backend:
        with pytest.raises(BackendTimeout):
            await backend.probe()


async def test_a_stream_that_falls_silent_is_a_stall(failing):
    error = await failing([head(), delta("Hel"), COMMENT, SILENCE()], BackendTimeout)
    assert "fell silent for 0.1 s" in error.message


async def test_the_whole_call_has_a_deadline(failing):
    script = [head(), delta("Hel"), SILENCE()]
    error = await failing(script, BackendTimeout, PATIENT, deadline_s=0.1)
    assert "did not finish within 0.1 s" in error.message


async def test_an_error_page_that_never_ends_has_the_same_deadline(failing):
    script = [head("text/html", "500 Oops"), b"<html>", SILENCE()]
    await failing(script, BackendTimeout, PATIENT, deadline_s=0.1)


@pytest.mark.parametrize("rest", [[], [END], [b'data: {"choi']])
async def test_a_stream_that_is_cut_is_never_complete(failing, rest):
    await failing([head(), delta("Hel"), *rest], BackendProtocolError, PATIENT)


async def test_a_reset_before_the_answer_is_unavailable(failing):
    await failing([RESET], BackendUnavailable, PATIENT)


async def test_a_reset_in_the_middle_is_never_an_end(failing):
    cut_or_lost = (BackendProtocolError, BackendUnavailable)
    error = await failing([head(), delta("Hel"), RESET], cut_or_lost, PATIENT)
    assert error.retryable


async def test_a_server_that_closes_without_a_word_is_unavailable(failing):
    await failing([], BackendUnavailable, PATIENT)


async def test_a_chunked_reply_cut_before_its_last_chunk_is_an_error(failing):
    chunk = delta("Hello", "stop")
    chunked = head("text/event-stream", "200 OK", "transfer-encoding: chunked")
    await failing([chunked, b"fff\r\n", chunk], BackendUnavailable, PATIENT)


async def test_a_finished_reply_is_given_even_if_the_connection_stays_open(speaking_to):
    script = [head(), delta("Hello", "stop"), END, SILENCE()]
    async with serving(lambda body: script) as server, speaking_to(server.url, PATIENT) as backend:
        assert (await complete(backend, ask())).text == "Hello"


async def test_a_reply_cut_by_length_says_so(speaking_to):
    script = [head(), delta("One", "length"), END]
    async with serving(lambda body: script) as server, speaking_to(server.url) as backend:
        assert (await complete(backend, ask())).truncated


async def test_an_html_page_is_named(failing):
    page = head("text/html"), b"<html>Welcome to the router</html>"
    error = await failing(page, BackendProtocolError, PATIENT)
    assert "Welcome to the router" in error.message


async def test_an_endless_body_is_dropped_at_its_limit(speaking_to):
    def endless(body):
        yield head()
        while True:
            yield COMMENT * 4096

    async with serving(endless) as server, speaking_to(server.url, PATIENT) as backend:
        with pytest.raises(BackendProtocolError, match="more than the 8388608 bytes"):
            await complete(backend, ask())


async def test_closing_the_stream_hangs_up_at_the_server(speaking_to):
    script = [head(), delta("Hel"), SILENCE()]
    async with serving(lambda body: script) as server, speaking_to(server.url, PATIENT) as backend:
        async with aclosing(backend.stream(ask())) as stream:
            assert (await anext(stream)).text == "Hel"
        async with asyncio.timeout(30):
            await server.hung_up.wait()


async def test_cancelling_a_waiting_caller_hangs_up_at_the_server(speaking_to):
    asked = asyncio.Event()

    def script(body):
        asked.set()
        return [SILENCE()]

    async with serving(script) as server, speaking_to(server.url, PATIENT) as backend:
        caller = asyncio.create_task(complete(backend, ask()))
        await asked.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        async with asyncio.timeout(30):
            await server.hung_up.wait()


async def test_many_calls_share_the_pool(speaking_to):
    async with serving(well_behaved) as server, speaking_to(server.url, PATIENT) as backend:
        replies = await asyncio.gather(*(complete(backend, ask()) for _ in range(50)))
    assert len({reply.text for reply in replies}) == 1
    assert len(server.bodies) == 50


async def test_a_finished_reply_leaves_its_connection_for_the_next(speaking_to):
    opened = []

    async def keep_alive(reader, writer):
        opened.append(writer)
        while True:
            try:
                asked = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return writer.close()
            await reader.readexactly(int(asked.lower().split(b"content-length: ")[1].split()[0]))
            body = delta("Hello", "stop") + END
            chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
            kind = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n" + kind + chunk)

    server = await asyncio.start_server(keep_alive, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with speaking_to(url, PATIENT) as backend:
        for _ in range(3):
            assert (await complete(backend, ask())).text == "Hello"
        assert len(opened) == 1
    server.close()
