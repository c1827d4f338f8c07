"""Carrying a suite: every case under every arm, resumable, as many at once as is allowed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from orchestrator.core.errors import BackendUnavailable, OrchestratorError
from orchestrator.evals.arms import Arm
from orchestrator.evals.carrying import Bench, Limits, carry, primed
from orchestrator.evals.cases import Case, Suite, World
from orchestrator.evals.keeping import EvaluationFolder
from orchestrator.evals.records import Measured, Record
from orchestrator.evals.scoring import score
from orchestrator.evals.traces import Trace
from orchestrator.evals.workbench import Workbench, under
from orchestrator.ports.tools import Toolset
from orchestrator.runtime import Parts

OnRecord = Callable[[Record], None]


@dataclass(frozen=True)
class Evaluation:
    """One suite under one arm: what is measured, where it is kept, and within which limits.

    With `prime` a loop reads its long front once before the clock of its first case runs.
    """

    suite: Suite
    arm: Arm
    cases: Sequence[Case]
    folder: EvaluationFolder
    workbench: Workbench
    measured: Callable[[Parts], Measured]
    worlds: Path
    seed: int = 0
    parallel: int = 1
    prime: bool = True
    limits: Limits = field(default_factory=Limits)


async def evaluate(
    evaluation: Evaluation,
    *,
    on_begin: Callable[[int, int], None] = lambda _done, _all: None,
    on_record: OnRecord = lambda _record: None,
) -> None:
    """Carry every case that has no record yet.

    `on_begin` is told how many cases are done already and how many there are.

    Raises:
        ExceptionGroup: Of a BackendUnavailable: the model is not there; what was measured so far
            is kept.
    """
    cases: asyncio.Queue[Case] = asyncio.Queue()
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(evaluation.parallel):
            worker = _Worker(evaluation, number, cases, begun, on_begin, on_record)
            group.create_task(worker.work())


@dataclass
class _Worker:
    """One world, and the cases that are carried in it one after the other."""

    evaluation: Evaluation
    number: int
    cases: asyncio.Queue[Case]
    begun: asyncio.Event
    on_begin: Callable[[int, int], None]
    on_record: OnRecord

    async def work(self) -> None:
        """Open the world and carry cases until there are none."""
        evaluation = self.evaluation
        async with evaluation.suite.world(evaluation.worlds / str(self.number)) as world:
            bench = Bench(self._parts, self._parts(world.toolset))
            measured = evaluation.folder.begin(evaluation.measured(bench.made))
            if self.number == 0:
                self._fill(measured)
            await self.begun.wait()
            if evaluation.prime and not self.cases.empty():
                await primed(evaluation.arm, bench.made, {})
            while not self.cases.empty():
                record = await self._carried(self.cases.get_nowait(), bench, world, measured)
                evaluation.folder.add(record)
                self.on_record(record)

    def _parts(self, toolset: Toolset) -> Parts:
        return under(self.evaluation.workbench.parts(toolset), self.evaluation.arm)

    def _fill(self, measured: str) -> None:
        evaluation = self.evaluation
        done = {r.case for r in evaluation.folder.records() if r.measured == measured}
        for case in evaluation.cases:
            if case.id not in done:
                self.cases.put_nowait(case)
        self.on_begin(len(evaluation.cases) - self.cases.qsize(), len(evaluation.cases))
        self.begun.set()

    async def _carried(self, case: Case, bench: Bench, world: World, measured: str) -> Record:
        evaluation = self.evaluation
        try:
            trace, run_id = await carry(
                case,
                evaluation.arm,
                bench,
                world=world,
                limits=evaluation.limits,
                seed=evaluation.seed,
            )
        except OrchestratorError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours fails its case, not the rest
            trace, run_id = Trace(status="crashed", code="internal", error=repr(error)), ""
        if BackendUnavailable.code in {trace.status, trace.code}:
            raise BackendUnavailable(trace.error)
        failures = await world.failures(case, trace)
        return Record(
            case=case.id,
            kind=case.kind,
            difficulty=case.difficulty,
            tags=case.tags,
            split=case.split,
            measured=measured,
            arm=evaluation.arm.name,
            model=evaluation.workbench.models[0].model,
            seed=evaluation.seed,
            run_id=run_id,
            at=_now(evaluation),
            trace=trace,
            score=score(case, trace, failures),
        )


def _now(evaluation: Evaluation) -> datetime:
    return evaluation.workbench.clock.now()
