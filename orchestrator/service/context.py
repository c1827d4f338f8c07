"""What every route may use: the orchestrator, its runs, who may ask, and the limits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from orchestrator.core.runs import Budget
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import RunDirectory
from orchestrator.ports.traces import Metrics
from orchestrator.runtime import Orchestrator
from orchestrator.service.gate.keys import Keyring
from orchestrator.settings import ServedModel, ServiceLimits

if TYPE_CHECKING:
    from orchestrator.service.dispatch.dispatcher import Dispatcher

Check = Callable[[], Awaitable[str]]
"""Says of a dependency why it is not ready, or "" when it is; never raises."""


@dataclass(frozen=True)
class Service:
    """The parts of a running service.

    `models` are the names that it offers to clients of OpenAI's API. `places` are the folders
    that a goal may speak of, `budget` the limits of a run that names none. `checks` are asked
    by `/readyz`, by the name of the dependency. `draining` is set once the service goes down:
    streams end, and clients come back later. `metrics` are what `/metrics` tells.
    """

    orchestrator: Orchestrator
    dispatcher: "Dispatcher"
    directory: RunDirectory
    keyring: Keyring
    clock: Clock
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    models: Mapping[str, ServedModel] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    checks: Mapping[str, Check] = field(default_factory=dict)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    metrics: Metrics | None = None


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service
