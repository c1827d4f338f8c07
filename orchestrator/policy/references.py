"""References: argument values that point to earlier results instead of repeating them.

`$s1.path` is a field of a result; inside a fan-out it is the field of the current item, or of
the item that one was made from. `$folder.Desktop` is a folder the run was given.
"""

import re
from collections.abc import Collection, Mapping

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import InvalidArguments
from orchestrator.core.plans import PlanStep
from orchestrator.policy.handles import Handle, Kind, kind_of, lineage

FOLDER = "$folder."
_LEFT = {"source": "destination", "old_path": "new_path"}
"""Fields of a result that say where something was, and those that say where it is."""
_POINTER = re.compile(r"\$s\d+\.\w+")
JOINED = re.compile(rf"{_POINTER.pattern}(?:[\s,;]+{_POINTER.pattern})+")
"""Several references in one text: the texts that they point to, joined by what stands between."""


class Reference(Frozen):
    """A value that an argument may point to, and of which kind it is.

    `each` marks a field of the current item of a fan-out, or of what that item was made from;
    `made` a value that the namespace `text` made, which the step after it is there to use;
    `seen` a file or folder that the run found by looking.
    """

    text: str
    kind: Kind
    each: bool = False
    made: bool = False
    seen: bool = False

    @property
    def step(self) -> str:
        """The step it points to, or "" for a folder."""
        return "" if self.text.startswith(FOLDER) else self.text[1:].partition(".")[0]


def references(
    step: PlanStep,
    known: Mapping[str, Handle],
    places: Mapping[str, str],
    *,
    sample: int = 0,
) -> list[Reference]:
    """What the arguments of a step may refer to.

    First the current item and what it was made from, nearest first, typed by the item with the
    id `sample`; then the results of other steps, the latest first; then the folders.
    """
    current = lineage(known, step.over, sample)
    left = {
        str(record[old])
        for step_id, record in current.items()
        for old, new in _LEFT.items()
        if {old, new} <= record.keys() and not _copied(known[step_id])
    }
    found = [
        Reference(
            text=f"${step_id}.{field}",
            kind=kind_of(field, value, record),
            each=True,
            made=_is_made(known[step_id], field),
        )
        for step_id, record in current.items()
        for field, value in record.items()
        if not isinstance(value, dict)
        and (isinstance(value, list) or value not in left)
        and not _is_evidence(known[step_id], field)
    ]
    for step_id in reversed([step_id for step_id in known if step_id not in current]):
        found += _of_items(known[step_id]) + _of_whole(known[step_id])
    found += [Reference(text=FOLDER + name, kind="folder") for name in places]
    first: dict[str, Reference] = {}
    for reference in found:
        first.setdefault(reference.text, reference)
    return [reference for text, reference in first.items() if not _gone(text, first)]


def _gone(text: str, found: Collection[str]) -> bool:
    """Whether something was moved away from there: its result also says where to."""
    step, _, field = text.partition(".")
    return field in _LEFT and f"{step}.{_LEFT[field]}" in found


def _copied(source: Handle) -> bool:
    """Whether what is at the new place is still at the old one, too."""
    return source.tool.rpartition(".")[2].startswith(("copy", "convert", "duplicate"))


def _of_items(source: Handle) -> list[Reference]:
    if not source.items:
        return []
    record = source.items[0].data
    one = len(source.items) == 1 and not source.over
    return [
        Reference(
            text=f"${source.step}.{field}",
            kind=kind_of(field, value, record) if one else "list",
            made=_is_made(source, field),
        )
        for field, value in record.items()
        if not isinstance(value, dict | list)
    ]


def _is_made(source: Handle, field: str) -> bool:
    return field == "value" and source.tool.startswith("text.")


def _is_evidence(source: Handle, field: str) -> bool:
    """Whether a field holds the words that a text was made of: shown to people, never used."""
    return field == "because" and source.tool.startswith("text.")


def _of_whole(source: Handle) -> list[Reference]:
    return [
        Reference(text=f"${source.step}.{field}", kind=kind_of(field, value))
        for field, value in source.whole.items()
        if not isinstance(value, dict)
    ]


def pointers(expression: JsonValue) -> list[str]:
    """Every reference in an argument expression, however deep it stands."""
    if isinstance(expression, dict):
        return [found for part in expression.values() for found in pointers(part)]
    if isinstance(expression, list):
        return [found for part in expression for found in pointers(part)]
    if not isinstance(expression, str) or not expression.startswith("$"):
        return []
    return _POINTER.findall(expression) if JOINED.fullmatch(expression) else [expression]


def points_to_text(expression: JsonValue, known: Mapping[str, Handle]) -> bool:
    """Whether an expression takes over free text of a result, not just a path or a name."""
    return any(_is_text(pointer, known) for pointer in pointers(expression))


def _is_text(pointer: str, known: Mapping[str, Handle]) -> bool:
    step_id, _, field = pointer.removeprefix("$").partition(".")
    source = known.get(step_id)
    if source is None:
        return False
    records = [source.whole, *(item.data for item in source.items)]
    return any(kind_of(field, record[field]) == "text" for record in records if field in record)


def resolve(
    expression: JsonValue,
    *,
    step: PlanStep,
    index: int,
    known: Mapping[str, Handle],
    places: Mapping[str, str],
) -> JsonValue:
    """Replace every reference in an argument expression by what it points to.

    `index` is the id of the item of the step's `over` step that the call is for.

    Raises:
        InvalidArguments: A reference points to nothing.
    """
    if isinstance(expression, list):
        found: list[JsonValue] = []
        for part in expression:
            value = resolve(part, step=step, index=index, known=known, places=places)
            # In a list what points to several values stands for each of them.
            several = isinstance(part, str) and isinstance(value, list)
            found += value if several and isinstance(value, list) else [value]
        return found
    if isinstance(expression, dict):
        return {
            key: resolve(part, step=step, index=index, known=known, places=places)
            for key, part in expression.items()
        }
    if not isinstance(expression, str) or not expression.startswith("$"):
        return expression
    if JOINED.fullmatch(expression):
        current = lineage(known, step.over, index)
        return _POINTER.sub(lambda found: str(_field(found[0], current, known)), expression)
    if expression.startswith(FOLDER):
        return _folder(expression.removeprefix(FOLDER), places)
    return _field(expression, lineage(known, step.over, index), known)


def _folder(rest: str, places: Mapping[str, str]) -> str:
    name, slash, inner = rest.partition("/")
    if name not in places:
        raise InvalidArguments(
            f"{FOLDER}{name} is not a folder of this run.",
            hint=f"The folders are: {', '.join(FOLDER + place for place in places)}.",
        )
    return places[name] + slash + inner


def _field(
    expression: str,
    current: Mapping[str, Mapping[str, JsonValue]],
    known: Mapping[str, Handle],
) -> JsonValue:
    step_id, _, field = expression.removeprefix("$").partition(".")
    if field in current.get(step_id, {}):
        return current[step_id][field]
    source = known.get(step_id)
    if source is not None and any(field in item.data for item in source.items):
        values = [item.data.get(field) for item in source.items]
        return values[0] if len(values) == 1 and not source.over else values
    if source is not None and field in source.whole:
        return source.whole[field]
    raise InvalidArguments(
        f"{expression} points to nothing.",
        hint="Use one of the values that the decision was offered.",
    )
