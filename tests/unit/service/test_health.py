"""Health: alive is not ready, slow is not unready, and going down is said."""

import asyncio
import os
import socket
from dataclasses import replace

import pytest

from orchestrator.core.errors import JournalError
from orchestrator.service import health
from orchestrator.service.opening import _listening, _readable, _writable
from tests.fakes.office import Office
from tests.fakes.serving import in_process, service_over

pytestmark = pytest.mark.anyio


async def ready():
    return ""


async def gone():
    return "its server did not start"


async def slow():
    return await asyncio.Event().wait()


async def asked(tmp_path, checks, *, draining=False):
    service = replace(service_over(Office(), tmp_path), checks=checks)
    if draining:
        service.draining.set()
    async with in_process(service) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        response = await client.get("/readyz")
    body = response.json()
    found = {each["name"]: each["status"] for each in body["dependencies"]}
    return response.status_code, body["status"], found


async def test_everything_there_is_ready(tmp_path):
    assert await asked(tmp_path, {"a": ready}) == (200, "ready", {"a": "ready"})


async def test_what_is_slow_may_still_be_there(tmp_path, monkeypatch):
    monkeypatch.setattr(health, "SLOW_S", 0.01)
    found = await asked(tmp_path, {"a": slow, "b": ready})
    assert found == (200, "ready", {"a": "slow", "b": "ready"})


async def test_what_is_certain_not_to_work_is_unready(tmp_path):
    found = await asked(tmp_path, {"a": gone, "b": ready})
    assert found == (503, "unready", {"a": "unready", "b": "ready"})


async def test_a_service_that_goes_down_is_not_sent_anything_more(tmp_path):
    assert (await asked(tmp_path, {"a": ready}, draining=True))[:2] == (503, "draining")


async def test_a_state_folder_that_cannot_be_written_is_noticed(tmp_path):
    assert await _writable(tmp_path)() == ""
    assert list(tmp_path.iterdir()) == []
    assert "No such file" in await _writable(tmp_path / "nowhere")()


async def test_a_journal_that_cannot_be_read_is_named_by_its_code_only():
    class Broken:
        async def heads(self, limit):
            raise JournalError("/home/ana/journal.db is damaged.")

    assert await _readable(Broken())() == "it cannot be read: journal"
    assert await _readable(Office().store)() == ""


async def test_a_model_server_is_there_when_somebody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        assert await _listening(url)() == ""
    said = await _listening(url)()
    assert said.startswith("nobody listens at its address")
    assert url not in said
    assert os.strerror(111) in said or "Connect" in said
