"""A new plan as a change of the old one: what is done stays, what is left may be edited."""

import re
from collections.abc import Sequence

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.events import StepClosed
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import RunState, StepState
from orchestrator.policy.planning import IDS, done_steps
from orchestrator.policy.verbs import acts

FAILURES_BEFORE_REPLAN = 3
"""Decisions of one step that may come to nothing before the plan gets it back; the loop breaker
counts its own."""
_SMALL_WORDS = re.compile(
    r"an?|all|and|as|at|by|called|each|every|for|from|in|into|its?|named|of|on|that|the|their"
    r"|them|then|this|to|under|with"
)


def remaining_steps(steps: Sequence[StepState]) -> tuple[PlanStep, ...]:
    """The steps of a plan that are still to be done, which a new plan may keep or change."""
    return tuple(state.step for state in steps if state.status in {"open", "failed"})


def first_free(kept: Sequence[PlanStep]) -> str:
    """The id that the steps of a new plan begin with: after every step that is kept."""
    return f"s{max((int(step.id[1:]) for step in kept), default=0) + 1}"


def with_what_is_left(before: RunState, made: Plan) -> Plan:
    """The new plan with the changes that it leaves undone, if all that it adds only looks.

    What the goal asks for is not done by no longer planning it. A change whose sources are planned
    no more stands there without them, to be given up and told as not done.

    Raises:
        InvalidPlan: There is no place left for one.
    """
    kept = done_steps(before.steps)
    left = [step for step in remaining_steps(before.steps) if acts(step.intent)]
    if not left or any(acts(step.intent) for step in made.steps if step not in kept):
        return made
    steps = list(made.steps)
    used = {step.id for step in steps} | {state.step.id for state in before.steps}
    free = (name for name in IDS if name not in used)
    for step in left:
        taken = any(other.id == step.id for other in steps)
        name = next(free, "") if taken else step.id
        if not name:
            raise InvalidPlan(f"The new plan leaves out a change: {step.intent}.")
        own = step if _has_its_sources(step, before, made) else _alone(step)
        steps.append(own.model_copy(update={"id": name}))
    return made.model_copy(update={"steps": tuple(steps)})


def given_up(before: RunState, made: Plan) -> list[StepClosed]:
    """The ends of the steps that a new plan has just as they failed: they would fail again.

    So have those whose sources are not planned any more: over other things they are another change.
    """
    failed = {
        _same(state.step)
        for state in before.steps
        if state.status == "open" and state.failures >= FAILURES_BEFORE_REPLAN
    }
    orphans = {
        _same(_alone(step))
        for step in remaining_steps(before.steps)
        if acts(step.intent) and step.sources and not _has_its_sources(step, before, made)
    }
    return [
        StepClosed(step=step.id, status="failed", note=before.replan_reason)
        for step in made.steps
        if _same(step) in failed | orphans
    ]


def _has_its_sources(step: PlanStep, before: RunState, made: Plan) -> bool:
    """Whether a new plan still has the very steps that another goes over or depends on."""
    same = {state.step.id for state in before.steps if state.step in made.steps}
    return {*step.sources} <= same


def _alone(step: PlanStep) -> PlanStep:
    return step.model_copy(
        update={"over": "", "where": (), "take": None, "only_if": (), "needs": None}
    )


def _same(step: PlanStep) -> tuple[str, str, str]:
    return step.intent, step.namespace, step.over


def changed(before: Sequence[PlanStep], after: Sequence[PlanStep]) -> tuple[list[str], list[str]]:
    """The ids of the steps that a new plan does without, and of those that it adds."""
    old = {step.model_copy(update={"id": ""}): step.id for step in before}
    new = {step.model_copy(update={"id": ""}): step.id for step in after}
    dropped = [step_id for step, step_id in old.items() if step not in new]
    return dropped, [step_id for step, step_id in new.items() if step not in old]


def repeated_writes(plan: Plan, run: RunState) -> list[str]:
    """The new steps that would do again what a step that is kept has already changed."""
    wrote = {call.step for call in run.settled if call.outcome.ok and call.effect != "read"}
    kept = done_steps(run.steps)
    changes = [step for step in kept if step.id in wrote]
    new = [step for step in plan.steps if step not in kept]
    return [
        f"{step.id} repeats {other.id}, which is done: leave it out."
        for step in new
        for other in changes
        if _does_the_same(step, other)
    ]


def _does_the_same(step: PlanStep, other: PlanStep) -> bool:
    where = (step.namespace, step.over, step.where, step.take)
    same_place = where == (other.namespace, other.over, other.where, other.take)
    return same_place and _telling(step.intent) == _telling(other.intent)


def _telling(intent: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+", intent.casefold())
    return frozenset(word.removesuffix("s") for word in words if not _SMALL_WORDS.fullmatch(word))
