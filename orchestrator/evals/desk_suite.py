"""The home suite: tasks on the sample office, carried out by its real servers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.core.errors import SettingsError
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.traces import Trace
from orchestrator.evals.workbench import OfficeTools
from orchestrator.ports.tools import Toolset

REPOSITORY = "Projects/website"
"""The office's repository, which goals speak of by the name of the place."""


@dataclass(frozen=True)
class DeskSuite:
    """The cases that ship with the sample office.

    Raises:
        SettingsError: The sample office is not installed.
    """

    office_tools: OfficeTools
    name: str = "desk"

    @cached_property
    def digest(self) -> str:
        """The sha256 of the case files."""
        return str(_desk("loading").suite_digest())

    @cached_property
    def cases(self) -> Sequence[Case]:
        """Every case: one gold call is a single step, more are a chain."""
        return tuple(map(_case, self.written.values()))

    @cached_property
    def written(self) -> Mapping[str, Any]:
        """The cases as the office knows them, by id."""
        return {case.id: case for case in _desk("loading").load_cases()}

    @asynccontextmanager
    async def world(self, folder: Path) -> AsyncIterator["DeskWorld"]:
        """Furnish an office in the folder and start its servers, once for all cases."""
        root, state = folder / "office", folder / "state"
        for made in (root, state):
            made.mkdir(parents=True, exist_ok=True)
        first = next(iter(self.written.values()))
        _desk("world").furnish_case(root, first, state=state)
        async with self.office_tools(root, state) as toolset:
            yield DeskWorld(toolset, root, state, self.written)


@dataclass
class DeskWorld:
    """One office whose servers keep running; each case is furnished anew in the same folder."""

    toolset: Toolset
    root: Path
    state: Path
    written: Mapping[str, Any]
    before: Mapping[str, str] = field(default_factory=dict)

    async def begin(self, case: Case) -> Mapping[str, str]:
        """Furnish the office for a case."""
        world = _desk("world")
        world.furnish_case(self.root, self.written[case.id], state=self.state)
        self.before = world.snapshot(self.root)
        return {**world.places(self.root), "website": str(self.root / REPOSITORY)}

    async def failures(self, case: Case, trace: Trace) -> list[str]:
        """Look at the office and at what was said."""
        checks = _desk("checks")
        seen = checks.Seen(
            status=trace.status,
            answer=trace.answer,
            question=trace.question,
            calls=tuple(
                checks.SeenCall(tool=call.tool, arguments=call.arguments, ok=call.ok)
                for call in trace.calls
            ),
        )
        case_of = self.written[case.id]
        return list(checks.failures(case_of, self.root, self.before, seen, state=self.state))


def _case(written: Any) -> Case:
    gold = tuple(
        Gold(tool=call.tool, arguments=call.arguments, also=call.also, free=call.free)
        for call in written.gold
    )
    steps = written.steps or len(gold) or 1
    return Case(
        id=written.id,
        goal=written.goal,
        kind="chain" if steps > 1 else "single",
        difficulty=written.difficulty,
        tags=(*written.tags, *((written.outcome,) if written.outcome != "done" else ())),
        calls=bool(gold),
        gold=gold,
        steps=steps,
    )


def _desk(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"desk.suite.{module}")
    except ImportError as error:
        raise SettingsError(
            f"The sample office is not installed: {error}.",
            hint="Install it with `pip install 'ferryman[desk]'`.",
        ) from error
