"""Which names and which web pages may speak to the service.

A page in a browser can send requests to this machine under a name of its own (DNS rebinding) or
across origins. Both show in headers that a page cannot forge.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import NamedTuple

from starlette.types import Scope

from orchestrator.service.errors import ErrorBody, failure

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Problem(NamedTuple):
    """Why a request is refused."""

    status: int
    body: ErrorBody


_HOST = Problem(
    400,
    failure(
        400,
        "host_not_allowed",
        "The service is not called by the name in the Host header.",
        "Use its address, or start it with --allow-host NAME.",
    ),
)
_ORIGIN = Problem(
    403,
    failure(
        403,
        "origin_not_allowed",
        "The web page that sent this request may not use the service.",
        "Start the service with --allow-origin URL.",
    ),
)


class Addresses:
    """Knows the names of the service and the pages that may call it.

    An address in digits is always a name of the service: only a name can be made to point
    elsewhere.
    """

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        own = {socket.gethostname().lower()}
        self._hosts = _LOCAL | own | {host.lower() for host in hosts}
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def problem(self, scope: Scope) -> Problem | None:
        """Why the request of this scope is refused; None when it is not."""
        named = _values(scope, b"host")
        if len(named) != 1 or not self._known(host_of(named[0])):
            return _HOST
        origins = _values(scope, b"origin")
        if all(self._may_call(origin, named[0], scope) for origin in origins):
            return None if origins or not _from_elsewhere(scope) else _ORIGIN
        return _ORIGIN

    def _known(self, host: str) -> bool:
        return host in self._hosts or _is_address(host)

    def _may_call(self, origin: str, host: str, scope: Scope) -> bool:
        own = f"{scope.get('scheme', 'http')}://{host}"
        return origin.lower() == own.lower() or origin.lower() in self._origins


def host_of(header: str) -> str:
    """The name in a Host header, without its port and the brackets of IPv6."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _from_elsewhere(scope: Scope) -> bool:
    """Whether a page of another site loads this, other than by a link that a person follows."""
    site, mode = _values(scope, b"sec-fetch-site"), _values(scope, b"sec-fetch-mode")
    return site == ["cross-site"] and mode != ["navigate"]


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for found, value in scope["headers"] if found == name]
