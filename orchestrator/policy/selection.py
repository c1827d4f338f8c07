"""Choosing items of a handle by their typed fields, so that no model has to filter a list."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from orchestrator.core.dates import dates_named
from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import OPERATORS, Condition

Item = Mapping[str, JsonValue]
_TAKE = re.compile(r"^(?P<where>.*?)\btake\s+(?P<count>[1-9]\d{0,4})\s*$", re.IGNORECASE)
_WORDS = "|".join(r"\s+".join(op.split()) for op in OPERATORS if op[0].isalpha())
_SIGNS = {"=": "is", "==": "is", "!=": "is not"}
_CONDITION = re.compile(
    rf"^\s*([A-Za-z_]\w*)\s*(?:\s({_WORDS})\s|([<>](?!=)|[!=]?=))\s*(.+?)\s*$",
    re.IGNORECASE,
)


def split_take(text: str) -> tuple[str, int | None]:
    """Part a condition from a closing `take N`, which keeps the first N items that fit."""
    match = _TAKE.match(text)
    return (match["where"].strip(), int(match["count"])) if match else (text, None)


_BEGINS = frozenset({"date", "start", "due", "day"})
"""Fields that say on which day a thing is: of several that are meant, the one."""
_ONE_DAY = re.compile(
    r"\d{4}-\d\d-\d\d|(?:the )?\d{1,2}(?:st|nd|rd|th)?(?: of)? [a-z]+,? \d{4}"
    r"|[a-z]+ \d{1,2}(?:st|nd|rd|th)?,? \d{4}",
    re.IGNORECASE,
)
_NAMING = ("name", "title", "subject")
"""Fields that say what a thing is called: of several that are meant, the one."""


def parse_where(text: str) -> tuple[Condition, ...]:
    """Read conditions such as `name contains invoice and size > 1000`; "" means all items.

    Raises:
        InvalidPlan: A part is not `FIELD OPERATOR VALUE`.
    """
    parts = re.split(r"\s+and\s+", text.strip()) if text.strip() else []
    return tuple(_condition(part) for part in parts)


def _condition(text: str) -> Condition:
    match = _CONDITION.match(text)
    if match is None:
        raise InvalidPlan(
            f"{text!r} is not a condition.",
            hint=f"Write FIELD OPERATOR VALUE with one of: {', '.join(OPERATORS)}.",
        )
    field, words, sign, value = match.groups()
    op = _operator(words) if words else _SIGNS.get(sign, sign)
    return Condition(field=field, op=op, value=value.strip("\"'"))


def _operator(text: str) -> Any:
    return " ".join(text.lower().split())


def select(
    items: Sequence[Item], conditions: Sequence[Condition], take: int | None = None
) -> tuple[int, ...]:
    """The indices of the items for which every condition holds, in order, at most `take`.

    Raises:
        InvalidPlan: A condition names a field that no item has.
    """
    for condition in conditions:
        if items and not any(condition.field in item for item in items):
            fields = sorted({key for item in items for key in item})
            raise InvalidPlan(
                f"'where' names the field {condition.field!r}, which the items do not have.",
                hint=f"The items have: {', '.join(fields)}.",
            )
    kept = [index for index, item in enumerate(items) if all(holds(c, item) for c in conditions)]
    return tuple(kept[:take])


def meant(conditions: Sequence[Condition], items: Sequence[Item]) -> tuple[Condition, ...]:
    """The conditions, each on the field that is meant where it names one that no item has.

    "title contains Petra" of contacts means their name: the one field of which it holds, and "title
    contains 3 June 2026" of events the day on which they are. Where it holds of none or of several,
    and where it excludes, it stays as it is.
    """
    return tuple(_on_its_field(condition, items) for condition in conditions)


def _on_its_field(condition: Condition, items: Sequence[Item]) -> Condition:
    fields = {key for item in items for key in item}
    if condition.op in {"is not", ">", "<"}:
        return condition
    if condition.field in fields:
        return (
            condition if any(holds(condition, i) for i in items) else _of_the_day(condition, items)
        )
    if (of_the_day := _of_the_day(condition, items)) != condition:
        return of_the_day
    others = [condition.model_copy(update={"field": field}) for field in sorted(fields)]
    found = [other for other in others if any(holds(other, item) for item in items)]
    return found[0] if len(found) == 1 else _by_name(condition, found)


def _of_the_day(condition: Condition, items: Sequence[Item]) -> Condition:
    """The condition on the field that says when a thing is, where it names a day and no more.

    "title contains 3 June 2026" means the day; of a field that holds days only the spelling of the
    day is put right.
    """
    days = dates_named(condition.value)
    if len(days) != 1 or not _ONE_DAY.fullmatch(condition.value.strip()):
        return condition
    fields = {key for item in items for key in item}
    own = {condition.field} & _BEGINS & fields
    means = own or (_BEGINS & fields if condition.field in {*_NAMING, *_BEGINS} else set())
    on_it = [Condition(field=field, op="starts with", value=days[0]) for field in sorted(means)]
    found = [on for on in on_it if any(holds(on, item) for item in items)]
    return found[0] if len(found) == 1 else condition


def _by_name(condition: Condition, found: Sequence[Condition]) -> Condition:
    return next((other for other in found if other.field in _NAMING), condition)


def holds(condition: Condition, item: Item) -> bool:
    """Whether a condition holds for one item."""
    value = item.get(condition.field)
    if condition.op in {">", "<"}:
        return _compares(condition, value)
    left, right = _plain(value), _plain(condition.value)
    tests = {
        "is": left == right,
        "is not": left != right,
        "contains": right in left,
        "starts with": left.startswith(right),
        "ends with": left.endswith(right),
    }
    return tests[condition.op]


def _plain(value: JsonValue) -> str:
    text = value if isinstance(value, str) else str(value)
    return text.strip().lstrip("*").casefold()


def _compares(condition: Condition, value: JsonValue) -> bool:
    try:
        left, right = float(str(value)), float(condition.value)
    except ValueError:
        left, right = str(value), condition.value  # type: ignore[assignment]
    return left > right if condition.op == ">" else left < right
