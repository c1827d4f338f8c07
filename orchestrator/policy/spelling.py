"""Arguments without references: the values themselves, to measure what references are worth."""

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from orchestrator.policy.arguments import Parameter
from orchestrator.policy.handles import Kind
from orchestrator.policy.references import FOLDER, Reference

_LONGEST = 200
_READABLE: frozenset[Kind] = frozenset({"image path", "path", "folder", "number"})


def spelled_out(
    wanted: Sequence[Parameter],
    offered: Sequence[Reference],
    value_of: Callable[[str], JsonValue],
) -> tuple[Parameter, ...]:
    """Offer values instead of references: only to measure what references are worth.

    Paths, folders, file names and numbers are spelled out; text, lists, and what the namespace
    `text` made stay references, since the planner is never to read content.
    """
    values = {ref.text: value_of(ref.text) for ref in offered if _may_be_read(ref)}
    return tuple(
        parameter.model_copy(
            update={
                "references": tuple(
                    _spelled(reference, values, value_of) for reference in parameter.references
                )
            }
        )
        for parameter in wanted
    )


def _may_be_read(reference: Reference) -> bool:
    if reference.kind == "name":
        return reference.text.endswith("name") and not reference.made
    return reference.kind in _READABLE


def _spelled(
    reference: str | float, values: Mapping[str, JsonValue], value_of: Callable[[str], JsonValue]
) -> str | float:
    text = str(reference)
    value = value_of(text) if text.startswith(FOLDER) else values.get(text)
    if isinstance(value, int | float):
        return value
    short = isinstance(value, str) and 0 < len(value) <= _LONGEST and not value.startswith("$")
    return value if short and isinstance(value, str) else reference
