"""Plans with too few steps: a goal that asks for several kinds of action, and one step for all.

An alarm costs a model call, so only plain evidence counts: verbs that the tools of different
namespaces carry out, and a plan that cannot have a step for each.
"""

import re
from pathlib import PurePosixPath

from orchestrator.core.plans import Plan
from orchestrator.policy.spoken import files_named

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")
_REFUSED = re.compile(r"\b(?:do not|don't|never|without)\s+\w+", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|every|all)\b", re.IGNORECASE)
_KINDS: dict[str, re.Pattern[str]] = {
    kind: re.compile(rf"\b(?:{verbs})\b", re.IGNORECASE)
    for kind, verbs in {
        "read": r"(?<!as )read|extract|transcribe|ocr",
        "rename": r"rename|move|delete|(?<!a )(?<!the )copy(?! of)",
        "summarise": r"summari[sz]e|translate",
        "send": r"send|forward",
        "schedule": r"(?<!my )(?<!the )(?<!a )(?<!on )schedule",
        "convert": r"convert|merge|compress|resize",
        "create": r"create|write",
    }.items()
}
_ADDRESS = re.compile(r"\S+@\S+|\b(?:https?://|www\.)\S+")
_SOME_FILE = re.compile(r"\b(?:the|that|this|its|each) (?:file|document|picture|image|letter)s?\b")
_TO_BE_MADE = re.compile(r"\b(?:to|as|into|it|called|named)\s+(?:[\w -]+/)*$")
"""What stands before the name that something gets: arguments are made from the goal as well."""
_FOLDER_OF = re.compile(r"([\w-]+)/$")
FEW = 2
"""How many steps a plan may lack, by the evidence, before it is asked for again."""


def under_decomposed(goal: str, plan: Plan) -> str:
    """Why a plan has plainly too few steps for its goal; "" where that is not plain.

    A plan with as many steps as the goal has action verbs is never objected to.
    """
    verbs = action_verbs(goal)
    each = _EACH.search(goal) is not None
    steps = len(plan.steps)
    if not steps or len(verbs) < FEW or steps >= len(verbs):
        return ""
    if steps > 1 and len(verbs) + each - steps < FEW:
        return ""
    first = " Begin with a step that finds the items, and go over it." if each else ""
    return (
        f"The goal asks to {', '.join(verbs[:-1])} and {verbs[-1]}, and the plan has"
        f" {steps} {'step' if steps == 1 else 'steps'}. Give each action its own step.{first}"
    )


def left_out(goal: str, plan: Plan) -> str:
    """Which file of the goal no step of a plan speaks of; "" where each is spoken of.

    A file counts as spoken of by its name, with or without its ending, by its folder, or as "the
    file".
    """
    said = " ".join(step.intent for step in plan.steps).lower()
    if _SOME_FILE.search(said):
        return ""
    for name in files_named(_ADDRESS.sub(" ", goal)) if plan.steps else ():
        path = PurePosixPath(name.rpartition(" ")[2].lower())
        before = goal[: goal.find(name)]
        if _TO_BE_MADE.search(before):
            continue
        folder = _FOLDER_OF.search(before)
        named = re.search(rf"\b{re.escape(path.stem)}\b", said)
        if named or (folder and re.search(rf"\b{folder[1].lower()}\b(?!/)", said)):
            continue
        return (
            f"The goal speaks of {name} and no step does. Give each thing that the goal asks for"
            " its own step."
        )
    return ""


def action_verbs(goal: str) -> list[str]:
    """The verbs of a goal by which it asks for different kinds of action, one for each kind."""
    asked = _REFUSED.sub(" ", _QUOTED.sub(" ", goal))
    found = {
        kind: match[0].lower() for kind, verbs in _KINDS.items() if (match := verbs.search(asked))
    }
    if {"send", "schedule"} & found.keys():
        # What is written to be sent, and what is made to be scheduled, is one act.
        found.pop("create", None)
    return list(found.values())
