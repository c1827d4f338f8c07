"""Words that a goal quotes for something, added to the step that makes it and does not say them."""

import re
from collections.abc import Sequence

from orchestrator.core.dates import dates_named
from orchestrator.core.plans import PlanStep
from orchestrator.policy.verbs import MAKES, reads, stems

_FULL_DATE = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}(?:st|nd|rd|th)?(?: of)? [A-Z][a-z]+,? \d{4}\b"
    r"|\b[A-Z][a-z]+ \d{1,2}(?:st|nd|rd|th)?,? \d{4}\b"
)
_YEAR = re.compile(r"\d{4}")
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
        makes = [at for at, s in enumerate(found) if s.namespace != TEXT and MAKES.match(s.intent)]
        # A folder may be called what a mail is to be called.
        making = [*kept, *(s for s in found if MAKES.match(s.intent)), *_quoting(found, words)]
        if any(_plain(words) in _plain(step.intent) for step in making):
            continue
        wanted = stems(before)
        shared = {at: len(wanted & stems(found[at].intent)) for at in makes}
        if not shared or not (most := max(shared.values())):
            continue
        at = next(at for at, count in shared.items() if count == most)
        intent = f"{found[at].intent}, {_KIND.get(kind, kind)} \u201c{words}\u201d"
        if len(intent) <= _INTENT:
            found[at] = found[at].model_copy(update={"intent": intent})
    return found


def _quoting(steps: Sequence[PlanStep], words: str) -> list[PlanStep]:
    return [
        s for s in steps if re.search(rf"[\"\u201c]{re.escape(words)}", s.intent, re.IGNORECASE)
    ]


def with_a_title(goal: str, steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps, and the one that makes something of a text read with the title it is to have.

    Of a goal that asks for a title and quotes none; the title is then made by a step of its own.
    """
    found = list(steps)
    asked = _SOME_TITLE.search(goal)
    if asked is None or any(_SOME_TITLE.search(step.intent) for step in steps):
        return found
    read = {step.id for step in steps if reads(step.intent)}
    makes = [at for at, s in enumerate(found) if s.over in read and MAKES.match(s.intent)]
    if len(makes) == 1 and found[makes[0]].namespace != TEXT:
        step = found[makes[0]]
        intent = f"{step.intent}, with a short {asked[1].lower()}"
        found[makes[0]] = step.model_copy(update={"intent": intent})
    return found


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def in_its_year(goal: str, steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps, each date of them in the year in which the goal names that day of that month.

    A small model that plans for "3 June 2026" writes 2027 as well.
    """
    years: dict[str, set[str]] = {}
    for day in dates_named(goal):
        years.setdefault(day[4:], set()).add(day[:4])

    def put_right(found: re.Match[str]) -> str:
        named = dates_named(found[0])
        meant = years.get(named[0][4:], set()) if len(named) == 1 else set()
        if len(meant) != 1 or named[0][:4] in meant:
            return found[0]
        return _YEAR.sub(next(iter(meant)), found[0], count=1)

    return [
        step.model_copy(
            update={
                "intent": _FULL_DATE.sub(put_right, step.intent),
                "where": tuple(
                    each.model_copy(update={"value": _FULL_DATE.sub(put_right, each.value)})
                    for each in step.where
                ),
            }
        )
        for step in steps
    ]
