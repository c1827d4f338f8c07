"""Whether the service lives, and whether it can work: for those who start and watch it."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from orchestrator.service.context import Check, Service, service_of

router = APIRouter(tags=["health"])
SLOW_S = 2.0


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Dependency(BaseModel):
    """How a dependency is: one that is slow may still be there, so it is not unready."""

    name: str
    status: Literal["ready", "slow", "unready"]
    reason: str = ""


class Readiness(BaseModel):
    """Whether runs can be started, how many there are, and each thing they need."""

    status: Literal["ready", "unready", "draining"]
    running: int
    waiting: int
    dependencies: list[Dependency]


@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process answers, and nothing about what it needs."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(service: Annotated[Service, Depends(service_of)], response: Response) -> Readiness:
    """Ask every dependency; 503 when one is certain not to work, or the service goes down."""
    names, checks = service.checks.keys(), service.checks.values()
    found = await asyncio.gather(*map(_asked, names, checks))
    broken = any(each.status == "unready" for each in found)
    draining = service.draining.is_set()
    response.status_code = 503 if broken or draining else 200
    load = service.dispatcher.load()
    return Readiness(
        status="draining" if draining else "unready" if broken else "ready",
        running=load.running,
        waiting=load.waiting,
        dependencies=list(found),
    )


async def _asked(name: str, check: Check) -> Dependency:
    try:
        async with asyncio.timeout(SLOW_S):
            reason = await check()
    except TimeoutError:
        return Dependency(name=name, status="slow", reason=f"no answer in {SLOW_S:g} s")
    return Dependency(name=name, status="unready" if reason else "ready", reason=reason)
