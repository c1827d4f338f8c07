"""A client that loses its stream, at whatever event, comes back and misses nothing."""

import asyncio
from contextlib import aclosing

import pytest

from orchestrator.graph.context import Player
from tests.fakes.office import Office, entries_of, screenshots
from tests.fakes.serving import GOAL, PATIENCE_S, frames, in_process, served, service_over

pytestmark = pytest.mark.anyio


class Paced:
    """A backend that answers only as often as it is allowed to."""

    def __init__(self, backend):
        self.turns = asyncio.Semaphore(0)
        self._backend = backend

    async def stream(self, request):
        await self.turns.acquire()
        async with aclosing(self._backend.stream(request)) as items:
            async for item in items:
                yield item


@pytest.fixture
def office():
    return Office(images=screenshots())


async def read(client, run_id, *, most=None, last=None, **options):
    """Events of a stream that is left after `most` of them."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    seen, text = [], ""
    url = f"/v1/runs/{run_id}/events"
    async with (
        asyncio.timeout(PATIENCE_S),
        client.stream("GET", url, headers=headers, **options) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        async for chunk in response.aiter_text():
            text += chunk
            whole, _, text = text.rpartition("\n\n")
            seen += frames(whole)
            if most is not None and len(seen) >= most:
                return seen[:most]
    return seen


async def start(client, **fields):
    response = await client.post("/v1/runs", json={"goal": GOAL, **fields})
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def test_the_stream_is_the_journal(office, tmp_path):
    service = service_over(office, tmp_path)
    async with served(service) as client:
        run_id = await start(client, approve="yes")
        *events, end = await read(client, run_id)
        follower = service.dispatcher.follow(run_id)
        entries = await entries_of(follower)
    assert [seq for _, seq, _ in events] == list(range(1, len(entries) + 1))
    assert [data for *_, data in events] == [entry.model_dump(mode="json") for entry in entries]
    assert [name for name, *_ in events] == [entry.event.type for entry in entries]
    assert end == ("end", None, {"status": "completed", "last_seq": len(entries)})


async def test_left_at_every_event_of_a_run_that_is_over_it_goes_on_from_there(office, tmp_path):
    async with served(service_over(office, tmp_path)) as client:
        run_id = await start(client, approve="yes")
        whole = await read(client, run_id)
        for left_at in range(1, len(whole)):
            before = await read(client, run_id, most=left_at)
            after = await read(client, run_id, last=left_at)
            assert before + after == whole


async def test_left_at_every_event_of_a_run_that_is_going_on_nothing_is_missed(office, tmp_path):
    service = service_over(office, tmp_path)
    roles = service.orchestrator.parts.roles
    paced = Paced(roles["planner"].backend)
    roles["planner"] = Player(paced, roles["planner"].profile)
    seen = []
    async with served(service) as client:
        run_id = await start(client, approve="yes")
        while not seen or seen[-1][0] != "end":
            # The run goes on only after the client has left and, maybe, before it is back.
            [event] = await read(client, run_id, most=1, last=len(seen))
            seen.append(event)
            paced.turns.release()
        whole = await read(client, run_id)
    assert seen == whole
    assert seen[-1][2]["status"] == "completed"


async def test_many_watch_the_same_run_and_each_sees_all_of_it(office, tmp_path):
    async with served(service_over(office, tmp_path)) as client:
        run_id = await start(client, approve="yes")
        seen = await asyncio.gather(*(read(client, run_id) for _ in range(8)))
        whole = await read(client, run_id)
    assert all(each == whole for each in seen)


async def test_a_client_that_leaves_cancels_nothing(office, tmp_path):
    async with served(service_over(office, tmp_path)) as client:
        run_id = await start(client, approve="yes")
        await read(client, run_id, most=1)
        whole = await read(client, run_id)
    assert whole[-1][2]["status"] == "completed"


async def test_the_header_of_the_browser_goes_before_the_query(office, tmp_path):
    async with in_process(service_over(office, tmp_path)) as client:
        run_id = await start(client, approve="yes")
        whole = await read(client, run_id)
        url = f"/v1/runs/{run_id}/events"
        later = await client.get(url, params={"after": 3})
        both = await client.get(url, params={"after": 3}, headers={"Last-Event-ID": "5"})
        beyond = await client.get(url, params={"after": 10_000})
        nonsense = await client.get(url, headers={"Last-Event-ID": "five"})
    assert frames(later.text) == whole[3:]
    assert frames(both.text) == whole[5:]
    assert [name for name, *_ in frames(beyond.text)] == ["end"]
    assert nonsense.status_code == 400


async def test_a_run_that_rests_ends_its_stream_and_says_what_it_waits_for(office, tmp_path):
    async with in_process(service_over(office, tmp_path)) as client:
        run_id = await start(client)
        *_, end = await read(client, run_id)
    assert end[2]["status"] == "waiting_approval"


async def test_text_is_streamed_as_it_is_written_if_that_is_asked_for(office, tmp_path):
    service = service_over(office, tmp_path)
    roles = service.orchestrator.parts.roles
    paced = Paced(roles["planner"].backend)
    roles["planner"] = Player(paced, roles["planner"].profile)
    async with served(service) as client:
        run_id = await start(client, approve="yes")
        reading = asyncio.create_task(read(client, run_id, params={"deltas": "true"}))
        for _ in range(100):
            paced.turns.release()
        seen = await reading
        plain = await read(client, run_id)
    texts = [data["text"] for name, _, data in seen if name == "delta"]
    assert "It is done." in "".join(texts)
    assert [event for event in seen if event[0] != "delta"] == plain


async def test_a_stream_of_a_service_that_goes_down_ends_without_an_end(office, tmp_path):
    service = service_over(office, tmp_path)
    roles = service.orchestrator.parts.roles
    roles["planner"] = Player(Paced(roles["planner"].backend), roles["planner"].profile)
    async with served(service) as client:
        run_id = await start(client)
        reading = asyncio.create_task(read(client, run_id))
        await read(client, run_id, most=1)
        service.draining.set()
        seen = await reading
    assert [name for name, *_ in seen] == ["run_started"]


async def test_a_run_that_cannot_go_on_says_so_and_tells_no_secret(office, tmp_path):
    service = service_over(office, tmp_path)
    roles = service.orchestrator.parts.roles
    paced = Paced(roles["planner"].backend)
    roles["planner"] = Player(paced, roles["planner"].profile)
    async with served(service) as client:
        run_id = await start(client)
        office.store.failing = True
        paced.turns.release()
        seen = await read(client, run_id)
    name, _, data = seen[-1]
    assert name == "error"
    assert data["error"]["code"] == "journal"
    assert "disk" not in data["error"]["message"]
