"""Tools that answer without doing anything, for suites that score which calls are made.

A result is made up from the tool's result schema, always the same for the same call and
different for another, so that it shows whether a later call took over the right value.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from orchestrator.core.errors import UnknownTool
from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.evals.cases import Case, World
from orchestrator.evals.external.reading import cases_digest
from orchestrator.evals.traces import Trace

Judge = Callable[[Case, Sequence[Sequence[ToolCall]]], list[str]]
"""Says what is wrong with the calls of each turn, in words."""

Offer = Mapping[str, Sequence[ToolSpec]]
"""The tools of each case, for suites whose cases bring their own."""


class CannedToolset:
    """Tools whose results are made up; `made` are the calls since the case or turn began."""

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self.made: list[ToolCall] = []

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools in scope."""
        return tuple(self._specs.values())

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Note the call and answer as the tool's result schema says."""
        spec = self._specs.get(call.tool)
        if spec is None:
            error = f"There is no tool {call.tool}."
            return ToolOutcome(ok=False, error=error, code=UnknownTool.code)
        self.made.append(call)
        return ToolOutcome(ok=True, data=canned_result(spec, call.arguments))


def canned_result(spec: ToolSpec, arguments: Mapping[str, JsonValue]) -> JsonValue:
    """Make up what a call gives, from the tool's result schema and the call alone."""
    made = _made_up(spec.output_schema or {}, "result", call_fingerprint(spec.id, dict(arguments)))
    return made if isinstance(made, dict) else {"ok": True}


def _made_up(schema: Mapping[str, Any], name: str, seed: str) -> JsonValue:
    kind = schema.get("type")
    mark = hashlib.sha256(f"{seed}{name}".encode()).hexdigest()
    if kind == "object":
        properties: Mapping[str, Any] = schema.get("properties", {})
        return {field: _made_up(part, field, seed) for field, part in properties.items()}
    if kind == "array":
        return [_made_up(schema.get("items", {"type": "string"}), name, seed)]
    if kind in {"integer", "number"}:
        return 1000 + int(mark[:8], 16) % 9000
    if kind == "boolean":
        return True
    folder = "/office/" if name == "path" or name.endswith("_path") else ""
    return f"{folder}{name}-{mark[:6]}"


class CannedWorld:
    """A place where calls are only noted; it is judged by the calls of each turn."""

    def __init__(self, specs: Sequence[ToolSpec], judge: Judge, own: Offer) -> None:
        self._toolset = CannedToolset(next(iter(own.values()), specs))
        self._own = own
        self._judge = judge
        self._turns: list[list[ToolCall]] = []

    @property
    def toolset(self) -> CannedToolset:
        """The tools; of a suite whose cases bring their own, those of the case that began last."""
        return self._toolset

    async def begin(self, case: Case) -> Mapping[str, str]:
        """Forget the case before; there are no folders."""
        if case.id in self._own:
            self._toolset = CannedToolset(self._own[case.id])
        self._toolset.made = []
        self._turns = []
        return {}

    async def turn_done(self, case: Case, index: int, trace: Trace) -> None:  # noqa: ARG002
        """Part the calls of a turn from those of the next."""
        self._turns.append(self._toolset.made)
        self._toolset.made = []

    async def failures(self, case: Case, trace: Trace) -> list[str]:
        """What is wrong with the calls; those of a turn that was not parted count as well."""
        if self._toolset.made or not self._turns:
            await self.turn_done(case, len(self._turns), trace)
        return self._judge(case, self._turns)


class CannedSuite:
    """A suite over tools that do nothing. With `own` tools, `per_case_tools` says so."""

    def __init__(
        self,
        name: str,
        cases: Sequence[Case],
        judge: Judge,
        *,
        specs: Sequence[ToolSpec] = (),
        own: Offer | None = None,
    ) -> None:
        self.name = name
        self.cases = tuple(cases)
        self.per_case_tools = own is not None
        self._specs, self._judge, self._own = tuple(specs), judge, own or {}
        offered = [*self._specs, *(spec for specs in self._own.values() for spec in specs)]
        self.digest = cases_digest(cases, [spec.model_dump(mode="json") for spec in offered])

    def world(self, folder: Path) -> AbstractAsyncContextManager[World]:  # noqa: ARG002
        """Open a world in memory; the folder stays empty."""
        return self.canned_world()

    @asynccontextmanager
    async def canned_world(self) -> AsyncIterator[CannedWorld]:
        """Open a world whose calls can be looked at."""
        yield CannedWorld(self._specs, self._judge, self._own)
