"""BFCL's multi-turn tasks, executed: all functions of all classes offered, state compared.

A case is solved when, after every turn that asks for calls, the simulators stand as after the
gold calls, and the results so far contain those of that turn's gold calls, in any order. This
is BFCL's own rule; as all classes are offered, all of them are compared.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import ToolSpec
from orchestrator.evals.cases import Case, Gold, World
from orchestrator.evals.external.bfcl_gold import gold_call
from orchestrator.evals.external.bfcl_tools import (
    BfclToolset,
    compared,
    execute,
    read_specs,
    widened,
)
from orchestrator.evals.external.reading import cases_digest, json_lines
from orchestrator.evals.external.simulators import (
    PACKAGE,
    Classes,
    Instances,
    differences,
    instances,
    load_classes,
)
from orchestrator.evals.traces import Trace

CATEGORY = "multi_turn_base"
SAMPLE = f"{CATEGORY}.dev.jsonl"


class Task(Frozen):
    """A case with what its simulators begin as and the gold calls of each turn."""

    case: Case
    configuration: dict[str, Any]
    gold: tuple[tuple[Gold, ...], ...]


class BfclWorld:
    """Fresh simulators for each case, and beside them those that only the gold calls change."""

    def __init__(
        self, tasks: Mapping[str, Task], classes: Classes, specs: Sequence[ToolSpec]
    ) -> None:
        self._tasks = tasks
        self._classes = classes
        self._toolset = BfclToolset(specs)
        self._gold: Instances = {}
        self._results: list[str] = []
        self._taken = 0
        self._judged: list[str | None] = []

    @property
    def toolset(self) -> BfclToolset:
        """The functions, executed."""
        return self._toolset

    async def begin(self, case: Case) -> Mapping[str, str]:
        """Make the simulators as the case begins; there are no folders."""
        task = self._tasks[case.id]
        self._toolset.live = instances(self._classes, task.configuration)
        self._toolset.made = []
        self._gold = instances(self._classes, task.configuration)
        self._results, self._taken, self._judged = [], 0, []
        return {}

    async def turn_done(self, case: Case, index: int, trace: Trace) -> None:
        """Judge one turn when its run is over, before the next begins; turns count from 0."""
        gold = self._tasks[case.id].gold[index]
        called = self._take(trace)
        wanted = [self._gold_result(call) for call in gold]
        self._judged.append(self._judgement(index, wanted, called=called) if gold else None)

    async def failures(self, case: Case, trace: Trace) -> list[str]:
        """What was not as after the gold calls; turns that nobody judged yet are judged now."""
        for index in range(len(self._judged), len(self._tasks[case.id].gold)):
            await self.turn_done(case, index, trace)
        return [words for words in self._judged if words]

    def _take(self, trace: Trace) -> bool:
        """Add the results of a turn; a call answered from what was known gives its result again."""
        new = self._toolset.made[self._taken :]
        self._taken = len(self._toolset.made)
        known = {made.fingerprint: made.result for made in self._toolset.made}
        again = [known[c.fingerprint] for c in trace.calls if c.reused and c.fingerprint in known]
        self._results += [*(made.result for made in new), *again]
        return bool(new or again)

    def _gold_result(self, call: Gold) -> str:
        return compared(*execute(self._gold, call.tool, dict(call.arguments)))

    def _judgement(self, index: int, wanted: list[str], *, called: bool) -> str | None:
        turn = f"turn {index + 1}"
        if not called:
            return f"{turn}: no tool was called"
        changed = differences(self._toolset.live, self._gold)
        if changed:
            return f"{turn}: not as it must be: {', '.join(changed)}"
        missing = _missing(wanted, self._results)
        return f"{turn}: {len(missing)} of {len(wanted)} results were not got" if missing else None


def _missing(wanted: Sequence[str], got: Sequence[str]) -> list[str]:
    """The wanted results that were not got, each as often as it is wanted."""
    left, missing = list(got), []
    for result in wanted:
        if result in left:
            left.remove(result)
        else:
            missing.append(result)
    return missing


class BfclMultiTurn:
    """The suite `bfcl-multi-turn`."""

    name = "bfcl-multi-turn"

    def __init__(self, tasks: Sequence[Task], classes: Classes, specs: Sequence[ToolSpec]) -> None:
        self.tasks = {task.case.id: task for task in tasks}
        self.cases = tuple(task.case for task in tasks)
        self.digest = cases_digest(self.cases, [task.configuration for task in tasks])
        self._classes = classes
        self._specs = tuple(specs)

    def world(self, folder: Path) -> AbstractAsyncContextManager[World]:  # noqa: ARG002
        """Open a world in memory; the folder stays empty."""
        return self.bfcl_world()

    @asynccontextmanager
    async def bfcl_world(self) -> AsyncIterator[BfclWorld]:
        """Open a world whose simulators can be looked at."""
        yield BfclWorld(self.tasks, self._classes, self._specs)


def load_multi_turn(package: Path, data: Path | None = None) -> BfclMultiTurn:
    """Load the suite: simulators, documents and tasks of the package, else tasks of a folder.

    Raises:
        SettingsError: Something of it is missing or damaged.
    """
    classes = load_classes(package)
    tasks = [_task(row, classes) for row in _rows(package, data)]
    gold = [call for task in tasks for turn in task.gold for call in turn]
    return BfclMultiTurn(tasks, classes, widened(read_specs(package), gold))


def _rows(package: Path, data: Path | None) -> list[dict[str, Any]]:
    """Rows with `turns` and `ground_truth`, from whichever of the two forms is there."""
    folder = package / PACKAGE / "data"
    name = f"BFCL_v4_{CATEGORY}.json"
    if data is not None and not (folder / name).exists():
        return json_lines(data / SAMPLE)
    answers = {row["id"]: row for row in json_lines(folder / "possible_answer" / name)}
    return [
        {
            **row,
            "turns": [[message["content"] for message in turn] for turn in row["question"]],
            "ground_truth": answers[row["id"]]["ground_truth"],
        }
        for row in json_lines(folder / name)
    ]


def _task(row: Mapping[str, Any], classes: Classes) -> Task:
    involved = row["involved_classes"]
    gold = tuple(
        tuple(gold_call(source, involved, classes) for source in turn)
        for turn in row["ground_truth"]
    )
    turns = ["\n".join(turn) for turn in row["turns"]]
    flat = tuple(call for turn in gold for call in turn)
    crossing = len({call.tool.partition(".")[0] for call in flat}) > 1
    case = Case(
        id=row["id"],
        goal=turns[0],
        kind="multi-turn",
        tags=("crossing",) if crossing else (),
        turns=tuple(turns[1:]),
        calls=bool(flat),
        gold=flat,
        steps=len(flat),
    )
    return Task(case=case, configuration=row["initial_config"], gold=gold)
