"""Steps that are two in one, or in a namespace that cannot do what they say.

A step that finds something and changes it is closed by the call that finds, and one that adds a
task to a text makes words: the change is never made.
"""

import re
from collections.abc import Iterator, Sequence

from orchestrator.core.plans import PlanStep
from orchestrator.policy.decomposition import TEXT, Closest, parts
from orchestrator.policy.spoken import quoted
from orchestrator.policy.verbs import acts

_FINDS = re.compile(r"\W*(?:find|look (?:up|for)|search|list|check|get|see|open)\b", re.IGNORECASE)
_AND = re.compile(r",?\s+(?:and then|and|then)\s+", re.IGNORECASE)
_NO_TEXT = re.compile(
    r"\W*(?:add(?! up\b)|book|schedule|put(?! together\b)|enter|move|delete|tick|complete|cancel"
    r"|commit)\b",
    re.IGNORECASE,
)
_KINDS = re.compile(r"\b(note|task|event|appointment|contact|draft)s?\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"\u201c][^\"\u201d]*[\"\u201d]")


def parted(steps: Sequence[PlanStep], free: Iterator[str]) -> list[PlanStep]:
    """The steps, each that finds things and changes them as one that finds and one over it.

    The change keeps the id: what comes after goes over what was changed.
    """
    found: list[PlanStep] = []
    for step in steps:
        finding, change = _parts(step)
        name = next(free, "") if change else ""
        if not name:
            found.append(step)
            continue
        over = "" if step.over == step.id else step.over
        found.append(step.model_copy(update={"id": name, "intent": finding, "over": over}))
        items = {"over": name, "where": (), "take": None, "only_if": (), "wait_until": ()}
        found.append(step.model_copy(update={"intent": change, **items}))
    return found


def where_it_is_done(steps: Sequence[PlanStep], goal: str, closest: Closest) -> list[PlanStep]:
    """The steps, each that makes what the goal quotes where the goal's own words belong.

    The text tools make words and change nothing, and "add the note" is no note where the goal
    speaks of none: there the goal's words are the step's.
    """
    asked = [part for part in parts(goal) if acts(part)]
    kinds = {word.lower() for word in _KINDS.findall(goal)}
    found: list[PlanStep] = []
    for step in steps:
        of_text = step.namespace == TEXT and _NO_TEXT.match(step.intent) is not None
        invented = {word.lower() for word in _KINDS.findall(step.intent)} - kinds
        names = {*quoted(step.intent)}
        said = next((part for part in asked if names & {*quoted(part)}), "")
        namespace, clear = (
            closest(said or step.intent) if of_text or (invented and said) else ("", False)
        )
        own = {"namespace": namespace, "intent": (said or step.intent).rstrip(".")[:160]}
        moves = namespace and (clear or (of_text and said))
        found.append(step.model_copy(update=own) if moves else step)
    return found


def _parts(step: PlanStep) -> tuple[str, str]:
    """What a step finds and what it then changes; two empty texts where it does not do both."""
    if step.namespace == TEXT or not _FINDS.match(step.intent):
        return "", ""
    bare = _QUOTED.sub(lambda quoted: "\0" * len(quoted[0]), step.intent)
    for joint in _AND.finditer(bare):
        if acts(step.intent[joint.end() :]):
            return step.intent[: joint.start()], step.intent[joint.end() :]
    return "", ""
