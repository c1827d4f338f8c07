"""`ferryman serve` as an operator meets it: what it says, whom it lets in, how it stops."""

import asyncio
import json
import signal
import socket

import pytest

from tests.fakes.command_line import CommandLine
from tests.fakes.served import book, model_server, serving, stamping

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(200)]


@pytest.fixture
def idle(tmp_path):
    """A machine without tools, whose models say nothing."""
    return CommandLine(tmp_path, servers={})


async def told(command, *arguments):
    return await asyncio.to_thread(command.run, *arguments)


async def test_it_says_where_it_is_and_stops_when_told_to(tmp_path):
    async with model_server() as models:
        command = stamping(tmp_path, models.url)
        log = tmp_path / "log.jsonl"
        async with serving(command, "--log", str(log)) as served:
            url = str(served.client.base_url).rstrip("/")
            assert served.said == (
                f"Ferryman listens at {url} (without keys, this machine only): "
                "planner script, synthesizer script; 5 tools. Ctrl-C stops it.\n"
            )
            run = (await served.client.post("/v1/runs", json={"goal": "Stamp paper 7."})).json()
            ready = await served.client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
            watching = asyncio.create_task(served.client.get(f"/v1/runs/{run['id']}/events"))
            code, rest = await served.stopped(signal.SIGTERM)
            watched = (await watching).text
    assert (code, rest) == (0, "")
    assert watched.startswith("retry: ")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"run_started"} <= {line.get("event") for line in lines}
    assert book(command) == []


async def test_a_key_holds_from_the_moment_it_is_made_until_it_is_taken_back(idle):
    async with serving(idle) as served:
        assert (await served.client.get("/v1/runs")).status_code == 200
        made = await told(idle, "keys", "add", "ana", "--scope", "run,approve", "--tenant", "red")
        [token] = made.stdout.split()
        headers = {"Authorization": f"Bearer {token}"}
        assert (await served.client.get("/v1/runs")).status_code == 401
        assert (await served.client.get("/v1/runs", headers=headers)).status_code == 200
        listed = await told(idle, "keys", "list", "--json")
        [key] = json.loads(listed.stdout)
        assert (key["name"], key["tenant"], key["scopes"]) == ("ana", "red", ["approve", "run"])
        assert token not in listed.stdout
        assert (await told(idle, "keys", "revoke", "ana")).returncode == 0
        assert (await served.client.get("/v1/runs", headers=headers)).status_code == 401


async def test_it_is_not_offered_to_others_without_a_key(idle):
    refused = await told(idle, "serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "it has no keys" in refused.stderr
    assert "ferryman keys add NAME" in refused.stderr


async def test_a_port_that_is_taken_is_named_before_any_model_is_loaded(idle):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = await told(idle, "serve", "--port", str(port))
    assert refused.returncode == 2
    assert f"cannot listen at 127.0.0.1:{port}" in refused.stderr
    assert "--port" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "ana", "--scope", "everything"], "names no scope"),
        (["add", "a b"], "cannot be 'a b'"),
        (["revoke", "nobody"], "no key named 'nobody'"),
    ],
)
async def test_a_key_that_cannot_be_is_refused_in_words(idle, arguments, said):
    refused = await told(idle, "keys", *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr
