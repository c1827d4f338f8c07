"""A secret in every place that takes one, servers that tell them all: nobody reads one.

Each place of the configuration holds a canary of its own. A tool server shows its variables and
arguments in results, errors, descriptions and last words; a model server repeats the key it was
called with, in answers and in error pages. Then everything that was written down or sent is
searched for every canary.
"""

import base64
import gzip
import io
import json
import logging
import sys
import threading
import traceback
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from adapters.traces.logs import json_handler
from orchestrator.bootstrap import open_orchestrator, redactor_of
from orchestrator.core.chat import ChatRequest, Message
from orchestrator.core.errors import BackendRejected
from orchestrator.core.redaction import REDACTED
from orchestrator.ports.chat import complete
from orchestrator.service.opening import open_service
from orchestrator.settings import Settings
from tests.fakes import telltale
from tests.fakes.chat_server import END, asked_for, delta, event, head, serving
from tests.fakes.office import SteadyPlanner, plan, step
from tests.fakes.serving import at_rest, in_process

pytestmark = pytest.mark.anyio

PLAN = plan(
    step("s1", "look at everything in the vault", "vault"),
    step("s2", "whisper in the vault", "vault"),
)
ACTS = {"s1": ("vault.look", {}), "s2": ("vault.whisper", {})}
DYING = plan(step("s1", "leave the vault", "vault"))
RECORD = """---
status: accepted
date: 2026-11-22
decision-makers: [tests]
binds:
  - {{role: {role}, backend: llama-server, model: m1, profile: qwen2.5-coder}}
---

# Bind the {role}

## Context and Problem Statement

Tests need a model server that tells what it knows.

## Considered Options

* A fake

## Decision Outcome

A fake.
"""


class Canaries:
    """Makes a new secret for each place, and remembers them all."""

    def __init__(self):
        self.all = {}

    def __call__(self, place):
        number = len(self.all)
        self.all[place] = f"cnry{number:02d}Zq8{number * 7919 + 104729:08x}Wd4"
        return self.all[place]

    def spellings(self):
        for place, secret in self.all.items():
            yield place, secret
            for offset in range(3):
                text = base64.b64encode(b"\0" * offset + secret.encode()).decode()
                yield place, text[4:-8]


def servers(new):
    """The `mcpServers` of an operator who has many secrets."""
    telling = {"command": sys.executable, "args": [str(Path(telltale.__file__))]}
    named = ("TOKEN", "API_KEY", "PASSWORD", "CLIENT_SECRET", "AUTHORIZATION", "SENTRY_DSN", "PAT")
    env = {f"T_{name}": new(f"env {name}") for name in named}
    env |= {f"T_PLAIN_{n}": new(f"env without a telling name {n}") for n in range(4)}
    env["T_DATABASE"] = f"postgres://ana:{new('password in env')}@db.test/ana?x=1"
    args = [
        "--token",
        new("argument after a flag"),
        f"--api-key={new('argument with a flag')}",
        f"SECRET={new('assigned argument')}",
        f"https://me:{new('password in argument')}@x.test/a?key={new('query in argument')}",
        new("argument alone"),
    ]
    headers = {
        "Authorization": f"Bearer {new('bearer header')}",
        "Proxy-Authorization": f"Basic {new('basic header')}",
        "X-Api-Key": new("key header"),
        "Cookie": f"sid={new('cookie header')}",
        "X-Tenant": new("header without a telling name"),
    }
    url = f"http://u:{new('password of url')}@127.0.0.1:9/{new('path of url')}?k={new('query')}"
    dead = {f"T_TOKEN_{n}": new(f"env {n} of a server that dies") for n in range(5)}
    return {
        "vault": {**telling, "args": [*telling["args"], *args], "env": env},
        "dead": {**telling, "env": {**dead, "MODE": "dead"}, "start_timeout_s": 20},
        "gone": {"url": url, "headers": headers},
    }


@contextmanager
def collector():
    """A receiver of spans on loopback: its address, and the bodies that came."""
    came = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()
        thread.join()


class Model:
    """A model server that says all that it knows."""

    def __init__(self, secrets):
        self._secrets = secrets

    def __call__(self, body):
        text = json.dumps(body)
        if "Be refused" in text:
            page = json.dumps({"error": {"message": f"{self._secrets} is no key"}}).encode()
            return [head("application/json", "401 Unauthorized"), page]
        request = asked_for(body)
        made = DYING if "Leave" in text else PLAN
        acts = {"s1": ("vault.leave", {})} if made is DYING else ACTS
        if request.constraint is None:
            said = f"It is done with {' and '.join(self._secrets)}."
        else:
            said = SteadyPlanner(made, acts)(request)
        said = said if isinstance(said, str) else json.dumps(said)
        usage = event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
        return [head(), *map(delta, _cut(said)), delta("", "stop"), usage, END]


def _cut(text):
    return [text[at : at + 5] for at in range(0, len(text), 5)]


