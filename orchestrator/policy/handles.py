"""Handles: what a finished step left behind, as items with typed fields and a lineage.

A step's result is read as a list of items: the records of the list it returned, or, for a
step that was carried out over the items of another, one item a call. Each item knows the item
it was made for, so that a rename can use the path that the text was read from.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.runs import RunState, SettledCall, StepState

Kind = Literal["image path", "folder", "path", "name", "text", "number", "yes/no", "list", "record"]

_IMAGE = re.compile(r"\.(png|jpe?g|gif|bmp|webp|tiff?|heic)$", re.IGNORECASE)
MOST_OF_A_NAME = 24
"""Characters that the name of a column may have to be shown to the planner."""
_PLAIN_NAME = re.compile(r"[^\W\d_]\w*(?:[ -]\w+){0,2}")
_NO_WORD = re.compile(r"\W+")
_PATH_FIELD = re.compile(r"(^|_)(path|file|folder)$")
_SHORT = 80


class Item(Frozen):
    """One record of a handle.

    `id` is its place in the list it stood in first. An item that was made for another one has
    that one's id, so that it stays the same however many of its siblings fail or come later.
    """

    data: dict[str, JsonValue]
    id: int = 0


class Handle(Frozen):
    """The items of a finished step; `whole` is the result itself where there was one call."""

    step: str
    over: str = ""
    tool: str = ""
    items: tuple[Item, ...] = ()
    whole: dict[str, JsonValue] = Field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[int, Item]:
        """The items by their id."""
        return {item.id: item for item in self.items}


def settled_by_id(state: RunState) -> dict[str, SettledCall]:
    """The settled calls under their ids."""
    return {call.id: call for call in state.settled}


def handle(state: RunState, step: StepState) -> Handle:
    """Read a finished step's results as items."""
    calls = settled_by_id(state)
    results = [calls[call_id] for call_id in step.calls if call_id in calls]
    over = step.step.over
    if not results:
        return Handle(step=step.step.id, over=over)
    if over and results[-1].parent >= 0:
        by_parent = {call.parent: call for call in results}
        items = tuple(
            Item(data=_record(call.outcome.data), id=parent)
            for parent, call in sorted(by_parent.items())
        )
        return Handle(step=step.step.id, over=over, tool=results[-1].tool, items=items)
    return reading(step.step.id, results[-1])


def reading(step: str, call: SettledCall) -> Handle:
    """Read the result of one call as items."""
    whole = _record(call.outcome.data)
    return Handle(
        step=step,
        tool=call.tool,
        items=tuple(
            Item(data=_record(record), id=place)
            for place, record in enumerate(principal_list(whole))
        ),
        whole=whole,
    )


def handles(state: RunState) -> dict[str, Handle]:
    """The handles of every step that is done, by step id, in the plan's order."""
    return {step.step.id: handle(state, step) for step in state.steps if step.status == "done"}


def principal_list(result: Mapping[str, JsonValue]) -> list[JsonValue]:
    """The list a result is about: its longest list of records, else its longest list.

    The rows of a table are records by the names of its columns. A result without any list is a list
    of itself, and so is one with a `value`: it is about that.
    """
    if (rows := _rows(result)) is not None:
        return rows
    lists = [value for value in result.values() if isinstance(value, list)]
    if result.get("value") is not None:
        return [dict(result)]
    records = [rows for rows in lists if rows and all(isinstance(row, dict) for row in rows)]
    if not lists:
        return [dict(result)]
    return max(records or lists, key=len)


def _rows(result: Mapping[str, JsonValue]) -> list[JsonValue] | None:
    """The rows of a table as records, where a result is one and can be.

    The planner sees the names of fields, and a table is written by anybody: a column whose name is
    more than a few plain words has a number instead. A cell that looks like a path would be offered
    as one, so a table that has any stays a list.
    """
    columns, rows = result.get("columns"), result.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list) or not columns:
        return None
    fields = [_field_name(str(column), at) for at, column in enumerate(columns, start=1)]
    cells = [row for row in rows if isinstance(row, list) and len(row) == len(fields)]
    paths = any(str(cell).startswith(("/", "~", "\\")) for row in cells for cell in row)
    if paths or len(cells) != len(rows) or len(set(fields)) != len(fields):
        return None
    return [dict(zip(fields, row, strict=True)) for row in cells]


def _field_name(column: str, place: int) -> str:
    plain = len(column) <= MOST_OF_A_NAME and _PLAIN_NAME.fullmatch(column.strip())
    return _NO_WORD.sub("_", column.strip()) if plain else f"column_{place}"


def lineage(known: Mapping[str, Handle], step: str, item: int) -> dict[str, dict[str, JsonValue]]:
    """The records that the item of that id comes from, by step id, nearest first."""
    found: dict[str, dict[str, JsonValue]] = {}
    while step in known and item in known[step].by_id:
        found[step] = known[step].by_id[item].data
        step = known[step].over
    return found


def kind_of(field: str, value: JsonValue, record: Mapping[str, JsonValue] | None = None) -> Kind:
    """Type a field of a record for the planner: by its value first, then by its name."""
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "list"
    if isinstance(value, dict):
        return "record"
    return _kind_of_text(field, value or "", record or {})


def _kind_of_text(field: str, value: str, record: Mapping[str, JsonValue]) -> Kind:
    if value.startswith(("/", "~/")) and ("\n" not in value or _PATH_FIELD.search(field)):
        if _IMAGE.search(value):
            return "image path"
        whole_is_folder = field == "path" and record.get("kind") == "folder"
        return "folder" if whole_is_folder else "path"
    if "\n" in value or len(value) > _SHORT or field in {"text", "content", "body"}:
        return "text"
    return "name"


def shape(known: Handle) -> str:
    """Describe a handle to the planner: how many items, which fields of which kind, no values."""
    if not known.items:
        return f"{known.step} = no items"
    record = known.items[0].data
    fields = ", ".join(f"{key}: {kind_of(key, value, record)}" for key, value in record.items())
    return f"{known.step} = {len(known.items)} x {{{fields}}}"


def _record(data: JsonValue) -> dict[str, JsonValue]:
    return dict(data) if isinstance(data, dict) else {"value": data}
