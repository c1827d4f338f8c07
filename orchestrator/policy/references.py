"""References: argument values that point to earlier results instead of repeating them.

`$s1.path` is a field of a result; inside a fan-out it is the field of the current item, or of
the item that one was made from. `$folder.Desktop` is a folder the run was given.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import InvalidArguments
from orchestrator.core.plans import PlanStep
from orchestrator.policy.handles import Handle, Kind, kind_of, lineage

FOLDER = "$folder."


class Reference(Frozen):
    """A value that an argument may point to, and of which kind it is."""

    text: str
    kind: Kind
    about: str = ""


def references(
    step: PlanStep, known: Mapping[str, Handle], places: Mapping[str, str]
) -> list[Reference]:
    """What the arguments of a step may refer to, the nearest results first."""
    found: list[Reference] = []
    ancestors = _ancestors(step.over, known)
    for step_id in reversed(list(known)):
        source = known[step_id]
        found += _of_items(source, each=step_id in ancestors)
        if step_id not in ancestors:
            found += _of_whole(source)
    found += [Reference(text=FOLDER + name, kind="folder") for name in places]
    return list({reference.text: reference for reference in found}.values())


def _ancestors(step_id: str, known: Mapping[str, Handle]) -> set[str]:
    found: set[str] = set()
    while step_id in known:
        found.add(step_id)
        step_id = known[step_id].over
    return found


def _of_items(source: Handle, *, each: bool) -> list[Reference]:
    if not source.items:
        return []
    record = source.items[0].data
    one = each or (len(source.items) == 1 and not source.over)
    return [
        Reference(
            text=f"${source.step}.{field}",
            kind=kind_of(field, value, record) if one else "list",
            about="of the current item" if each else f"of the {len(source.items)} items",
        )
        for field, value in record.items()
        if not isinstance(value, dict | list) or each
    ]


def _of_whole(source: Handle) -> list[Reference]:
    return [
        Reference(text=f"${source.step}.{field}", kind=kind_of(field, value))
        for field, value in source.whole.items()
        if not isinstance(value, dict)
    ]


def resolve(
    expression: JsonValue,
    *,
    step: PlanStep,
    index: int,
    known: Mapping[str, Handle],
    places: Mapping[str, str],
) -> JsonValue:
    """Replace every reference in an argument expression by what it points to.

    `index` is the item of the step's `over` step that the call is for.

    Raises:
        InvalidArguments: A reference points to nothing.
    """
    if isinstance(expression, list):
        return [
            resolve(part, step=step, index=index, known=known, places=places) for part in expression
        ]
    if isinstance(expression, dict):
        return {
            key: resolve(part, step=step, index=index, known=known, places=places)
            for key, part in expression.items()
        }
    if not isinstance(expression, str) or not expression.startswith("$"):
        return expression
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
    if source is not None and field in source.whole:
        return source.whole[field]
    if source is not None and any(field in item.data for item in source.items):
        values = [item.data.get(field) for item in source.items]
        return values[0] if len(values) == 1 and not source.over else values
    raise InvalidArguments(
        f"{expression} points to nothing.",
        hint="Use one of the values that the decision was offered.",
    )
