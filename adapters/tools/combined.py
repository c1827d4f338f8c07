"""Makes one toolset of many, so that a run sees one catalogue whatever is behind it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self, runtime_checkable

import anyio

from adapters.tools.outcomes import failed, unknown_tool
from orchestrator.core.errors import ToolError, ToolNameClash
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.ports.tools import Toolset


@runtime_checkable
class Warmable(Protocol):
    """A toolset whose first call is quicker after `warm`."""

    def warm(self) -> None:
        """Begin to get ready, in the background."""
        ...


class CombinedToolset:
    """Several toolsets as one, in the order in which they are given.

    A member that is an async context manager is entered by `open` and left by `close`. One
    that cannot be opened does not keep the others from working: it is listed in
    `unavailable` and offers nothing.

    Raises:
        ToolNameClash: Two members have the same namespace.
    """

    def __init__(self, members: Sequence[Toolset]) -> None:
        self._members = {_namespace(member): member for member in members}
        if len(self._members) < len(members):
            names = [_namespace(member) for member in members]
            twice = next(name for name in names if names.count(name) > 1)
            raise ToolNameClash(f"Two toolsets are called {twice!r}.")
        self._failures: dict[str, ToolError] = {}
        self._routes = self._routed()

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools of every available member, members in their given order."""
        return tuple(spec for spec, _ in self._routes.values())

    @property
    def unavailable(self) -> Mapping[str, ToolError]:
        """Why a member offers nothing, by its namespace, in the members' order."""
        return {name: self._failures[name] for name in self._members if name in self._failures}

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open every member that can be opened, all at the same time.

        Raises:
            ToolNameClash: Two members offer tools in the same namespace.
        """
        try:
            async with anyio.create_task_group() as tasks:
                for name, member in self._members.items():
                    tasks.start_soon(self._open_one, name, member)
            self._routes = self._routed()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every member, all at the same time."""
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as tasks:
                for member in self._members.values():
                    if isinstance(member, AbstractAsyncContextManager):
                        tasks.start_soon(member.__aexit__, None, None, None)

    def warm(self, namespaces: Iterable[str]) -> None:
        """Have the members of these namespaces get ready for calls, where they know how to.

        It returns at once and never fails: what goes wrong is told by the first call.
        """
        for name in namespaces:
            member = self._members.get(name)
            if isinstance(member, Warmable):
                member.warm()

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Hand the call to the member that offers the tool."""
        failure = self._failures.get(call.tool.partition(".")[0])
        if failure is not None:
            return failed(failure)
        if call.tool not in self._routes:
            return unknown_tool(call.tool, self._routes)
        _, member = self._routes[call.tool]
        return await member.call(call)

    async def _open_one(self, name: str, member: Toolset) -> None:
        if not isinstance(member, AbstractAsyncContextManager):
            return
        try:
            await member.__aenter__()
        except ToolError as error:
            self._failures[name] = error

    def _routed(self) -> dict[str, tuple[ToolSpec, Toolset]]:
        owners: dict[str, Toolset] = {}
        routes: dict[str, tuple[ToolSpec, Toolset]] = {}
        for member in self._members.values():
            for spec in member.specs:
                if owners.setdefault(spec.namespace, member) is not member:
                    raise ToolNameClash(f"Two toolsets offer tools in {spec.namespace!r}.")
                routes[spec.id] = (spec, member)
        return routes


def _namespace(member: Toolset) -> str:
    """Name a member: by its own `namespace`, or by that of its first tool."""
    own = getattr(member, "namespace", "")
    return own or next((spec.namespace for spec in member.specs), "")
