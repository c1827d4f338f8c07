"""Steps that no tool of a run can do, seen before anything is done: paying, printing, phoning.

A small planner gives them to the nearest namespace, whose tools then do something else.
"""

import re
from collections.abc import Collection

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.tools import ToolSpec

_OUTSIDE = re.compile(
    r"\W*(?:(?:then|and|please) )*(?:(pay|wire|buy|purchase|print|phone|ring|dial)\b"
    r"|(transfer)\b.*\b(?:amount|money|sum|account|euros?|dollars?|pounds?)\b)",
    re.IGNORECASE,
)
"""How a step begins that does something outside of an office computer's files and lists."""


def beyond(plan: Plan, specs: Collection[ToolSpec]) -> list[PlanStep]:
    """The steps of a plan whose verb no tool has, in its name or in its description."""
    found = ((step, _OUTSIDE.match(step.intent)) for step in plan.steps)
    return [step for step, verb in found if verb and not _done_by(verb[1] or verb[2], specs)]


def possible(plan: Plan, specs: Collection[ToolSpec], before: Plan | None) -> Plan:
    """The plan, or, where some of it cannot be done, what is said of that before anything is done.

    Of a plan that can be done in part the question is whether to do the rest. Where the plan
    `before` was that question, the rest is planned; a later new plan stays as it is.
    """
    cannot = beyond(plan, specs)
    if not cannot or (before is not None and not before.question):
        return plan
    if before is not None:
        return _without(plan, cannot)
    told = f"None of the tools here can do this: {' and '.join(s.intent for s in cannot)}."
    if len(cannot) == len(plan.steps):
        return Plan(answer=f"{told} It cannot be done here.")
    return Plan(question=f"{told} Is the rest to be done without it?")


def _without(plan: Plan, steps: Collection[PlanStep]) -> Plan:
    gone = {step.id for step in steps}
    kept: list[PlanStep] = []
    for step in plan.steps:
        if step.id in gone or gone & {*step.sources}:
            gone.add(step.id)
        else:
            kept.append(step)
    return plan.model_copy(update={"steps": tuple(kept)}) if kept else plan


def _done_by(verb: str, specs: Collection[ToolSpec]) -> bool:
    said = re.compile(rf"(?<![^\W_]){verb}", re.IGNORECASE)
    return any(said.search(f"{spec.name} {spec.description}") for spec in specs)
