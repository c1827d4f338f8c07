"""What a Prometheus server collects; guarded like every other route."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from orchestrator.core.errors import RunNotFound
from orchestrator.core.runs import RunStatus
from orchestrator.ports.store import RunDirectory
from orchestrator.service.context import Service, service_of
from orchestrator.service.gate.auth import allowed
from orchestrator.service.gate.keys import Caller

router = APIRouter(tags=["health"])
MOST_COUNTED = 1000
"""More runs that wait are not counted at each collection: the number says "many" by then."""

_WAITING: tuple[RunStatus, ...] = ("waiting_approval", "needs_input", "waiting_tools")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(
    service: Annotated[Service, Depends(service_of)],
    _: Annotated[Caller, Depends(allowed("admin"))],
) -> Response:
    """Give every metric in Prometheus's text format.

    Raises:
        RunNotFound: The service counts nothing, because it has no client of Prometheus.
    """
    if service.metrics is None:
        raise RunNotFound(
            "This service has no metrics.",
            hint="Install them with `pip install 'ferryman[service]'`.",
        )
    load = service.dispatcher.load()
    now = {"running": load.running, "queued": load.waiting}
    body, kind = service.metrics.render({**now, **await _resting(service.directory)})
    return Response(body, headers={"content-type": kind, "cache-control": "no-store"})


async def _resting(directory: RunDirectory) -> dict[str, int]:
    found = await directory.heads(MOST_COUNTED, statuses=_WAITING)
    return {status: sum(head.status == status for head in found) for status in _WAITING}
