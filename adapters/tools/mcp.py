"""Offers the tools of one MCP server, however badly the server behaves."""

import logging
from collections.abc import Mapping, Sequence
from typing import Self

import anyio

from adapters.clock import SystemClock
from adapters.secrets import redactor_for
from adapters.tools.mcp_config import McpServerConfig, check_namespace
from adapters.tools.mcp_connection import Connection, ConnectionDied, Transport
from adapters.tools.mcp_http import HttpTransport
from adapters.tools.mcp_results import read_result
from adapters.tools.mcp_secrets import redacted
from adapters.tools.mcp_specs import Listing, list_specs
from adapters.tools.mcp_stdio import StdioTransport
from adapters.tools.outcomes import failed, legible, unknown_tool
from adapters.tools.redacted import described
from orchestrator.core.errors import (
    ToolDefinitionChanged,
    ToolError,
    ToolOutcomeUnknown,
    ToolTimeout,
    ToolUnavailable,
)
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.ports.clock import Clock

__all__ = ["McpServerConfig", "McpToolset"]

_ENVELOPE_BYTES = 64 * 1024
_TWICE = 2
"""A reply carries a structured result a second time as text."""

log = logging.getLogger(__name__)


class McpToolset:
    """The tools of one server, reached over stdio or streamable HTTP.

    A server that dies is started again, once per call; the call itself is sent again only if
    its tool is retry-safe. A call that runs into its deadline costs the server its process,
    because nothing else is sure to stop the work. `specs` stays what it was when the toolset
    was opened: a tool that a server changes later is not called any more.
    """

    def __init__(
        self, namespace: str, config: McpServerConfig, *, clock: Clock | None = None
    ) -> None:
        check_namespace(namespace)
        self._namespace = namespace
        self._config = config
        self._secrets = config.secrets
        self._redactor = redactor_for({namespace: config.model_dump()})
        self._monotonic = (clock or SystemClock()).monotonic
        self._connection: Connection | None = None
        self._retired: list[Connection] = []
        self._listing = Listing((), {}, {})
        self._by_id: dict[str, ToolSpec] = {}
        self._one_at_a_time = anyio.Lock()
        self._open = False

    @property
    def namespace(self) -> str:
        """The part of every tool id before the dot."""
        return self._namespace

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The server's tools, in the server's order."""
        return self._listing.specs

    @property
    def rejected(self) -> Mapping[str, str]:
        """Tools that are not offered, by the server's name for them, each with the reason."""
        return self._listing.rejected

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Start or reach the server and read its tools; a disabled server offers none.

        Raises:
            ToolUnavailable: The server cannot be started or does not answer in time.
        """
        if self._config.disabled or self._open:
            return
        self._open = True
        try:
            connection = await self._connected()
            self._listing = await self._listed(connection)
        except BaseException:
            await self.close()
            raise
        self._by_id = {spec.id: spec for spec in self._listing.specs}
        for name, reason in self._listing.rejected.items():
            log.warning("Tool %r of %s is not offered: %s.", name, self._namespace, reason)

    async def close(self) -> None:
        """End the server and whatever it started. Calls under way end as not ok."""
        self._open = False
        leaving = [*self._retired, *([self._connection] if self._connection else [])]
        self._connection = None
        self._retired = []
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as tasks:
                for connection in leaving:
                    tasks.start_soon(connection.close)

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Carry out one call; see `orchestrator.ports.tools.Toolset`."""
        started = self._monotonic()
        spec = self._by_id.get(call.tool)
        if spec is None:
            return unknown_tool(call.tool, self._by_id)
        try:
            outcome = await self._retried(spec, call)
        except ToolError as error:
            outcome = failed(type(error)(self._tellable(error), hint=error.hint))
        return outcome.model_copy(update={"seconds": self._monotonic() - started})

    async def _retried(self, spec: ToolSpec, call: ToolCall) -> ToolOutcome:
        try:
            return await self._attempt(spec, call)
        except ConnectionDied as death:
            if death.delivered and not spec.retry_safe:
                raise ToolOutcomeUnknown(
                    f"The server of {spec.id} died during the call, so nobody knows whether it "
                    f"took effect: {death}"
                ) from death
        try:
            return await self._attempt(spec, call)
        except ConnectionDied as death:
            kind = ToolUnavailable if spec.retry_safe else ToolOutcomeUnknown
            raise kind(f"The server of {spec.id} died during the call: {death}") from death

    async def _attempt(self, spec: ToolSpec, call: ToolCall) -> ToolOutcome:
        connection = await self._connected()
        sent = False
        try:
            with anyio.fail_after(self._config.timeout_s):
                await self._refuse_changed(connection, spec)
                sent = True
                wire_name = self._listing.wire_names[spec.id]
                result = await connection.call(wire_name, call.arguments, call.key)
        except TimeoutError:
            self._retire(connection)
            kind = ToolOutcomeUnknown if sent and not spec.retry_safe else ToolTimeout
            raise kind(
                f"{spec.id} did not answer within {self._config.timeout_s:g} s. "
                f"{connection.diagnosis()}".strip()
            ) from None
        except ConnectionDied:
            self._retire(connection)
            raise
        return await read_result(result, spec, self._config.max_output_bytes)

    async def _refuse_changed(self, connection: Connection, spec: ToolSpec) -> None:
        if spec not in (await self._listed(connection)).specs:
            raise ToolDefinitionChanged(f"{spec.id} is not what it was when the run began.")

    async def _listed(self, connection: Connection) -> Listing:
        told = list_specs(self._namespace, await connection.tools(), self._config.policy)
        # Here and not later, because what a server says of its tools is kept on disk.
        specs = tuple(described(spec, self._redactor) for spec in told.specs)
        return Listing(specs, told.wire_names, told.rejected)

    async def _connected(self) -> Connection:
        async with self._one_at_a_time:
            if not self._open:
                raise ToolUnavailable(f"The server {self._namespace!r} is not running.")
            if self._connection is not None and self._connection.alive:
                return self._connection
            if self._connection is not None:
                self._retire(self._connection)
            connection = Connection(self._transport(), start_timeout_s=self._config.start_timeout_s)
            self._connection = connection
            try:
                await connection.open()
            except ToolUnavailable as error:
                raise ToolUnavailable(
                    f"The server {self._namespace!r} did not start "
                    f"({self._config.where}): {self._tellable(error)}"
                ) from error
            return connection

    def _tellable(self, error: ToolError) -> str:
        return redacted(legible(error.message), self._secrets)

    def _retire(self, connection: Connection) -> None:
        connection.retire()
        self._retired = [*(old for old in self._retired if not old.ended), connection]
        if self._connection is connection:
            self._connection = None

    def _transport(self) -> Transport:
        config = self._config
        limit = _TWICE * config.max_output_bytes + _ENVELOPE_BYTES
        if config.url is not None:
            return HttpTransport(
                config.url,
                headers=config.headers,
                reply_limit=limit,
                read_timeout_s=max(config.timeout_s, config.start_timeout_s),
            )
        return StdioTransport(
            (config.command or "", *config.args),
            env=config.env,
            cwd=config.cwd,
            line_limit=limit,
            secrets=self._secrets,
        )
