"""The end of a run against its goal: what the goal plainly asks for and no step has done.

A plan may leave a part of the goal out, and every one of its steps be done all the same.
"""

import re

from orchestrator.core.plans import Plan
from orchestrator.core.runs import RunState
from orchestrator.policy.decomposition import Closest, missing_parts, undecided
from orchestrator.policy.verbs import MAKES

UNDONE = "This part of the goal is not done yet: "
_CONDITIONAL = re.compile(
    r"\b(?:if|unless|whether|otherwise|in case|any|each|every|all|only|whoever|whatever)\b",
    re.IGNORECASE,
)
"""With such a word in a goal, to make nothing may be right."""


def parts_not_done(run: RunState, closest: Closest) -> list[str]:
    """The parts of the goal that no step was for, and the things to make that no step could make.

    Steps that failed tell of themselves; where nothing was found of a kind that the goal speaks
    of with "if" or "each", there is nothing to do.
    """
    if run.plan is None or run.request is None or run.plan.answer or run.plan.question:
        return []
    goal = run.request.goal
    planned = Plan(steps=tuple(state.step for state in run.steps))
    found = [missing.part.rstrip(".") for missing in missing_parts(goal, planned, closest)]
    if run.steps and (open_question := undecided(goal, planned)):
        found.append(open_question.rstrip("."))
    if _CONDITIONAL.search(goal):
        return found
    unmade = [
        state.step.intent
        for state in run.steps
        if state.why == "no_items" and MAKES.match(state.step.intent)
    ]
    return [*found, *unmade]
