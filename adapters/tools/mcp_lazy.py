"""Offers the tools of an MCP server from memory and starts the server at its first call.

The MCP SDK itself is imported then too: importing it takes longer than most calls.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

import anyio
import anyio.to_thread

from adapters.clock import SystemClock
from adapters.tools.mcp_config import McpServerConfig, check_namespace
from adapters.tools.mcp_manifest import Manifest, ManifestCache, identify
from adapters.tools.outcomes import failed, unknown_tool
from orchestrator.core.errors import ToolDefinitionChanged, ToolError, ToolUnavailable
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.ports.clock import Clock

if TYPE_CHECKING:
    from adapters.tools.mcp import McpToolset

START_AGAIN_AFTER_S = 60.0
"""Calls within this time of a failed start are told of it instead of waiting for another."""


class LazyMcpToolset:
    """The tools of one server, started when it is first needed.

    `open` starts nothing if the cache holds a good manifest; without one it asks the server
    and lets it run. When the server is started for a call, its tools are listed again: one
    whose definition is not the remembered one is not called, and the manifest is rewritten
    for the next run. A server that does not start loses its manifest, so that the next run
    knows from the beginning.

    Args:
        namespace: The part of every tool id before the dot.
        config: How the server is reached.
        manifests: Where lists of tools are remembered.
        block: A digest of the operator's block before its variables were filled in; with it
            the manifest outlives a change of folders.
        refresh: Ask the server whatever is remembered.
        clock: Tells how old a manifest is and how long calls take.

    Raises:
        SettingsError: The namespace cannot be one.
    """

    def __init__(
        self,
        namespace: str,
        config: McpServerConfig,
        *,
        manifests: ManifestCache,
        block: str = "",
        refresh: bool = False,
        clock: Clock | None = None,
    ) -> None:
        check_namespace(namespace)
        self._config = config
        self._identity = identify(namespace, config, block)
        self._manifests = manifests
        self._refresh = refresh
        self._clock = clock or SystemClock()
        self._specs: Mapping[str, ToolSpec] = {}
        self._rejected: Mapping[str, str] = {}
        self._server: McpToolset | None = None
        self._start: asyncio.Task[McpToolset | ToolError] | None = None
        self._failed_at = 0.0
        self._open = False

    @property
    def namespace(self) -> str:
        """The part of every tool id before the dot."""
        return self._identity.namespace

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The server's tools, in the server's order, as they were when this was opened."""
        return tuple(self._specs.values())

    @property
    def rejected(self) -> Mapping[str, str]:
        """Tools that are not offered, by the server's name for them, each with the reason."""
        return self._rejected

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Recall the server's tools, or start it and read them; a disabled one offers none.

        Raises:
            ToolUnavailable: Nothing is remembered and the server cannot be started.
        """
        if self._config.disabled or self._open:
            return
        self._open = True
        if (known := self._recalled()) is not None:
            self._offer(known.specs, known.rejected)
            return
        try:
            server = await self._started()
        except BaseException:
            await self.close()
            raise
        self._offer(server.specs, server.rejected)

    async def close(self) -> None:
        """End the server, should it run or be starting. Calls under way end as not ok."""
        self._open = False
        start, self._start = self._start, None
        server, self._server = self._server, None
        with anyio.CancelScope(shield=True):
            if server is not None:
                await server.close()
            if start is not None:
                await asyncio.wait({start})

    def warm(self) -> None:
        """Begin to start the server, so that its first call need not wait; never fails."""
        if self._open:
            self._starting()

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Carry out one call; see `orchestrator.ports.tools.Toolset`."""
        began = self._clock.monotonic()
        spec = self._specs.get(call.tool)
        if spec is None:
            return unknown_tool(call.tool, self._specs)
        try:
            server = await self._started()
            outcome = await _asked(server, spec, call)
        except ToolError as error:
            outcome = failed(error)
        return outcome.model_copy(update={"seconds": self._clock.monotonic() - began})

    def _recalled(self) -> Manifest | None:
        if self._refresh:
            return None
        return self._manifests.load(self._identity, self._clock.now())

    def _offer(self, specs: Sequence[ToolSpec], rejected: Mapping[str, str]) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self._rejected = rejected

    async def _started(self) -> "McpToolset":
        """Wait for the one start that all calls share; a cancelled call leaves it to the rest."""
        if not self._open:
            raise ToolUnavailable(f"The server {self.namespace!r} is not running.")
        start = self._starting()
        await asyncio.wait({start})
        found = start.result()
        if isinstance(found, ToolError):
            raise type(found)(found.message, hint=found.hint) from found
        return found

    def _starting(self) -> "asyncio.Task[McpToolset | ToolError]":
        if self._start is None or self._may_start_again(self._start):
            self._start = asyncio.create_task(self._run())
        return self._start

    def _may_start_again(self, start: "asyncio.Task[McpToolset | ToolError]") -> bool:
        if not start.done() or not isinstance(start.result(), ToolError):
            return False
        return self._clock.monotonic() - self._failed_at >= START_AGAIN_AFTER_S

    async def _run(self) -> "McpToolset | ToolError":
        toolset = await anyio.to_thread.run_sync(_toolset_class)
        if not self._open:
            return ToolUnavailable(f"The server {self.namespace!r} was closed while starting.")
        self._server = server = toolset(self.namespace, self._config, clock=self._clock)
        try:
            await server.open()
        except ToolError as error:
            self._failed_at = self._clock.monotonic()
            if self._server is server:
                self._manifests.forget(self._identity)
            return error
        now = self._clock.now()
        self._manifests.save(self._identity, server.specs, server.rejected, now)
        return server


async def _asked(server: "McpToolset", spec: ToolSpec, call: ToolCall) -> ToolOutcome:
    if spec not in server.specs:
        raise ToolDefinitionChanged(f"{spec.id} is not what it was when the run began.")
    return await server.call(call)


def _toolset_class() -> "type[McpToolset]":
    from adapters.tools.mcp import McpToolset

    return McpToolset
