"""What the guard says of a proposal, as events."""

from orchestrator.core.events import CallProposed, Event, RunEnded, VerdictGiven
from orchestrator.core.fingerprints import digest
from orchestrator.core.runs import Proposal, RunState
from orchestrator.core.verdicts import Verdict
from orchestrator.graph.context import RunContext
from orchestrator.journal.fold import fold
from orchestrator.journal.together import can_be_held
from orchestrator.policy.budgets import objection
from orchestrator.policy.guards import View, first_objection


def proposed(context: RunContext, proposal: Proposal) -> list[Event]:
    """A decision and its verdict; it is held where the next step's can be carried out with it."""
    made = CallProposed(proposal=proposal)
    given, *more = judged(context, context.state, proposal)
    decided = fold(fold(context.state, made), given)
    if isinstance(given, VerdictGiven) and can_be_held(decided) and _room_for_more(decided):
        given = given.model_copy(update={"held": True})
    return [made, given, *more]


def _room_for_more(decided: RunState) -> bool:
    """Whether the budget has a turn left, and a call besides those that are decided."""
    own = len(decided.proposal.calls) if decided.proposal else 0
    return not (objection(decided) or objection(decided, calls=decided.held_calls + own + 1))


def judged(context: RunContext, state: RunState, proposal: Proposal) -> list[Event]:
    """The guard's verdict on a proposal in that state, and the run's end where it says stop."""
    view = View(state=state, proposal=proposal, scope=frozenset(context.specs), rules=context.rules)
    verdict = first_objection(view, context.guards)
    given = VerdictGiven(proposal=proposal.id, verdict=verdict)
    return [given, _stop(verdict)] if verdict.kind == "stop" else [given]


def proposal_digest(proposal: Proposal) -> str:
    """What an approval is bound to: the tool and every call's exact arguments."""
    return digest([[call.tool, call.arguments] for call in proposal.calls])


def _stop(verdict: Verdict) -> RunEnded:
    return RunEnded(status="stopped", error=verdict.reason, code=verdict.code)
