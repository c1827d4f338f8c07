"""How a step ends without a call: not needed, without its source, or given back to the plan."""

from orchestrator.core.events import ReplanAsked, StepClosed
from orchestrator.core.plans import Fact
from orchestrator.core.runs import RunState, StepState
from orchestrator.policy.conditions import all_hold, written
from orchestrator.policy.handles import Handle, handle


def ended_by_sources(run: RunState, step: StepState) -> StepClosed | None:
    """The end of a step whose sources came to nothing or whose condition does not hold.

    Raises:
        InvalidPlan: Its condition names a field that nothing found has.
    """
    for source in _sources(run, step):
        goes_over = source.step.id == step.step.over
        if source.status == "failed" or (
            source.status == "skipped" and (goes_over or source.why == "condition")
        ):
            return _without(step, source, "goes over" if goes_over else "has a condition on")
    unmet = [fact for fact in step.step.only_if if not _is_so(run, fact)]
    if not unmet:
        return None
    note = f"It was not needed: {written(unmet)} does not hold."
    return StepClosed(step=step.step.id, status="skipped", note=note, why="condition")


def new_plan_or_failure(run: RunState, step: StepState, reason: str) -> ReplanAsked | StepClosed:
    """Give a step that cannot be done back to the plan, or end it where no new plan is left."""
    allowed = run.request.budget.replans if run.request else 0
    if run.replans < allowed:
        return ReplanAsked(reason=reason)
    return StepClosed(step=step.step.id, status="failed", note=reason)


def nothing_to_go_over(run: RunState, step: StepState, count: int) -> ReplanAsked | StepClosed:
    """No items is an answer; a condition that fits none of them is worth one new plan.

    Where a later step asks what this one found, the plan has thought of finding nothing.
    """
    where = written(step.step.where)
    foreseen = any(fact.step == step.step.id for s in run.steps for fact in s.step.only_if)
    if count and not foreseen:
        if not run.replans and run.request and run.request.budget.replans:
            return ReplanAsked(
                reason=f"{step.step.id}: 'where {where}' fits none of {count} items."
            )
        note = f"None of {count} items has {where}."
        return StepClosed(step=step.step.id, status="failed", note=note)
    note = f"None of {count} items has {where}." if count else f"{step.step.over} has no items."
    return StepClosed(
        step=step.step.id, status="skipped", note=f"Nothing to do: {note}", why="no_items"
    )


def _sources(run: RunState, step: StepState) -> list[StepState]:
    known = {state.step.id: state for state in run.steps}
    return [known[source] for source in step.step.sources if source in known]


def _without(step: StepState, source: StepState, relation: str) -> StepClosed:
    note = f"{source.step.id}, which it {relation}, was {source.status}. {source.note}"
    return StepClosed(
        step=step.step.id,
        status="failed" if source.status == "failed" else "skipped",
        note=note.strip(),
        why=source.why,
    )


def _is_so(run: RunState, fact: Fact) -> bool:
    source = next((state for state in run.steps if state.step.id == fact.step), None)
    found = handle(run, source) if source else Handle(step=fact.step)
    return all_hold([fact.condition], found)
