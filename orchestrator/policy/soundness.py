"""Faults in the form of a plan that plain evidence puts right: no reason to ask for it again.

Asked again for a plan that was right but for a condition on itself, a small model writes another
one, and a worse one.
"""

import re
from collections.abc import Collection, Sequence

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.policy.planning import IDS
from orchestrator.policy.verbs import ENGLISH, acts, stems

_LEAVES_AS_IT_IS = re.compile(
    r"\W*(?:if [^,]*,\s*)?(?:then )?(?:leave (?:it|them|that|this|all|every\w*|things"
    r"|the (?:rest|others?))(?: all)?(?: alone| be| (?:as|where) \w+ (?:is|are))?"
    r"|do (?:nothing|not do anything))\W*$",
    re.IGNORECASE,
)
TELLING_WORDS = 3
"""With so many words a goal says enough for a plan to speak of one of them."""


def sound(steps: Sequence[PlanStep], kept: Collection[str] = ()) -> list[PlanStep]:
    """The steps without what cannot be meant; `kept` are the ids of the steps before these.

    A source or a condition that is no earlier step is left out, but never of a step that changes
    something: what is to be done to some things or under a condition is not done to all or without
    it. A step that is there twice or says that nothing is done is left out too; an id that is there
    twice is given anew where no later step means it.
    """
    found: list[PlanStep] = []
    twins: dict[str, str] = {}
    doing = _that_do_something(steps)
    for at, said in enumerate(doing):
        known = {*kept, *(other.id for other in found)}
        step = said.model_copy(update={"over": twins.get(said.over, said.over)})
        own = step if acts(step.intent) else _on_what_is_known(step, known)
        twin = next((o.id for o in found if o.model_copy(update={"id": own.id}) == own), "")
        meant = any(own.id in later.sources for later in doing[at + 1 :])
        if twin:
            twins[own.id] = twin
        elif own.id in known and not meant:
            used = known | {other.id for other in steps}
            own = own.model_copy(update={"id": next((i for i in IDS if i not in used), own.id)})
            found.append(own)
        else:
            found.append(own)
    return found


def _on_what_is_known(step: PlanStep, known: Collection[str]) -> PlanStep:
    """The step without the sources that are none."""
    update: dict[str, object] = {"only_if": tuple(f for f in step.only_if if f.step in known)}
    if step.over not in known:
        update |= {"over": "", "where": (), "take": None}
    if step.needs is not None:
        update["needs"] = tuple(source for source in step.needs if source in known)
    return step.model_copy(update=update)


def closer(goal: str, made: Plan, earlier: Plan | None) -> Plan:
    """Of a plan and the one it was to replace the one that says more of the goal's words."""
    if earlier is None or not earlier.steps:
        return made
    return earlier if _spoken_share(goal, earlier) > _spoken_share(goal, made) else made


def of_another_goal(goal: str, plan: Plan) -> list[str]:
    """What is wrong with steps none of which says a word of the goal: they are an example's.

    Nothing where the goal is in another language than the steps.
    """
    english = ENGLISH.search(goal) is not None
    if (
        not english
        or not plan.steps
        or len(stems(goal)) < TELLING_WORDS
        or _spoken_share(goal, plan)
    ):
        return []
    return ["No step speaks of what the goal asks for. Plan this goal: " + goal[:200]]


def _spoken_share(goal: str, plan: Plan) -> float:
    wanted, said = stems(goal), stems(" ".join(step.intent for step in plan.steps))
    return len(wanted & said) / len(wanted) if wanted else 0.0


def _that_do_something(steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps without those that leave all as it is, and that no other one builds on."""
    sources = {source for step in steps for source in step.sources}
    doing = [s for s in steps if s.id in sources or not _LEAVES_AS_IT_IS.match(s.intent)]
    return doing or list(steps)
