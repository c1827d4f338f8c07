"""The gate before every route: who may speak to this address, how much, and how fast.

Plain ASGI: it reads the raw scope, never a URL put together from headers.
"""

import asyncio
import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.core.errors import OrchestratorError, ServiceBusy
from orchestrator.service.context import Service
from orchestrator.service.errors import BROKEN, ErrorBody, answer, answer_to, failure
from orchestrator.service.gate.auth import caller_of
from orchestrator.service.gate.bodies import Replayed, read_body
from orchestrator.service.gate.origins import Addresses
from orchestrator.service.gate.rates import Rates

HEADER_BYTES, HEADER_COUNT = 32_768, 100
UNMETERED = frozenset({"/healthz", "/readyz"})
"""Asked by machines that must get an answer whatever else happens."""
_TOO_MANY = 429
_log = logging.getLogger("ferryman.service")


class RequestGate:
    """Refuses what should not reach a route; what passes has its whole body at hand."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._addresses = Addresses(service.limits.hosts, service.limits.origins)
        self._rates = Rates(service.limits.requests_per_minute, service.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's scope; web sockets are not spoken here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._guarded(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = _Sent(send)
        try:
            taken = self._refused(scope) or await self._body(receive)
            if isinstance(taken, Response):
                await taken(scope, receive, sent)
            elif taken is not None:
                await self._app(scope, taken, sent)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the last place that can answer
            _log.exception("A request to %s failed.", scope["path"])
            if not sent.begun:
                await answer(500, BROKEN)(scope, receive, sent)

    async def _body(self, receive: Receive) -> Replayed | Response | None:
        limits = self._service.limits
        return await read_body(
            receive, most=limits.body_bytes, within_s=limits.body_s, depth=limits.json_depth
        )

    def _refused(self, scope: Scope) -> Response | None:
        """The response to a request that may not come in; None when it may."""
        headers = scope["headers"]
        size = sum(len(name) + len(value) for name, value in headers)
        if size > HEADER_BYTES or len(headers) > HEADER_COUNT:
            return answer(431, _HEADERS)
        if problem := self._addresses.problem(scope):
            return answer(problem.status, problem.body)
        if scope["path"] in UNMETERED:
            return None
        try:
            caller = caller_of(scope, self._service.keyring)
        except OrchestratorError as error:
            _log.error("%s %s", error.message, error.hint)
            return answer_to(error, status=503)
        who = f"key {caller.name}" if caller else f"address {(scope.get('client') or ('',))[0]}"
        wait = self._rates.wait(who)
        if wait <= 0:
            return None
        busy = ServiceBusy("Too many requests in a minute.", retry_after_s=wait)
        return answer_to(busy, status=_TOO_MANY)


class _Sent:
    """Passes messages on and remembers whether a response was begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


_HEADERS: ErrorBody = failure(
    431,
    "headers_too_large",
    f"The headers have more than {HEADER_BYTES} bytes or {HEADER_COUNT} lines.",
    "Send fewer headers.",
)
