"""What stands in one file is found by reading it, and each of it by listing the text.

"List the items in list.txt" is no folder to list, and "a task for each" of a text that was read
goes over the text once: its items have to be told apart first.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from orchestrator.core.plans import PlanStep
from orchestrator.policy.decomposition import TEXT
from orchestrator.policy.verbs import acts, reads

_IN_A_FILE = re.compile(
    r"\W*(?:list|show|get)\b(?: all)?(?: the)? (?:items|things|lines|points|entries|names"
    r"|contents?)\s+(?:in|from|of)\s+(?:the (?:file )?)?"
    r"((?:[\w()-]+/)*[\w()-]+\.(?:txt|md|docx|pdf))\W*$",
    re.IGNORECASE,
)
_EACH = re.compile(
    r"\b(?:each|every)\b(?!(?: of)?(?: the| my)? (?:contact|mail|file|task|event|note|picture|photo"
    r"|message|document|folder|draft|person|scan|row)s?\b)",
    re.IGNORECASE,
)
_OF_FILES = re.compile(r"\b(?:each|every|all|files|folder|csv|table|rows?)\b", re.IGNORECASE)
_OF_WHAT = re.compile(
    r"\W*(?:summari[sz]e|extract|translate|read|take)\b.*?\b(?:from|of)\s+((?:the|my|our)\s+.+)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"\u201c][^\"\u201d]*[\"\u201d]")
LISTS_ITEMS = "list the items that"
"""How the step begins that tells the items of a text apart."""


def read_not_listed(steps: Sequence[PlanStep], reading: Collection[str]) -> list[PlanStep]:
    """The steps, one that lists what is in a text file as one that reads the file.

    `reading` are the namespaces that read files.
    """
    found: list[PlanStep] = []
    for step in steps:
        alone = not step.over and step.namespace in reading
        inside = _IN_A_FILE.match(step.intent) if alone else None
        found.append(step.model_copy(update={"intent": f"read {inside[1]}"}) if inside else step)
    return found


def each_item(steps: Sequence[PlanStep], free: Iterator[str]) -> list[PlanStep]:
    """The steps, and before one for each item of a text that was read the one that lists them.

    It goes over nothing itself: the text is one, and its items are what it finds.
    """
    found: list[PlanStep] = []
    for step in steps:
        source = next((other for other in found if other.id == step.over), None)
        source = source or (found[-1] if found and not step.over else None)
        name = next(free, "") if source and _is_for_each(step, source) else ""
        if source is None or not name:
            found.append(step)
            continue
        intent = f"{LISTS_ITEMS} {source.id} read, to {step.intent}"[:160]
        found.append(PlanStep(id=name, intent=intent, namespace=TEXT))
        found.append(step.model_copy(update={"over": name}))
    return found


def with_its_source(
    steps: Sequence[PlanStep], free: Iterator[str], reads_in: Callable[[str], str]
) -> list[PlanStep]:
    """The steps, and before a first one on a text that nothing has read the one that finds it."""
    first = steps[0] if steps else None
    if first is None or first.namespace != TEXT or first.sources or _QUOTED.search(first.intent):
        return list(steps)
    spoken = _OF_WHAT.match(first.intent)
    finding = f"find {spoken[1]}"[:160] if spoken else ""
    namespace = reads_in(finding) if finding else ""
    name = next(free, "") if namespace else ""
    if not name:
        return list(steps)
    source = PlanStep(id=name, intent=finding, namespace=namespace)
    return [source, first.model_copy(update={"over": name}), *steps[1:]]


def _is_for_each(step: PlanStep, source: PlanStep) -> bool:
    """Whether a step changes something for each item of the one text that another reads.

    Not where it says which of them by a field: the items of a text have none.
    """
    one = not source.over and source.namespace != TEXT and reads(source.intent)
    each = _EACH.search(_QUOTED.sub(" ", step.intent)) and step.namespace != TEXT
    plain = not step.where and acts(step.intent) and not _OF_FILES.search(source.intent)
    return bool(one and each and plain)
