"""A run's own scope: the process's tools, and those that its client carries out itself."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property

from orchestrator.core.errors import ToolFailed, ToolNameClash
from orchestrator.core.events import RunEnded
from orchestrator.core.runs import RunState
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.graph.context import RunContext
from orchestrator.policy.client_catalogue import with_tools
from orchestrator.policy.client_tools import NAMESPACE, client_guards, client_rules
from orchestrator.ports.retrieval import Retriever
from orchestrator.ports.tools import Toolset


class ClientToolset:
    """A toolset and the client's tools after it, which can be described but not called here."""

    def __init__(self, shared: Toolset, tools: Sequence[ToolSpec]) -> None:
        self._shared = shared
        self._tools = tuple(tools)

    @cached_property
    def specs(self) -> Sequence[ToolSpec]:
        """The shared tools, then the client's."""
        return (*self._shared.specs, *self._tools)

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Hand the call to the shared tools; one of the client's is not carried out here."""
        if any(call.tool == spec.id for spec in self._tools):
            error = f"{call.tool} is carried out by the client."
            return ToolOutcome(ok=False, error=error, code=ToolFailed.code)
        return await self._shared.call(call)


def scope(shared: Sequence[ToolSpec], tools: Sequence[ToolSpec]) -> tuple[ToolSpec, ...]:
    """The tools of one run: the shared ones, then its client's.

    Raises:
        ToolNameClash: A server is called as the client's tools are.
    """
    if tools and _clash(shared):
        raise ToolNameClash(f"A server is called {NAMESPACE!r}, as the tools of a client are.")
    return (*shared, *tools)


def with_client_tools(
    context: RunContext, tools: Sequence[ToolSpec], retrievers: Sequence[Retriever]
) -> RunContext:
    """The context of one run with its client's tools in scope: found, offered and guarded.

    Where a server has their name they stay out: `scope` has refused or ended the run by then.
    """
    if not tools or _clash(context.toolset.specs):
        return context
    toolset = ClientToolset(context.toolset, tools)
    return dataclasses.replace(
        context,
        toolset=toolset,
        catalogue=with_tools(context.catalogue, tools, retrievers),
        rules=client_rules(context.rules),
        guards=client_guards(context.guards),
    )


def _clash(shared: Sequence[ToolSpec]) -> bool:
    return any(spec.namespace == NAMESPACE for spec in shared)


def rest_for_client(run: RunState) -> RunEnded | None:
    """The rest of a run whose client has yet to give results, or None when it waits for none."""
    if not run.awaited:
        return None
    tools = dict.fromkeys(call.tool for _, call, _ in run.awaited)
    waits = f"The client has to give {len(run.awaited)} results of {', '.join(tools)}."
    return RunEnded(status="waiting_tools", error=waits, code="needs_input")
