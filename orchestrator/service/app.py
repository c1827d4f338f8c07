"""The HTTP application: every route of the service, and how its errors are told."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from typing_extensions import override

from orchestrator.core.errors import OrchestratorError
from orchestrator.service import console, health
from orchestrator.service.context import Service
from orchestrator.service.errors import BROKEN, ErrorBody, answer, answer_to, failure
from orchestrator.service.gate.surface import RequestGate
from orchestrator.service.mcp.face import mount_mcp
from orchestrator.service.metrics_route import router as metrics_router
from orchestrator.service.native import runs
from orchestrator.service.openai import chat, models, responses

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    metrics_router,
    runs.router,
    console.router,
    models.router,
    chat.router,
    responses.router,
)
"""Every part of the service adds its routes by one line."""

SWEEP_S = 30.0
_log = logging.getLogger("ferryman.service")
ABOUT = (
    "Carries goals across tool namespaces on small local models. Errors have one shape on every "
    "route: `error` with `message`, `type`, `code` and `hint`."
)


class ServedApi(FastAPI):
    """Describes errors as what they are on every route: JSON, even where success is a stream."""

    @override
    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            operations = [op for path in described["paths"].values() for op in path.values()]
            for responses in (operation["responses"] for operation in operations):
                for status in {"4XX", "5XX"} & responses.keys():
                    schema = next(iter(responses[status]["content"].values()))
                    responses[status]["content"] = {"application/json": schema}
        return self.openapi_schema or {}


def create_app(service: Service) -> FastAPI:
    """The application of a service, without the gate that stands before it."""
    app = ServedApi(
        title="Ferryman",
        version="1",
        description=ABOUT,
        docs_url=None,  # the page of FastAPI loads its scripts from elsewhere
        redoc_url=None,
        responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}},
        telemetry={"auto_configure": False},
        lifespan=_opened,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    mount_mcp(app, service)
    app.add_exception_handler(OrchestratorError, _ours)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _unfit)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _plain)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _unforeseen)
    return app


def gated(service: Service) -> ASGIApp:
    """The application as it is served: whatever comes in passes the gate first."""
    return RequestGate(create_app(service), service)


@asynccontextmanager
async def _opened(app: FastAPI) -> AsyncIterator[None]:
    """Go on with the runs that the last process left, and let approvals expire meanwhile."""
    service: Service = app.state.service
    await service.dispatcher.recover()
    sweeping = asyncio.create_task(_expiring(service))
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.wait([sweeping])


async def _expiring(service: Service) -> None:
    """Deny what waited too long for a yes, until the service goes down."""
    while not service.draining.is_set():
        try:
            await service.dispatcher.expire(service.clock.now())
        except OrchestratorError as error:
            _log.warning("Approvals could not be looked through: %s", error.message)
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_S):
                await service.draining.wait()


async def _ours(_: Request, error: OrchestratorError) -> JSONResponse:
    return answer_to(error)


async def _unfit(_: Request, error: RequestValidationError) -> JSONResponse:
    """Name the first field that does not fit, and never repeat its value."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return answer(
        400,
        failure(
            400,
            "invalid_request",
            f"{where}: {first['msg']}.",
            "`GET /openapi.json` describes what each route takes.",
            param=where,
        ),
    )


_SAID = {
    404: ("not_found", "There is no such route.", "`GET /openapi.json` lists the routes."),
    405: ("method_not_allowed", "The route has no such method.", "See the `Allow` header."),
}


async def _unforeseen(_: Request, _error: Exception) -> JSONResponse:
    return answer(500, BROKEN)


async def _plain(request: Request, error: HTTPException) -> JSONResponse:
    code, message, hint = _SAID.get(
        error.status_code, ("request", "The request cannot be served.", "")
    )
    body = failure(error.status_code, code, message, hint)
    headers = dict(error.headers or {})
    if "allow" in {name.lower() for name in headers}:
        headers = {"Allow": ", ".join(_methods(request.app, request.scope["path"]))}
    return answer(error.status_code, body, headers)


def _methods(app: FastAPI, path: str) -> list[str]:
    """Every method that a path has: routes of one path know nothing of each other."""
    found = {
        method.upper()
        for template, operations in app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
        for method in operations
    }
    return sorted(found)