@contextmanager
def everything_logged():
    """Whatever any library logs, as the service's own handler writes it."""
    written = io.StringIO()
    root = logging.getLogger()
    before = root.level

    def to(settings):
        handler = json_handler(written, redactor=redactor_of(settings))
        root.addHandler(handler)
        handlers.append(handler)

    handlers = []
    root.setLevel(logging.DEBUG)
    try:
        yield written, to
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)


@asynccontextmanager
async def operated(tmp_path, new):
    """The settings of a machine full of canaries, and what its servers received."""
    key, path = new("api key"), new("path of the model server")
    adr = tmp_path / "adr"
    adr.mkdir()
    for number, role in enumerate(("planner", "synthesizer"), 1):
        (adr / f"000{number}-bind-the-{role}.md").write_text(RECORD.format(role=role))
    config = tmp_path / "ferryman.yaml"
    config.write_text(yaml.safe_dump({"mcpServers": servers(new)}))
    with collector() as (spans_to, spans):
        async with serving(Model([key, path])) as model:
            environ = {
                "HOME": str(tmp_path),
                "FERRYMAN_ADR_DIR": str(adr),
                "FERRYMAN_BASE_URL": f"{model.url}/{path}/v1",
                "FERRYMAN_API_KEY": key,
                "FERRYMAN_LOG": str(tmp_path / "runs.log"),
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"{spans_to}/{new('path of the collector')}",
                "OTEL_EXPORTER_OTLP_HEADERS": (
                    f"x-key={new('collector header')},authorization=Basic {new('other header')}"
                ),
            }
            yield Settings.load(config, environ=environ), spans


async def read_everything(client):
    """Every body that the service gives for its runs, and for requests that fail."""
    told = []
    listed = (await client.get("/v1/runs")).json()["data"]
    paths = ["/v1/runs", "/metrics", "/readyz", "/healthz", "/v1/models", "/openapi.json"]
    for run in listed:
        paths += [f"/v1/runs/{run['id']}{part}" for part in ("", "/plan", "/events")]
    for path in paths:
        response = await client.get(path)
        told.append(f"{path} {response.status_code} {response.headers} {response.text}")
    assert len(listed) == 3
    return told


async def refused(client, new):
    """The answers to requests that hold secrets of their caller and cannot be served."""
    sent = {"Authorization": f"Bearer {new('key of a caller')}", "X-Key": new("header of a caller")}
    broken = f'{{"goal": "{new("broken body")}"'
    answers = [
        await client.get("/v1/runs/none", headers=sent),
        await client.post("/v1/runs", json={"goal": {"password": new("value in a body")}}),
        await client.post("/v1/runs", content=broken, headers={"content-type": "application/json"}),
    ]
    assert all(answer.is_client_error for answer in answers)
    return [answer.text for answer in answers]


async def test_no_canary_is_in_anything_that_is_written_or_sent(tmp_path):
    new, outcomes = Canaries(), []
    with everything_logged() as (logged, log_to):
        async with operated(tmp_path, new) as (settings, spans):
            log_to(settings)
            async with open_service(settings) as service, in_process(service) as client:
                for goal in ("Look and whisper.", "Leave.", "Be refused."):
                    made = await client.post("/v1/runs", json={"goal": goal, "approve": "yes"})
                    run = await at_rest(client, made.json()["id"])
                    assert run["status"] != "running", run
                    outcomes.append(run["status"])
                bodies = await read_everything(client) + await refused(client, new)
                started = [service.orchestrator.parts.unavailable, repr(settings)]
    found = {
        "HTTP": "\n".join(bodies),
        "logs of libraries": logged.getvalue(),
        "log of runs": (tmp_path / "runs.log").read_text(),
        "spans": b"".join(spans).decode("latin-1"),
        "what did not start": json.dumps([str(each) for each in started]),
        "state folder": _read_all(settings.state_dir),
        "cache folder": _read_all(settings.cache_dir),
    }
    assert len(new.all) >= 40
    assert outcomes[1:] == ["waiting_approval", "failed"]
    assert all(text for text in found.values())
    assert REDACTED in found["state folder"]
    assert REDACTED in found["HTTP"]
    leaks = [
        (place, where)
        for place, spelt in new.spellings()
        for where, text in found.items()
        if spelt in text
    ]
    assert leaks == []


def _read_all(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return "\n".join(path.read_bytes().decode("latin-1") for path in files)


async def test_an_exception_of_a_backend_tells_no_canary_with_its_whole_traceback(tmp_path):
    new = Canaries()
    async with operated(tmp_path, new) as (settings, _), open_orchestrator(settings) as made:
        asked = ChatRequest(messages=(Message(role="user", content="Be refused"),))
        with pytest.raises(BackendRejected) as caught:
            await complete(made.parts.roles["planner"].backend, asked)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.hint)
    assert REDACTED in told
    assert [place for place, spelt in new.spellings() if spelt in told] == []
