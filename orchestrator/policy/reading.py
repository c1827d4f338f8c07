"""Steps that work on a text which no step has read: the one that reads it is put before them.

"Summarise the report" and "name each picture after what is on it" are one thought, and the text
tools read no files and no mails.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from orchestrator.core.chat import Frozen
from orchestrator.core.plans import PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.spoken import files_named
from orchestrator.policy.verbs import asks_to_act

TEXT = "text"
PICTURES = re.compile(r"\b(?:picture|photo|image|screenshot|scan)s?\b", re.IGNORECASE)

_LISTS = re.compile(r"\W*(?:list|find|search|look)\b", re.IGNORECASE)
_TAKES_THE_TEXT = re.compile(
    r"\W*(?:extract|read|get|take|copy)\b (?:out )?(?:the |its |their )?(?:whole |full )?"
    r"(?:texts?|contents?)\b",
    re.IGNORECASE,
)
_SUMS_UP = re.compile(r"\W*(?:summari[sz]e|sum up|translate)\b", re.IGNORECASE)
_NAMES_IT = re.compile(
    r"\W*(?:(?:re)?name (?:each|every|all|the|it|them)\b|give (?:each|every|all|the|it|them)\b.*"
    r"\bnames?\b)",
    re.IGNORECASE,
)
_OF_WHAT_IT_SAYS = re.compile(
    r"\b(?:summar\w*|contents?|texts?|subjects?|topics?|says?|tells?|about|after|from"
    r"|on (?:it|them|each)|dates?|amounts?|sums?|totals?|senders?|authors?|words?)\b",
    re.IGNORECASE,
)
_READS_THEM = re.compile(r"\W*(?:read|extract|transcribe|scan)\b", re.IGNORECASE)
DOCUMENTS = re.compile(r"\b(?:document|letter|text file|docx|pdf)s?\b", re.IGNORECASE)
_RENAMES = re.compile(r"\W*rename\b", re.IGNORECASE)
_TABLES = (".csv", ".tsv", ".xlsx", ".db", ".sqlite", ".json")


class Readers(Frozen):
    """Which namespaces read what.

    Those in `pairs` find things by one tool and read them by another, as `list_notes` and
    `read_note` do; `documents` and `pictures` are those that read the text of such files.
    """

    pairs: frozenset[str] = frozenset()
    documents: str = ""
    pictures: str = ""


def readers(specs: Collection[ToolSpec]) -> Readers:
    """Read from the tools of a run which namespaces read what."""
    reading = [spec for spec in specs if spec.effect == "read"]
    ids = {spec.id for spec in reading}
    of_files = [s for s in reading if list(s.input_schema.get("required", ())) == ["path"]]
    return Readers(
        pairs=frozenset(
            spec.namespace
            for spec in reading
            if spec.name.startswith("read_")
            and f"{spec.namespace}.list_{spec.name.removeprefix('read_')}s" in ids
        ),
        documents=_named(of_files, re.compile(r"read_document|read_file")),
        pictures=_named(of_files, re.compile(r"(?:text|read)\w*_(?:image|picture|photo)")),
    )


def _named(specs: Sequence[ToolSpec], name: re.Pattern[str]) -> str:
    return next((spec.namespace for spec in specs if name.search(spec.name)), "")


def read_first(steps: Sequence[PlanStep], free: Iterator[str], can: Readers) -> list[PlanStep]:
    """The steps, each that sums up one file it names as one that reads it and one that does so."""
    found: list[PlanStep] = []
    for step in steps:
        files = [name for name in files_named(step.intent) if not name.endswith(_TABLES)]
        read = bool(step.over) or any(name in other.intent for name in files for other in found)
        only = can.documents and not asks_to_act(step.intent)
        sums = _SUMS_UP.match(step.intent) and files and not read and only
        if not sums or not (name := next(free, "")):
            found.append(step)
            continue
        intent = re.sub(_SUMS_UP, "read", step.intent, count=1)
        found.append(PlanStep(id=name, intent=intent, namespace=can.documents))
        found.append(step.model_copy(update={"over": name, "namespace": TEXT}))
    return found


def read_before(
    steps: Sequence[PlanStep], free: Iterator[str], can: Readers, *, files: str, naming: bool
) -> list[PlanStep]:
    """The steps, and between one that finds mails or files and one on their text one that reads.

    A step that is there to take the text out of what was found is that step itself. `files` is the
    namespace that lists files; a step that names them belongs there where the goal asks for that
    (`naming`) and no other step renames them.
    """
    naming &= not any(_RENAMES.match(step.intent) for step in steps)
    found: list[PlanStep] = []
    for step in steps:
        source = next((other for other in found if other.id == step.over), None)
        source = source or (found[-1] if found and not step.over else None)
        if source is None or step.namespace != TEXT or not _LISTS.match(source.intent):
            found.append(step)
            continue
        reads = _reading(step, source, can, files)
        over = {"over": source.id, "where": step.where, "take": step.take}
        if reads is None:
            found.append(step)
        elif _TAKES_THE_TEXT.match(step.intent):
            found.append(step.model_copy(update={**reads, **over}))
        elif name := next(free, ""):
            found.append(PlanStep(id=name, **reads, **over))
            after = {"over": name, "where": (), "take": None}
            if naming and source.namespace == files and _NAMES_IT.match(step.intent):
                renames = re.sub(r"^\W*name\b", "rename", step.intent, flags=re.IGNORECASE)
                after |= {"namespace": files, "intent": renames}
            found.append(step.model_copy(update=after))
        else:
            found.append(step)
    return found


def by_its_reader(step: PlanStep, goal: str, can: Readers, *, files: str) -> PlanStep:
    """The step that reads several files in the namespace that reads what is in such files.

    `files` is the namespace that lists them, and reads no picture.
    """
    if step.namespace != files or not step.over or not _READS_THEM.match(step.intent):
        return step
    shown = PICTURES.search(f"{step.intent} {goal}") and not DOCUMENTS.search(step.intent)
    reader = can.pictures if shown else can.documents
    return step.model_copy(update={"namespace": reader}) if reader else step


def _reading(step: PlanStep, source: PlanStep, can: Readers, files: str) -> dict[str, str] | None:
    """The intent and the namespace of the step that reads what another found."""
    if source.namespace in can.pairs:
        return {"intent": f"read what {source.id} found", "namespace": source.namespace}
    if source.namespace != files or not step.over or not _OF_WHAT_IT_SAYS.search(step.intent):
        return None
    shown = PICTURES.search(f"{step.intent} {source.intent}")
    if shown and can.pictures:
        return {"intent": "read the text on each picture", "namespace": can.pictures}
    return {"intent": "read each document", "namespace": can.documents} if can.documents else None
