"""Lets a request in: the key it carries, and the scope that a route asks for."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.types import Scope as AsgiScope

from orchestrator.core.errors import Forbidden, Unauthorized
from orchestrator.service.context import service_of
from orchestrator.service.gate.keys import Caller, Keyring, Scope

_BEARER = b"bearer "
_DECLARED = HTTPBearer(auto_error=False, scheme_name="key", description="A key of the service.")


def allowed(scope: Scope) -> Callable[..., Caller]:
    """A dependency that gives the caller of a route, and lets nobody in without the scope.

    Raises, when a request is refused:
        Unauthorized: It carries no key that is known.
        Forbidden: The key has not the scope.
    """

    def enter(caller: Annotated[Caller, Depends(known)]) -> Caller:
        if not caller.may(scope):
            raise Forbidden(f"The key {caller.name!r} has not the scope {scope!r}.")
        return caller

    return enter


def known(request: Request, _declared: Annotated[object, Security(_DECLARED)]) -> Caller:
    """A dependency that gives the caller of a route, whatever the key may do.

    Raises:
        Unauthorized: The request carries no key that is known.
    """
    caller = caller_of(request.scope, service_of(request).keyring)
    if caller is None:
        raise Unauthorized("This service asks for a key, and the request has none it knows.")
    return caller


def caller_of(scope: AsgiScope, keyring: Keyring) -> Caller | None:
    """Who sent a request, by its Authorization header alone; None if nobody is known so."""
    return keyring.caller(_token(scope))


def _token(scope: AsgiScope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            return str(value[len(_BEARER) :].strip().decode("latin-1"))
    return ""


Reader = Annotated[Caller, Depends(known)]
"""The caller of a route that only reads what is the tenant's own."""
Runner = Annotated[Caller, Depends(allowed("run"))]
"""The caller of a route that starts runs or goes on with them."""
Approver = Annotated[Caller, Depends(allowed("approve"))]
"""The caller of a route that decides about a call."""
