"""Listens: binds the address, serves until told to stop, then lets go without losing anything."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from typing_extensions import override

from orchestrator.core.errors import SettingsError
from orchestrator.service.app import gated
from orchestrator.service.context import Service
from orchestrator.service.gate.keys import Keyring
from orchestrator.service.gate.surface import HEADER_BYTES

_BACKLOG = 2048
_CLOSE_S = 5


def bound(host: str, port: int, keyring: Keyring) -> socket.socket:
    """Take the address; one that others can reach only with a key.

    Raises:
        SettingsError: It is public and there is no key, or it cannot be had.
    """
    if not is_loopback(host):
        if not any(key.revoked is None for key in keyring.listed()):
            raise SettingsError(
                f"At {host} others could use the service, and it has no keys.",
                hint="Make one with `ferryman keys add NAME`, or listen at 127.0.0.1.",
            )
        keyring.demand()
    try:
        return socket.create_server(
            (host, port), family=_family(host), backlog=_BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise SettingsError(
            f"The service cannot listen at {host}:{port}: {error.strerror or error}.",
            hint="Another program may have the port: choose one with --port.",
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(listening: socket.socket) -> str:
    """Where the service is, as one would type it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    service: Service, listening: socket.socket, *, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until SIGINT or SIGTERM.

    Then nothing new is taken, streams end and tell when to come back, and what runs may go on
    for a while; what is not done by then goes on with the next start.
    """
    server = Listener(service, ready)
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, _stop, server, service)
    try:
        await server.serve(sockets=[listening])
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        await service.dispatcher.drain(within_s=service.limits.drain_s)


def _stop(server: "Listener", service: Service) -> None:
    """The first signal asks to stop, the next one does not wait for clients."""
    server.force_exit = server.should_exit
    server.should_exit = True
    service.draining.set()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class Listener(uvicorn.Server):
    """Tells when it listens, and leaves signals to whoever started it.

    uvicorn's own treatment ends the process by the signal that stopped it; a service that was
    told to stop and did has not failed.
    """

    def __init__(self, service: Service, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                gated(service),
                log_config=None,
                access_log=True,
                lifespan="on",
                ws="none",
                http="h11",
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=2 * HEADER_BYTES,
                timeout_graceful_shutdown=_CLOSE_S,
            )
        )
        self._ready = ready

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()
