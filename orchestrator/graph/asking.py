"""Questions to the person before anything is changed: they take the place of the plan."""

from orchestrator.core.events import Event, PlanMade, RunEnded
from orchestrator.core.plans import Plan
from orchestrator.graph.context import RunContext
from orchestrator.graph.prospect import Prospect
from orchestrator.policy.lookups import which_one
from orchestrator.policy.verbs import acts


def which_is_meant(context: RunContext, ahead: Prospect) -> str:
    """The question which of the things that were found a step is to change, or ""."""
    run, step = context.state, ahead.step
    changed = any(call.effect != "read" for call in run.settled)
    mend = context.roles["planner"].profile.mends_plans
    source = next((state.step for state in run.steps if state.step.id == step.over), None)
    if not mend or run.deflected or changed or not acts(step.intent):
        return ""
    if source is None or source.over:
        return ""
    by_id = ahead.known[source.id].by_id
    items = [by_id[index].data for index in ahead.indices if index in by_id]
    return which_one(step, items, source.intent, ahead.goal)


def put(question: str, *, reason: str = "") -> tuple[Event, ...]:
    """The events that put a question; what was only read is read again after the answer."""
    asked = PlanMade(plan=Plan(question=question), reason=reason or question)
    return asked, RunEnded(status="needs_input", error=question, code="needs_input")
