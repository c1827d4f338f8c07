"""Words that a goal quotes for something, added to the step that makes it and does not say them."""

import re
from collections.abc import Sequence

from orchestrator.core.plans import PlanStep
from orchestrator.policy.verbs import MAKES, reads, stems

_YEAR = re.compile(r"(?<![\w/.])(?:19|20)\d\d(?=-\d\d-\d\d|\b(?![\w/.-]\w))")
_GIVEN = re.compile(
    r"\b(subject|title|text|heading|saying|says)\b[^\"\u201c.!?]{0,20}[\"\u201c]([^\"\u201d]+)[\"\u201d]",
    re.IGNORECASE,
)
_SOME_TITLE = re.compile(r"\b(title|subject)s?\b(?![^\"\u201c.!?]{0,20}[\"\u201c])", re.IGNORECASE)
_KIND = {"saying": "text", "says": "text"}
TEXT = "text"
_INTENT = 400
"""The most letters of an intent."""


def with_words_given(
    goal: str, steps: Sequence[PlanStep], kept: Sequence[PlanStep] = ()
) -> list[PlanStep]:
    """The steps, and to the one that makes what a title or a text is given for these words.

    It is the one of which the goal says most before it gives them; small planners write "draft a
    mail with that text" and leave the subject to the next reader.
    """
    found = list(steps)
    begin = 0
    for given in _GIVEN.finditer(goal):
        kind, words = given[1].lower(), given[2].strip()
        before, begin = goal[begin : given.start()], given.end()
        if any(_plain(words) in _plain(step.intent) for step in (*kept, *steps)):
            continue
        wanted = stems(before)
        makes = [
            at for at, s in enumerate(found) if s.namespace != "text" and MAKES.match(s.intent)
        ]
        shared = {at: len(wanted & stems(found[at].intent)) for at in makes}
        if not shared or not (most := max(shared.values())):
            continue
        at = next(at for at, count in shared.items() if count == most)
        intent = f"{found[at].intent}, {_KIND.get(kind, kind)} \u201c{words}\u201d"
        if len(intent) <= _INTENT:
            found[at] = found[at].model_copy(update={"intent": intent})
    return found


def with_a_title(goal: str, steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps, and the one that makes something of each text read with the title it is to have.

    Of a goal that asks for a title and quotes none; the title is then made by a step of its own.
    """
    found = list(steps)
    asked = _SOME_TITLE.search(goal)
    if asked is None or any(_SOME_TITLE.search(step.intent) for step in steps):
        return found
    read = {step.id for step in steps if step.over and reads(step.intent)}
    makes = [at for at, s in enumerate(found) if s.over in read and MAKES.match(s.intent)]
    if len(makes) == 1 and found[makes[0]].namespace != TEXT:
        step = found[makes[0]]
        intent = f"{step.intent}, with a short {asked[1].lower()}"
        found[makes[0]] = step.model_copy(update={"intent": intent})
    return found


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def in_its_year(goal: str, steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps, each in the one year that the goal names where it says another.

    A small model that plans for "3 June 2026" writes 2027 as well.
    """
    years = {*_YEAR.findall(goal)}
    if len(years) != 1:
        return list(steps)
    year = years.pop()
    return [
        step.model_copy(
            update={
                "intent": _YEAR.sub(year, step.intent),
                "where": tuple(
                    each.model_copy(update={"value": _YEAR.sub(year, each.value)})
                    for each in step.where
                ),
            }
        )
        for step in steps
    ]
