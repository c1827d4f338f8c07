"""Carrying gold calls through our own layers: the tools alone, or plans through the graph."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.plans import MAX_STEPS
from orchestrator.core.roles import Profile
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.core.tools import ToolCall
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.external.bfcl_multi_turn import BfclMultiTurn, BfclWorld
from orchestrator.evals.external.gold_planner import GoldPlanner
from orchestrator.evals.traces import MadeCall, Trace
from orchestrator.graph.context import Player
from orchestrator.ports.tools import Toolset
from orchestrator.runtime import Orchestrator, Parts

OpenParts = Callable[[Toolset], Parts]
"""Makes what an orchestrator over a toolset is made of; its roles are replaced."""

PROFILE = Profile(name="gold calls", context_tokens=32_000)
_NOTHING = Trace(status="completed")


@dataclass
class GoldReplay:
    """What a replay came to: failures by case, and what the gold planner could not do directly.

    `searched`, `unlisted` and `unsaid` are the planner's; `changed` are the gold calls that were
    not made with exactly the gold arguments, whatever came of it.
    """

    cases: int = 0
    runs: int = 0
    calls: int = 0
    failures: dict[str, list[str]] = field(default_factory=dict)
    searched: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def solved(self) -> int:
        """Cases whose every turn ended as it must."""
        return self.cases - len(self.failures)


async def replay_gold(suite: BfclMultiTurn, world: BfclWorld, case: Case) -> list[str]:
    """Make a case's gold calls through the toolset and give what is then not as it must be."""
    await world.begin(case)
    problems = []
    for index, turn in enumerate(suite.tasks[case.id].gold):
        for gold in turn:
            outcome = await world.toolset.call(ToolCall(tool=gold.tool, arguments=gold.arguments))
            if not outcome.ok:
                problems.append(f"turn {index + 1}: {gold.tool}: {outcome.error}")
        await world.turn_done(case, index, _NOTHING)
    return [*problems, *await world.failures(case, _NOTHING)]


async def replay_through_graph(
    suite: BfclMultiTurn, cases: Iterable[Case], open_parts: OpenParts
) -> GoldReplay:
    """Carry cases out with a planner that knows the gold calls, each turn as a run of its own."""
    planner = GoldPlanner()
    replay = GoldReplay(searched=planner.searched, unlisted=planner.unlisted, unsaid=planner.unsaid)
    async with suite.bfcl_world() as world:
        player = Player(planner, PROFILE)
        parts = replace(open_parts(world.toolset), roles={"planner": player, "synthesizer": player})
        stage = _Stage(suite, world, Orchestrator(parts), planner, replay)
        for case in cases:
            replay.cases += 1
            found = await stage.play(case)
            if found:
                replay.failures[case.id] = found
    return replay


@dataclass(frozen=True)
class _Stage:
    """Where cases are played: one world, one orchestrator, one planner that knows."""

    suite: BfclMultiTurn
    world: BfclWorld
    orchestrator: Orchestrator
    planner: GoldPlanner
    replay: GoldReplay

    async def play(self, case: Case) -> list[str]:
        """Carry out a case turn by turn and give what is not as it must be."""
        await self.world.begin(case)
        problems: list[str] = []
        turns = zip((case.goal, *case.turns), self.suite.tasks[case.id].gold, strict=True)
        for index, (goal, gold) in enumerate(turns):
            made: list[MadeCall] = []
            for calls in _plans(gold):
                run = await self._run(goal, calls)
                made += _made(run)
                self.replay.changed += _changed(case, calls, run)
                if run.status != "completed":
                    problems.append(f"turn {index + 1}: {run.status}: {run.error}")
            trace = Trace(status="completed", calls=tuple(made))
            await self.world.turn_done(case, index, trace)
        return [*problems, *await self.world.failures(case, _NOTHING)]

    async def _run(self, goal: str, calls: Sequence[Gold]) -> RunState:
        self.planner.expect(calls)
        result = await self.orchestrator.run(RunRequest(goal=goal, approve="yes"))
        self.replay.runs += 1
        self.replay.calls += len(result.state.settled)
        return result.state


def _plans(calls: Sequence[Gold]) -> Iterator[Sequence[Gold]]:
    """Part the calls of a turn into plans of at most as many steps as a plan may have."""
    for start in range(0, max(len(calls), 1), MAX_STEPS):
        yield calls[start : start + MAX_STEPS]


def _changed(case: Case, calls: Sequence[Gold], run: RunState) -> Iterator[str]:
    settled = {call.fingerprint for call in run.settled}
    for call in calls:
        if call_fingerprint(call.tool, dict(call.arguments)) not in settled:
            yield f"{case.id}: {call.tool} {call.arguments}"


def _made(run: RunState) -> list[MadeCall]:
    return [
        MadeCall(
            tool=call.tool,
            arguments={},
            ok=call.outcome.ok,
            error=call.outcome.error,
            effect=call.effect,
            result=call.result,
            fingerprint=call.fingerprint,
            reused=call.reused,
        )
        for call in run.settled
    ]
