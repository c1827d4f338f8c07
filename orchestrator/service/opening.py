"""Opens a service: the orchestrator of the settings, and what the routes need around it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from orchestrator.bootstrap import bindings, open_metrics, open_orchestrator
from orchestrator.core.errors import OrchestratorError
from orchestrator.ports.store import RunDirectory
from orchestrator.runtime import Orchestrator
from orchestrator.service.context import Check, Service
from orchestrator.service.dispatch.dispatcher import Dispatcher
from orchestrator.service.gate.keys import Keyring
from orchestrator.settings import Settings

_IN_PROCESS = frozenset({"embedded", "scripted", "recorded"})
_PORTS = {"http": 80, "https": 443}


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Build a service from settings and close everything it opened afterwards.

    Raises:
        ConfigurationError: Something that the operator wrote or left out keeps it from starting.
    """
    keyring = Keyring(settings.keys_path)
    _ = keyring.required  # a file of keys that cannot be read stops the start
    import_module("orchestrator.graph.build")  # seconds, which the first run need not wait for
    metrics = open_metrics(settings)
    async with open_orchestrator(settings, metrics=metrics) as orchestrator:
        limits = settings.config.service
        directory = cast(RunDirectory, orchestrator.parts.store)
        yield Service(
            orchestrator=orchestrator,
            dispatcher=Dispatcher(orchestrator, running=limits.running, waiting=limits.waiting),
            directory=directory,
            keyring=keyring,
            clock=orchestrator.parts.clock,
            limits=limits,
            models=settings.config.models,
            places=settings.config.places,
            budget=settings.config.budget,
            checks={
                **models_of(settings),
                **checks_of(settings.state_dir, directory, orchestrator),
            },
            metrics=metrics,
        )


def checks_of(state: Path, directory: RunDirectory, orchestrator: Orchestrator) -> dict[str, Check]:
    """What `/readyz` asks: the state folder, the journal, each server of tools."""
    unavailable = orchestrator.parts.unavailable
    namespaces = {spec.namespace for spec in orchestrator.parts.toolset.specs} | {*unavailable}
    tools: dict[str, Check] = {
        f"tools.{name}": _known(missing=bool(unavailable.get(name))) for name in sorted(namespaces)
    }
    return {"state": _writable(state), "journal": _readable(directory), **tools}


def models_of(settings: Settings) -> dict[str, Check]:
    """Where each role's model server is; a model of this process is loaded by now.

    That somebody listens is all that is asked: a server that loads its model does, and a
    completion would take its time from the runs.
    """
    found: dict[str, Check] = {}
    for role, binding in bindings(settings).items():
        url = str(binding.options.get("base_url") or settings.base_url)
        served = binding.backend not in _IN_PROCESS and bool(url)
        found[f"backend.{role}"] = _listening(url) if served else _known(missing=False)
    return found


def _listening(url: str) -> Check:
    at = urlsplit(url)

    async def check() -> str:
        try:
            _, writer = await asyncio.open_connection(
                at.hostname, at.port or _PORTS.get(at.scheme, 80)
            )
        except OSError as error:
            return f"nobody listens at its address: {error.strerror or type(error).__name__}"
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return ""

    return check


def _writable(state: Path) -> Check:
    """Write a byte where the journal is: a full disk shows before a run meets it."""
    path = state / f".ready-{os.getpid()}"

    def write() -> None:
        with path.open("wb") as file:
            file.write(b"1")
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    async def check() -> str:
        try:
            await asyncio.to_thread(write)
        except OSError as error:
            return f"it cannot be written: {error.strerror}"
        return ""

    return check


def _readable(directory: RunDirectory) -> Check:
    async def check() -> str:
        try:
            await directory.heads(1)
        except OrchestratorError as error:
            return f"it cannot be read: {error.code}"
        return ""

    return check


def _known(*, missing: bool) -> Check:
    async def check() -> str:
        return "its server did not start" if missing else ""

    return check
