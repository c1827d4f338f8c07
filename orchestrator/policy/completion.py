"""The end of a run against its goal: what the goal plainly asks for and no step has done.

A plan may leave a part of the goal out, and every one of its steps be done all the same.
"""

import re

from orchestrator.core.plans import Plan
from orchestrator.core.runs import RunState
from orchestrator.policy.decomposition import Closest, missing_parts, undecided

_MAKES_ONE = re.compile(
    r"\W*(?:add|create|save|draft|book|schedule|put|make|start)\s+(?:an?|the)\b", re.IGNORECASE
)
_CONDITIONAL = re.compile(
    r"\b(?:if|unless|whether|otherwise|in case|any|each|every|all|only|whoever|whatever)\b",
    re.IGNORECASE,
)
"""With such a word in a goal, to make nothing may be right."""


def parts_not_done(run: RunState, closest: Closest) -> list[str]:
    """The parts of the goal that no step was for, and the one thing that no step could make.

    A part under a condition is one where no step says what it quotes: nobody has found out whether
    it is to be done. Steps that failed tell of themselves; where nothing was found of a kind that
    the goal speaks of with "if" or "each", there is nothing to do.
    """
    if run.plan is None or run.request is None or not run.steps:
        return []
    goal = run.request.goal
    planned = Plan(steps=tuple(state.step for state in run.steps))
    found = [missing.part for missing in missing_parts(goal, planned, closest)]
    found += [sentence for sentence in [undecided(goal, planned)] if sentence]
    if not _CONDITIONAL.search(goal):
        found += [
            state.step.intent
            for state in run.steps
            if state.why == "no_items" and _MAKES_ONE.match(state.step.intent)
        ]
    return [part.rstrip(".") for part in found]
