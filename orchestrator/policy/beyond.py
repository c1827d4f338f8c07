"""Steps that no tool of a run can do, seen before anything is done: paying, printing, phoning.

A small planner gives them to the nearest namespace, whose tools then do something else.
"""

import re
from collections.abc import Collection, Sequence

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.tools import ToolSpec

_OUTSIDE = re.compile(
    r"\W*(?:(?:then|and|please) )*(?:(pay|wire|buy|purchase|phone|ring|dial)\b"
    r"|(print)\b(?! (?:the |its |their |out )*(?:contents?|texts?|lines?|list|names?|path)\b)"
    r"|(transfer)\b.*\b(?:amount|money|sum|euros?|dollars?|pounds?)\b)",
    re.IGNORECASE,
)
"""How a step begins that does something outside of an office computer's files and lists."""
REST = "Is the rest to be done without it?"


def beyond(plan: Plan, specs: Collection[ToolSpec]) -> list[PlanStep]:
    """The steps of a plan whose verb no tool has, in its name or in its description."""
    found = ((step, _OUTSIDE.match(step.intent)) for step in plan.steps)
    return [
        s for s, verb in found if verb and not _done_by(next(filter(None, verb.groups())), specs)
    ]


def possible(plan: Plan, specs: Collection[ToolSpec], before: Plan | None) -> Plan:
    """The plan, or, where some of it cannot be done, what is said of that before anything is done.

    Of a plan that can be done in part the question is whether to do the rest. Where the plan
    `before` was that question, the rest is planned; a later new plan stays as it is.
    """
    cannot = beyond(plan, specs)
    if not cannot or (before is not None and not before.question):
        return plan
    told = f"None of the tools here can do this: {' and '.join(s.intent for s in cannot)}."
    rest = _without(plan.steps, cannot)
    if not rest:
        return Plan(answer=f"{told} It cannot be done here.")
    if before is not None and before.question.endswith(REST):
        return plan.model_copy(update={"steps": rest})
    named = "; ".join(step.intent for step in rest)
    return Plan(question=f"{told} What is left is: {named}. {REST}")


def _without(steps: Sequence[PlanStep], left_out: Collection[PlanStep]) -> tuple[PlanStep, ...]:
    """The steps without some, and without what goes over those."""
    gone = {step.id for step in left_out}
    kept: list[PlanStep] = []
    for step in steps:
        if step.id in gone or gone & {*step.sources}:
            gone.add(step.id)
        else:
            kept.append(step)
    return tuple(kept)


def _done_by(verb: str, specs: Collection[ToolSpec]) -> bool:
    said = re.compile(rf"(?<![^\W_]){verb}(?:s|ing|ments?)?(?![^\W_]| numbers?)", re.IGNORECASE)
    return any(said.search(f"{spec.name} {spec.description}") for spec in specs)
