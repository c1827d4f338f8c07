"""A service over an office in memory, spoken to in process or over a real socket.

service = service_over(Office(images=screenshots()), tmp_path)
async with in_process(service) as client:
    run = (await client.post("/v1/runs", json={"goal": "…"})).json()
"""

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from orchestrator.service.app import gated
from orchestrator.service.context import Service
from orchestrator.service.dispatch.dispatcher import Dispatcher
from orchestrator.service.gate.keys import Keyring
from orchestrator.service.listening import Listener, url_of
from orchestrator.settings import SERVED_MODELS, ServiceLimits
from tests.fakes.office import DESKTOP

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOAL = "Rename the screenshots after what they show."
PATIENCE_S = 20.0


def service_over(office, tmp_path, *, planner=None, writer=None, limits=None, **fields):
    """A service whose runs work in an office; its keys are in `tmp_path`."""
    orchestrator = office.orchestrator(planner, writer)
    limits = ServiceLimits(**{"requests_per_minute": 1_000_000, **(limits or {})})
    fields.setdefault("models", SERVED_MODELS)
    return Service(
        orchestrator=orchestrator,
        dispatcher=Dispatcher(orchestrator, running=limits.running, waiting=limits.waiting),
        directory=office.store,
        keyring=Keyring(tmp_path / "keys.json"),
        clock=office.clock,
        limits=limits,
        places={"Desktop": DESKTOP},
        **fields,
    )


def bearer(service, name="ana", *, tenant="", scopes=("run", "approve")):
    """Headers with a new key of the service."""
    token = service.keyring.add(name, tenant=tenant, scopes=scopes, now=NOW)
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def in_process(service, **options):
    """A client that speaks to the application without a socket; a stream comes at its end."""
    transport = httpx.ASGITransport(gated(service))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8114", timeout=PATIENCE_S, **options
    ) as client:
        try:
            yield client
        finally:
            await service.dispatcher.drain(within_s=0)


@asynccontextmanager
async def served(service, **options):
    """A client of the service behind a real socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    ready = asyncio.Event()
    server = Listener(service, ready.set)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    url = url_of(listening)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ready.wait()
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, **options) as client:
            yield client
    finally:
        service.draining.set()
        server.should_exit = True
        await serving
        await service.dispatcher.drain(within_s=0)


async def at_rest(client, run_id, **options):
    """Follow a run to its end or rest and give it."""
    await client.get(f"/v1/runs/{run_id}/events", **options)
    return (await client.get(f"/v1/runs/{run_id}", **options)).json()


def frames(text):
    """The events of a stream: (event, id, data), comments and retry hints left out."""
    found = []
    for block in text.split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines() if not line.startswith(":")]
        fields = {name: value for name, _, value in lines}
        if "data" in fields:
            seq = int(fields["id"]) if "id" in fields else None
            found.append((fields.get("event", ""), seq, json.loads(fields["data"])))
    return found
