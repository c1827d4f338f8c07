"""The seam to tools: what there is, and carrying out one call."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec


class Toolset(Protocol):
    """A collection of tools, each id qualified by its namespace.

    `specs` is stable for the life of the toolset and deterministic in order. `call` never
    raises for what a tool does wrong: a failure, a time-out, a flood or a dead server comes
    back as an outcome that is not ok. Cancelling the awaiting task cancels the call.
    """

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools in scope."""
        ...

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Carry out one call and say what it came to."""
        ...
