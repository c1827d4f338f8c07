"""What a step needs to know first, and whom it means: an address, the id of a record, one of two.

"Draft a mail to Kim" needs Kim's address, and "move the dentist" the event's id. A small model
writes the name where the address belongs. The step that looks it up is put before it; where more
than one was found and one is meant, the person is asked before anything is changed.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.plans import PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.references import Reference
from orchestrator.policy.selection import parse_where
from orchestrator.policy.spoken import quoted

_TO_SOMEBODY = re.compile(
    r"\b(?:e-?mail|message|draft)\b[^\"]*?\b(?:to|for)\s+(?:[a-z]+\s+)?((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+)*)"
)
_FORMS = re.compile(r"^(?:Mr|Mrs|Ms|Miss|Dr|Prof|Coach)\.?\s+")
_ON_A_RECORD = re.compile(
    r"\W*(?:update|change|move|postpone|cancel|call off|complete|mark|tick|set|delete|discard"
    r"|reschedule)\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:each|every\w*|all|both|any\w*|those|these|them|their|overdue|tasks|events|appointments|mails"
    r"|messages|drafts|notes|files|contacts|people|lessons|meetings)\b",
    re.IGNORECASE,
)
_PATH = re.compile(r"\b[\w-]+(?:/[\w-]+)+\.\w{1,5}\b")
_WHERE_TO = re.compile(r"\b(?:to|into|until|till|by|on|from)\b", re.IGNORECASE)
_ALL = re.compile(r"list all the \w+\Z")
"""How the steps begin that are added here: they list everything to find one."""
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[:.]\d\d\b")
_SOME_ID = re.compile(r"\b(?=\w*\d)[\w-]{2,}\b")
_SEARCHES = re.compile(r"\W*(?:search|find|look for|locate)\b", re.IGNORECASE)
_READS = re.compile(r"\W*read\b", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{4,}")
_CALLED = ("name", "title", "subject")
MOST_NAMED = 5
"""Things that a question names."""


class Lookups(Frozen):
    """Where things are found.

    `people` is the namespace that finds persons with their addresses; `records` says by namespace
    what its listing tool lists (`calendar`: `events`).
    """

    people: str = ""
    records: Mapping[str, str] = {}


def lookups(specs: Collection[ToolSpec]) -> Lookups:
    """Read from the tools of a run where addresses and ids are found."""
    people = [s.namespace for s in specs if s.effect == "read" and _finds_people(s)]
    by_id = {s.namespace for s in specs if s.effect != "read" and _needs(s, "_id")}
    # What is known by its path is named by the step, not looked up.
    by_id -= {s.namespace for s in specs if s.effect != "read" and _needs(s, "path")}
    lists = {
        spec.namespace: spec.name.removeprefix("list_").replace("_", " ")
        for spec in specs
        if spec.effect == "read"
        and spec.name.startswith("list_")
        and not spec.input_schema.get("required")
    }
    return Lookups(
        people=people[0] if people else "",
        records={name: plural for name, plural in lists.items() if name in by_id},
    )


def unidentified(spec: ToolSpec, offered: Sequence[Reference], said: str) -> bool:
    """Whether a reading tool needs an id that nothing found has and nobody gave: it is too early.

    A tool that changes something stays: what it is to change is looked up before it.
    """
    needed = [name for name in spec.input_schema.get("required", ()) if name.endswith("_id")]
    if spec.effect != "read" or not needed or _SOME_ID.search(_DATE.sub(" ", said)):
        return False
    fields = {reference.text.rpartition(".")[2] for reference in offered}
    return not all({"id", name} & fields for name in needed)


def _finds_people(spec: ToolSpec) -> bool:
    """Whether a search has results with a name and a mail address."""
    records = (spec.output_schema or {}).get("$defs", {}).values()
    finds = spec.name.startswith(("find_", "search_"))
    return finds and any({"name", "email"} <= set(r.get("properties", ())) for r in records)


def _needs(spec: ToolSpec, ending: str) -> bool:
    return any(name.endswith(ending) for name in spec.input_schema.get("required", ()))


def looked_up(
    steps: Sequence[PlanStep],
    free: Iterator[str],
    where: Lookups,
    kept: Sequence[PlanStep] = (),
) -> list[PlanStep]:
    """The steps, and before each that needs an address or an id the one that finds it.

    What one of the `kept` steps found already is not looked up again.
    """
    found: list[PlanStep] = []
    for step in steps:
        first = _person(step, found, kept, where) or _record(step, [*kept, *found], where)
        name = next(free, "") if first else ""
        if first is None or not name:
            found.append(step)
            continue
        chosen = first.where
        found.append(first.model_copy(update={"id": name, "where": ()}))
        found.append(step.model_copy(update={"over": name, "where": chosen, "take": None}))
    return found


def named_directly(steps: Sequence[PlanStep], files: str) -> list[PlanStep]:
    """The steps without a search for a file that the next one names with its path.

    The next one reads it, in the namespace `files`: the text tools read no files.
    """
    if len(steps) < 2:  # noqa: PLR2004
        return list(steps)
    search, reads, *rest = steps
    path = _PATH.search(search.intent)
    needless = path and path[0] in reads.intent and _SEARCHES.match(search.intent)
    used = any(search.id in step.sources for step in rest)
    if not needless or used or reads.over != search.id or not _READS.match(reads.intent):
        return list(steps)
    namespace = files if reads.namespace == "text" else reads.namespace
    direct = {"over": "", "where": (), "take": None, "namespace": namespace}
    return [reads.model_copy(update=direct), *rest]


def _person(
    step: PlanStep, before: Sequence[PlanStep], kept: Sequence[PlanStep], where: Lookups
) -> PlanStep | None:
    """The step that finds whom a mail is for, where no address is given and none was found."""
    named = _TO_SOMEBODY.search(step.intent)
    known = "@" in step.intent or any(other.namespace == where.people for other in before)
    if not where.people or step.namespace == where.people or named is None or known:
        return None
    who = _FORMS.sub("", named[1])
    if any(other.namespace == where.people and who in other.intent for other in kept):
        return None
    return PlanStep(id="s1", intent=f"find the contact {who}", namespace=where.people)


def _record(step: PlanStep, before: Sequence[PlanStep], where: Lookups) -> PlanStep | None:
    """The step that lists the records of which one is changed, where none was listed."""
    plural = where.records.get(step.namespace)
    known = step.over or any(other.namespace == step.namespace for other in before)
    if plural is None or known or not _ON_A_RECORD.match(step.intent):
        return None
    titles = [word for title in quoted(step.intent) for word in _LETTERS.findall(title)]
    called = parse_where(f"title contains {titles[0]}") if titles else ()
    return PlanStep(
        id="s1", intent=f"list all the {plural}", namespace=step.namespace, where=called
    )


def named_among(
    step: PlanStep, source: PlanStep, items: Sequence[Mapping[str, JsonValue]]
) -> tuple[int, ...]:
    """The places of the items whose names say most of the words of a step; all where none does.

    Only of records that were listed to find the one that is changed.
    """
    everything = tuple(range(len(items)))
    one = _ON_A_RECORD.match(step.intent) and not _SEVERAL.search(step.intent)
    records = all("id" in item for item in items)
    if step.where or not one or not records or not _ALL.match(source.intent):
        return everything
    # Where it is moved to is no word of what is moved.
    said = set(_LETTERS.findall(_WHERE_TO.split(step.intent, maxsplit=1)[0].lower()))
    shared = [len(said & set(_LETTERS.findall(_called(item).lower()))) for item in items]
    most = max(shared, default=0)
    return tuple(at for at in everything if shared[at] == most) if most else everything


def _called(item: Mapping[str, JsonValue]) -> str:
    return next((str(item[field]) for field in _CALLED if item.get(field)), "")


def which_one(step: PlanStep, items: Sequence[Mapping[str, JsonValue]], *said: str) -> str:
    """The question which of several items is meant, or "" where several may be, or just one.

    `said` are the words of the goal and of the step that found the items.
    """
    names = [_called(item) for item in items]
    several = any(_SEVERAL.search(words) for words in (step.intent, *said) if not _ALL.match(words))
    if len(items) < 2 or several or not all(names):  # noqa: PLR2004
        return ""
    return f"Which one is meant: {' or '.join(names[:MOST_NAMED])}? ({step.intent})"
