"""Steps that are two in one, or that the text tools could not carry out.

A step that finds something and changes it is closed by the call that finds, and one that adds a
task to a text makes words: the change is never made.
"""

import re
from collections.abc import Iterator, Sequence

from orchestrator.core.dates import dates_named
from orchestrator.core.plans import PlanStep
from orchestrator.policy.decomposition import TEXT, Closest, parts
from orchestrator.policy.spoken import quoted
from orchestrator.policy.verbs import CHANGES, acts

_FINDS = re.compile(r"\W*(?:find|look (?:up|for)|search|list|check|get|see|open)\b", re.IGNORECASE)
_AND = re.compile(r",?\s+(?:and then|and|then)\s+", re.IGNORECASE)
_SOMETHING = re.compile(
    r"\W*[a-z]+(?: off| out)?\s+(?:it|its|them|their|that|those|these|this|each|every|all|the|my"
    r"|our|an?)\b",
    re.IGNORECASE,
)
"""A verb and what it is done to: of "the inbox and trash" nothing is trashed."""
_WORDS = re.compile(
    r"\b(?:greeting|heading|headline|line|sentence|paragraph|title|word|text)s?\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[\"\u201c][^\"\u201d]*[\"\u201d]")


def parted(steps: Sequence[PlanStep], free: Iterator[str]) -> list[PlanStep]:
    """The steps, each that finds things and changes them as one that finds and one over it.

    The change keeps the id: what comes after goes over what was changed. One that goes over some
    already is left alone: over what is found anew it would change more.
    """
    found: list[PlanStep] = []
    for step in steps:
        finding, change = _parts(step)
        name = next(free, "") if change else ""
        if not name:
            found.append(step)
            continue
        found.append(step.model_copy(update={"id": name, "intent": finding, "over": ""}))
        items = {"over": name, "only_if": (), "wait_until": ()}
        found.append(step.model_copy(update={"intent": change, **items}))
    return found


def where_it_is_done(steps: Sequence[PlanStep], goal: str, closest: Closest) -> list[PlanStep]:
    """The steps, each that changes something by the text tools where its words belong.

    The text tools make words and change nothing. Of what the goal quotes, its words are the step's,
    unless the step has found out a day.
    """
    asked = [part for part in parts(goal) if acts(part)]
    found: list[PlanStep] = []
    for step in steps:
        rest = _QUOTED.sub(" ", step.intent)
        if step.namespace != TEXT or not CHANGES.match(rest) or _WORDS.search(rest):
            found.append(step)
            continue
        names = {*quoted(step.intent)}
        said = next((part for part in asked if names & {*quoted(part)}), "")
        namespace, clear = closest(said or step.intent)
        intent = step.intent if dates_named(step.intent) else (said or step.intent)
        own = {"namespace": namespace, "intent": intent.rstrip(".")[:160]}
        found.append(step.model_copy(update=own) if namespace and (said or clear) else step)
    return found


def _parts(step: PlanStep) -> tuple[str, str]:
    """What a step finds and what it then changes; two empty texts where it does not do both."""
    alone = not step.over or step.over == step.id
    if step.namespace == TEXT or not alone or not _FINDS.match(step.intent):
        return "", ""
    bare = _QUOTED.sub(lambda quoted: "\0" * len(quoted[0]), step.intent)
    for joint in _AND.finditer(bare):
        rest = step.intent[joint.end() :]
        if acts(rest) and _SOMETHING.match(rest):
            return step.intent[: joint.start()], rest
    return "", ""
