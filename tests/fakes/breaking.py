"""Plays a script against the guards alone: every turn is proposed, judged, and folded.

The model in it is stubborn: whatever was refused, its next turn follows. Nothing else that
ends a run takes part, so what is stopped here was stopped by the guards.
"""

from dataclasses import dataclass, field

from orchestrator.core import events
from orchestrator.core.fingerprints import call_fingerprint, result_digest
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Budget, Proposal, RunRequest, RunState
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import Verdict
from orchestrator.journal.fold import fold
from orchestrator.policy.guards import View, first_objection

AMPLE = Budget(turns=10_000, tool_calls=100_000)
STEPS = 99
"""As many as the form of a step's id has room for."""


@dataclass
class Played:
    """What came of a script: the last state, each turn's verdict, the calls that were made."""

    state: RunState
    verdicts: list[Verdict] = field(default_factory=list)
    executed: list[tuple[str, str]] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    shared: int = 0

    @property
    def objections(self) -> list[Verdict]:
        """What was stopped, refused or sent back."""
        return [verdict for verdict in self.verdicts if verdict.kind not in {"allow", "ask"}]

    @property
    def answered(self) -> int:
        """How many turns were answered, at least in part, from what was known."""
        return sum(bool(verdict.reuse) for verdict in self.verdicts)


def play(turns, *, each=False, namespace=""):
    """Play turns as steps of their own (`each`), or within one step that never closes."""
    player = _Player(turns, each=each, namespace=namespace)
    for at, turn in enumerate(turns):
        if turn.tool and player.turn(turn, at) == "stop":
            break
    return player.played


class _Player:
    def __init__(self, turns, *, each, namespace):
        self._each = each
        self._scope = frozenset(turn.tool for turn in turns if turn.tool)
        first = namespace or next(t.tool.partition(".")[0] for t in turns if t.tool)
        self._spaces = [turn.tool.partition(".")[0] or first for turn in turns]
        self._latest = {}
        start = events.RunStarted(request=RunRequest(goal="Do it.", budget=AMPLE))
        self.played = Played(fold(RunState(run_id="r"), start))
        self._plan(first)

    def _plan(self, first):
        spaces = self._spaces[:STEPS] if self._each else [first]
        steps = [
            PlanStep(id=f"s{n}", intent=f"do {n}", namespace=space)
            for n, space in enumerate(spaces, 1)
        ]
        kept = tuple(s.step.id for s in self.played.state.steps if s.status == "done")
        self._happened(events.PlanMade(plan=Plan(steps=tuple(steps)), kept=kept))

    def _happened(self, event):
        self.played.state = fold(self.played.state, event)

    def turn(self, turn, at):
        step = f"s{at % STEPS + 1}" if self._each else "s1"
        self._happened(events.ToolsDisclosed(step=step, candidates=()))
        proposal = _proposal(turn, step, f"p{self.played.state.turns}")
        self._happened(events.CallProposed(proposal=proposal))
        view = View(state=self.played.state, proposal=proposal, scope=self._scope, rules=())
        verdict = first_objection(view)
        self.played.verdicts.append(verdict)
        self._happened(events.VerdictGiven(proposal=proposal.id, verdict=verdict))
        if verdict.kind in {"allow", "ask"}:
            self._act(turn, proposal, verdict)
        elif verdict.kind == "replan":
            self._plan(self.played.state.plan.steps[0].namespace)
        return verdict.kind

    def _act(self, turn, proposal, verdict):
        shared = {}
        for index, call in enumerate(proposal.calls):
            key = call_fingerprint(call.tool, call.arguments)
            answered = verdict.reuse.get(index) or shared.get(key, "")
            known = next((c for c in self.played.state.settled if c.id == answered), None)
            self.played.shared += key in shared
            outcome = known.outcome if known else self._made(turn, index, key)
            shared.setdefault(key, f"{proposal.id}.{index}")
            self._happened(
                events.CallSettled(
                    id=f"{proposal.id}.{index}",
                    step=proposal.step,
                    parent=proposal.parents[index],
                    tool=call.tool,
                    fingerprint=key,
                    outcome=outcome,
                    reused=answered,
                )
            )
            self._wait(turn, proposal)
        if self._each and not turn.error:
            self._happened(events.StepClosed(step=proposal.step, status="done"))

    def _wait(self, turn, proposal):
        """The call again and again, as a step that waits for something has it made."""
        settled = self.played.state.settled[-1]
        for poll, data in enumerate(turn.later, 1):
            self._happened(
                events.CallSettled(
                    id=f"{proposal.id}.0",
                    step=proposal.step,
                    parent=-1,
                    tool=turn.tool,
                    fingerprint=settled.fingerprint,
                    outcome=ToolOutcome(ok=True, data=data),
                    poll=poll,
                )
            )

    def _made(self, turn, index, key):
        self.played.executed.append((turn.tool, key))
        if turn.error:
            return ToolOutcome(ok=False, error=turn.error, code="tool_failed")
        result = (result_digest(turn.gives[index]), self.played.state.writes)
        if self._latest.get(key) == result:
            self.played.repeats.append(turn.tool)
        # A write changes the world itself; what comes after it is compared with what it left.
        self._latest[key] = (result[0], result[1] + (turn.effect != "read"))
        return ToolOutcome(ok=True, data=turn.gives[index])


def _proposal(turn, step, proposal_id):
    return Proposal(
        id=proposal_id,
        step=step,
        tool=turn.tool,
        expressions={},
        calls=tuple(ToolCall(tool=turn.tool, arguments=each) for each in turn.calls),
        parents=tuple(range(len(turn.calls))) if turn.fan_out else (-1,),
        effect=turn.effect,
    )
