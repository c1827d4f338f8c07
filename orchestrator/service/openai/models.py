"""Lists the model names: each one is a way of carrying out tasks, not weights."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from orchestrator.service.context import Service, service_of
from orchestrator.service.gate.auth import Reader
from orchestrator.service.openai.model_names import served
from orchestrator.settings import ServedModel

router = APIRouter(tags=["openai"])
CREATED = 1_790_000_000
"""Seconds since the epoch; the names are older than any server, and clients want a number."""


@router.get("/v1/models")
async def list_models(
    _caller: Reader, service: Annotated[Service, Depends(service_of)]
) -> dict[str, Any]:
    """List the model names."""
    data = [_told(name, model) for name, model in service.models.items()]
    return {"object": "list", "data": data}


@router.get("/v1/models/{name}")
async def show_model(
    name: str, _caller: Reader, service: Annotated[Service, Depends(service_of)]
) -> dict[str, Any]:
    """Show one model name."""
    return _told(name, served(service, name))


def _told(name: str, model: ServedModel) -> dict[str, Any]:
    told = {"id": name, "object": "model", "created": CREATED, "owned_by": "ferryman"}
    return {**told, "description": model.about}
