"""Faults in the form of a plan that plain evidence puts right: no reason to ask for it again.

Asked again for a plan that was right but for a condition on itself, a small model writes another
one, and a worse one.
"""

import re
from collections.abc import Collection, Sequence

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.policy.planning import IDS
from orchestrator.policy.verbs import acts

_LEAVES_AS_IT_IS = re.compile(
    r"\bleave (?:it|them|that|this|all|every\w*|things|the (?:rest|others?))"
    r"(?: all)?(?: alone| be| (?:as|where) \w+ (?:is|are))?\W*$"
    r"|\bdo (?:nothing|not do anything)\W*$",
    re.IGNORECASE,
)
_TELLING = re.compile(r"[^\W_]{4,}")
TELLING_WORDS = 3
"""With so many words a goal says enough for a plan to speak of one of them."""

STEM = 5
"""Letters by which two words count as one: photo and photos, delivery and delivered."""


def sound(steps: Sequence[PlanStep], kept: Collection[str] = ()) -> list[PlanStep]:
    """The steps without what cannot be meant.

    A source that is no earlier step is left out, a condition only where the step changes nothing:
    what is to be done under a condition is never done without it. A step that is there twice or
    says that nothing is done is left out too; an id that is there twice is given anew. `kept` are
    the ids of the steps before these.
    """
    found: list[PlanStep] = []
    for step in _that_do_something(steps):
        known = {*kept, *(other.id for other in found)}
        sources: dict[str, object] = {
            "over": step.over if step.over in known else "",
            "only_if": tuple(f for f in step.only_if if f.step in known or acts(step.intent)),
        }
        if step.needs is not None:
            sources["needs"] = tuple(source for source in step.needs if source in known)
        if not sources["over"]:
            sources |= {"where": (), "take": None}
        own = step.model_copy(update=sources)
        if any(_same(own, other) for other in found):
            continue
        if own.id in known:
            used = known | {other.id for other in steps}
            own = own.model_copy(update={"id": next((i for i in IDS if i not in used), own.id)})
        found.append(own)
    return found


def closer(goal: str, made: Plan, earlier: Plan | None) -> Plan:
    """Of a plan and the one it was to replace the one that says more of the goal's words."""
    if earlier is None or not earlier.steps:
        return made
    return earlier if _spoken_share(goal, earlier) > _spoken_share(goal, made) else made


def of_another_goal(goal: str, plan: Plan) -> list[str]:
    """What is wrong with steps none of which says a word of the goal: they are an example's."""
    if not plan.steps or len(_stems(goal)) < TELLING_WORDS or _spoken_share(goal, plan):
        return []
    return ["No step speaks of what the goal asks for. Plan this goal: " + goal[:200]]


def _spoken_share(goal: str, plan: Plan) -> float:
    wanted, said = _stems(goal), _stems(" ".join(step.intent for step in plan.steps))
    return len(wanted & said) / len(wanted) if wanted else 0.0


def _stems(text: str) -> set[str]:
    return {word[:STEM] for word in _TELLING.findall(text.lower())}


def _that_do_something(steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps without those that leave all as it is, and that no other one builds on."""
    sources = {source for step in steps for source in step.sources}
    doing = [s for s in steps if s.id in sources or not _LEAVES_AS_IT_IS.search(s.intent)]
    return doing or list(steps)


def _same(step: PlanStep, other: PlanStep) -> bool:
    return (step.intent, step.namespace, step.over, step.where) == (
        other.intent,
        other.namespace,
        other.over,
        other.where,
    )
