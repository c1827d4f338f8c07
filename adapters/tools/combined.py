"""Makes one toolset of many, so that a run sees one catalogue whatever is behind it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

import anyio

from adapters.tools.outcomes import unknown_tool
from orchestrator.core.errors import OrchestratorError, ToolError, ToolNameClash
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec, split_name
from orchestrator.ports.tools import Toolset


class NamespaceToolset(Toolset, Protocol):
    """A toolset whose tools all share one namespace; it may need to be opened and closed."""

    @property
    def namespace(self) -> str:
        """The part of every tool id before the dot."""
        ...


class CombinedToolset:
    """Several toolsets as one, in the order in which they are given.

    A member that cannot be opened does not keep the others from working: it is listed in
    `unavailable` and offers nothing.

    Raises:
        ToolNameClash: Two members have the same namespace.
    """

    def __init__(self, members: Sequence[NamespaceToolset]) -> None:
        self._members: dict[str, NamespaceToolset] = {}
        for member in members:
            if member.namespace in self._members:
                raise ToolNameClash(f"Two toolsets are called {member.namespace!r}.")
            self._members[member.namespace] = member
        self._unavailable: dict[str, OrchestratorError] = {}
        self._specs: tuple[ToolSpec, ...] | None = None

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools of every available member, members in their given order."""
        if self._specs is not None:
            return self._specs
        return tuple(spec for member in self._members.values() for spec in member.specs)

    @property
    def unavailable(self) -> Mapping[str, OrchestratorError]:
        """Why a member offers nothing, by its namespace."""
        return self._unavailable

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open every member that can be opened, all at the same time."""
        try:
            async with anyio.create_task_group() as tasks:
                for member in self._members.values():
                    tasks.start_soon(self._open_one, member)
        except BaseException:
            await self.close()
            raise
        self._unavailable = {
            name: self._unavailable[name] for name in self._members if name in self._unavailable
        }
        self._specs = tuple(self.specs)

    async def close(self) -> None:
        """Close every member, all at the same time."""
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as tasks:
                for member in self._members.values():
                    if isinstance(member, AbstractAsyncContextManager):
                        tasks.start_soon(member.__aexit__, None, None, None)

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Hand the call to the member whose namespace it names."""
        known = {spec.id for spec in self.specs}
        if call.tool not in known:
            return unknown_tool(call.tool, sorted(known))
        return await self._members[split_name(call.tool)[0]].call(call)

    async def _open_one(self, member: NamespaceToolset) -> None:
        if not isinstance(member, AbstractAsyncContextManager):
            return
        try:
            await member.__aenter__()
        except ToolError as error:
            self._unavailable[member.namespace] = error
