"""Carrying one case under one arm: turn by turn, each within the same limits."""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from orchestrator.core.chat import Frozen, Message
from orchestrator.core.events import Entry
from orchestrator.core.runs import Budget, RunRequest
from orchestrator.evals.arms import Arm
from orchestrator.evals.bare import prime, run_bare
from orchestrator.evals.cases import Case, World
from orchestrator.evals.traces import Trace
from orchestrator.evals.tracing import joined, trace_of_journal, trace_of_loop
from orchestrator.ports.tools import Toolset
from orchestrator.runtime import Orchestrator, Parts, new_run_id

SPARE_DECISIONS = 4
"""Decisions that an arm may take beyond one for each gold call."""


class Limits(Frozen):
    """What a case may cost under any arm, in decisions, seconds, and tokens of one reply."""

    most_decisions: int = 14
    seconds: float = 600.0
    reply_tokens: int = 300

    def decisions(self, case: Case) -> int:
        """One for each gold call and a few to spare, within the limit."""
        return min(len(case.gold) + SPARE_DECISIONS, self.most_decisions)


@dataclass
class Bench:
    """The parts of the case at hand: made anew only where a world changes its tools."""

    make: Callable[[Toolset], Parts]
    made: Parts

    def over(self, toolset: Toolset) -> Parts:
        """The parts over these tools."""
        if self.made.toolset is not toolset:
            self.made = self.make(toolset)
        return self.made


async def carry(
    case: Case, arm: Arm, bench: Bench, *, world: World, limits: Limits, seed: int
) -> tuple[Trace, str]:
    """Begin the case in its world, carry all its turns, and give the trace and the run's id."""
    places = await world.begin(case)
    parts = bench.over(world.toolset)
    traces: list[Trace] = []
    history: tuple[Message, ...] = ()
    run_id = ""
    for index, goal in enumerate((case.goal, *case.turns)):
        if arm.kind == "ferryman":
            run_id = new_run_id()
            earlier = (case.goal, *case.turns)[:index]
            asked = _request(goal, earlier, places, case=case, limits=limits, seed=seed)
            traces.append(await _run(asked, run_id, parts))
        else:
            trace, history = await _loop(
                goal,
                places,
                history,
                arm=arm,
                parts=parts,
                limits=limits,
                rounds=limits.decisions(case),
            )
            traces.append(trace)
        if hasattr(world, "turn_done"):
            await world.turn_done(case, index, traces[-1])
    return joined(traces), run_id


def _request(
    goal: str,
    earlier: tuple[str, ...],
    places: Mapping[str, str],
    *,
    case: Case,
    limits: Limits,
    seed: int,
) -> RunRequest:
    before = f"\n(Said before, and done: {' / '.join(earlier)})" if earlier else ""
    return RunRequest(
        goal=f"{goal}{before}",
        places=dict(places),
        budget=Budget(turns=limits.decisions(case), replans=2, seconds=limits.seconds),
        approve="yes",
        seed=seed,
    )


async def _run(request: RunRequest, run_id: str, parts: Parts) -> Trace:
    entries: list[Entry] = []
    async with aclosing(Orchestrator(parts).stream(request, run_id=run_id)) as stream:
        entries.extend([entry async for entry in stream])
    return trace_of_journal(entries, {spec.id: spec for spec in parts.toolset.specs})


async def primed(arm: Arm, parts: Parts, places: Mapping[str, str]) -> None:
    """Let a loop read its long front before the clock of the first case runs."""
    if arm.kind == "ferryman":
        return
    await prime(
        places=places,
        toolset=parts.toolset,
        player=parts.roles["planner"],
        library=parts.library,
        style="native" if arm.kind == "native" else "bare",
    )


async def _loop(
    goal: str,
    places: Mapping[str, str],
    history: tuple[Message, ...],
    *,
    arm: Arm,
    parts: Parts,
    limits: Limits,
    rounds: int,
) -> tuple[Trace, tuple[Message, ...]]:
    result = await run_bare(
        goal=goal,
        places=places,
        toolset=parts.toolset,
        player=parts.roles["planner"],
        library=parts.library,
        clock=parts.clock,
        rounds=rounds,
        deadline_s=limits.seconds,
        reply_tokens=limits.reply_tokens,
        style="native" if arm.kind == "native" else "bare",
        history=history,
    )
    specs = {spec.id: spec for spec in parts.toolset.specs}
    return trace_of_loop(result, specs), result.messages
