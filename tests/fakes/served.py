"""`ferryman serve` in a process of its own, with a model server that lives on when it dies.

async with model_server() as models:
    command = stamping(tmp_path, models.url)
    async with serving(command) as served:
        run = (await served.client.post("/v1/runs", json={"goal": "Stamp paper 7."})).json()
"""

import asyncio
import json
import re
from contextlib import asynccontextmanager

import httpx

from orchestrator.core.chat import Choice, JsonSchema
from tests.fakes import chat_server
from tests.fakes.command_line import ROOT, CommandLine, plan

PATIENCE_S = 60.0
STAMP = "stamps.stamp_paper"
SERVER = '''\
import os
import sys

from mcp.server import MCPServer
from mcp.types import ToolAnnotations


def stamp_paper(paper: int) -> dict[str, int]:
    """Stamp a paper; a paper that is stamped twice has two stamps."""
    book = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(book, f"{paper}\\n".encode())
    os.fsync(book)
    os.close(book)
    return {"paper": paper}


server = MCPServer("stamps", log_level="ERROR")
writes = {"read_only_hint": False, "destructive_hint": False, "open_world_hint": False}
server.add_tool(stamp_paper, annotations=ToolAnnotations(**writes))
server.run()
'''


def stamps(body):
    """Answer as a model that stamps the paper which the goal names."""
    request = chat_server.asked_for(body)
    said = "\n".join(message.content for message in request.messages)
    return chat_server.told(_reply(request.constraint, said))


def _reply(constraint, said):
    if isinstance(constraint, Choice):
        return STAMP if STAMP in constraint.options else constraint.options[0]
    if not isinstance(constraint, JsonSchema):
        return "The paper is stamped."
    [*_, number] = re.findall(r"[Ss]tamp paper (\d+)", said)
    if "paper" in constraint.json_schema.get("properties", {}):
        return json.dumps({"paper": int(number)})
    return json.dumps(plan((f"stamp paper {number}", "stamps")))


def model_server():
    """The model server, for the length of a `with` block."""
    return chat_server.serving(stamps)


def stamping(tmp_path, url, **service):
    """A machine whose models are at `url` and whose one tool stamps papers into a book."""
    script = tmp_path / "stamps.py"
    script.write_text(SERVER)
    servers = {
        "stamps": {
            "command": "${PYTHON}",
            "args": [str(script), str(tmp_path / "book")],
            "env": {"PYTHONPATH": str(ROOT)},
        }
    }
    command = CommandLine(tmp_path, servers=servers, service=service)
    record = command.adr / "0001-bind-scripts.md"
    text = record.read_text().replace("backend: scripted", "backend: vllm")
    record.write_text(re.sub(r"options: \{.*\}", f'options: {{base_url: "{url}/v1"}}', text))
    return command


def book(command):
    """The papers that were stamped, in order, each as often as it was."""
    path = command.home / "book"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


class Served:
    """A running `ferryman serve`: its process, what it said, and a client of it."""

    def __init__(self, process, said, client):
        self.process = process
        self.said = said
        self.client = client

    async def stopped(self, number):
        """Send a signal and give the exit code and the rest of what was said."""
        self.process.send_signal(number)
        _, rest = await asyncio.to_thread(self.process.communicate, timeout=PATIENCE_S)
        return self.process.returncode, rest


@asynccontextmanager
async def serving(command, *options, headers=None):
    """Start `ferryman serve` on a port of its own choice and wait until it listens."""
    process = command.start("serve", "--port", "0", *options)
    try:
        said = await asyncio.to_thread(process.stderr.readline)
        found = re.search(r"http://\S+:\d+", said)
        assert found, said + process.stderr.read()
        async with httpx.AsyncClient(
            base_url=found[0], timeout=PATIENCE_S, headers=headers
        ) as client:
            yield Served(process, said, client)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE_S)
        process.stdout.close()
        process.stderr.close()
