"""What a result says, in as few words as an answer needs: for the synthesizer's eyes.

Lists become a line an item with the fields that tell it apart, long texts the passages that share
words with the goal. Nothing is left out without saying so.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from orchestrator.policy.handles import principal_list

MOST_ITEMS = 25
"""Items of a list that are told; the rest are counted."""
TEXT_CHARACTERS = 1200
"""Characters of a text that are told; of a longer one, its passages closest to the goal."""

_FIELD_CHARACTERS = 120
_MOST_FIELDS = 6
_SAME_FOR_ALL = 3
_WORD = re.compile(r"[^\W_]{3,}")
_BESIDE_NAME = frozenset({"path", "id", "extension", "modified", "type", "truncated", "hidden"})


def told(data: Any, goal: str) -> list[str]:
    """Tell a result in lines."""
    if not isinstance(data, Mapping):
        return _passages(str(data), goal)
    if "old_name" in data and "new_name" in data:
        return [f"{data['old_name']} is now {data['new_name']}"]
    columns, rows = data.get("columns"), data.get("rows")
    if isinstance(columns, list) and isinstance(rows, list):
        return _table(columns, rows)
    if any(isinstance(value, list) for value in data.values()):
        return _listed(data, principal_list(data))
    return _record(data, goal)


def _listed(data: Mapping[str, Any], items: Sequence[Any]) -> list[str]:
    """What a result says beside its list, then the list under its name.

    Small models take a bare count for whatever was asked: it stands beside what it counts.
    """
    name = next((name for name, value in data.items() if value is items), "items")
    beside = {key: value for key, value in data.items() if key != "count" or value != len(items)}
    about = _scalars(beside, lists=False)
    rows = [item if isinstance(item, Mapping) else {"": _cells(item)} for item in items]
    dull = _dull(rows)
    lines = [f"- {_row(row, dull)}" for row in rows[:MOST_ITEMS]]
    more = len(rows) - MOST_ITEMS
    head = f"{name} ({len(rows)}):" if rows else f"{name}: none were found"
    told = [*([about] if about else []), head, *lines]
    return [*told, *([f"- and {more} more"] if more > 0 else [])]


def _cells(item: Any) -> Any:
    """The cells of a table's row as people write them."""
    return " | ".join(map(str, item)) if isinstance(item, list) else item


def _dull(rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Fields that tell no item apart: the same for all of several, or beside a name."""
    fields = {name for row in rows for name in row}
    beside = _BESIDE_NAME if fields & {"name", "title", "subject"} else frozenset[str]()
    same = {
        name
        for name in fields
        if len(rows) >= _SAME_FOR_ALL and len({json.dumps(r.get(name)) for r in rows}) == 1
    }
    return frozenset((same - {"name", "title", ""}) | beside)


def _row(row: Mapping[str, Any], dull: frozenset[str]) -> str:
    parts = [
        f"{name} {_short(value)}".strip() if name not in {"name", "title"} else _short(value)
        for name, value in row.items()
        if name not in dull and not _nothing(value)
    ]
    return ", ".join(parts[:_MOST_FIELDS])


def _record(data: Mapping[str, Any], goal: str) -> list[str]:
    lines = [_scalars(data)]
    for name, value in data.items():
        if isinstance(value, str) and len(value) > _FIELD_CHARACTERS:
            lines += [f"{name}:", *_passages(value, goal)]
        elif isinstance(value, Mapping):
            lines.append(f"{name}: {_scalars(value)}")
    return [line for line in lines if line]


def _scalars(data: Mapping[str, Any], *, lists: bool = True) -> str:
    told = [
        f"{name} {_short(value)}"
        for name, value in data.items()
        if not isinstance(value, Mapping)
        and (lists or not isinstance(value, list))
        and not _nothing(value)
        and len(str(value)) <= _FIELD_CHARACTERS
    ]
    return ", ".join(told)


def _table(columns: Sequence[Any], rows: Sequence[Any]) -> list[str]:
    head = " | ".join(map(str, columns))
    lines = [" | ".join(map(str, row)) for row in rows[:MOST_ITEMS] if isinstance(row, list)]
    more = len(rows) - MOST_ITEMS
    return [f"{len(rows)} rows", head, *lines, *([f"and {more} more"] if more > 0 else [])]


def _passages(text: str, goal: str) -> list[str]:
    """The text where it is short, else the lines that share the most words with the goal."""
    if len(text) <= TEXT_CHARACTERS:
        return text.strip().splitlines()
    lines = [line for line in text.splitlines() if line.strip()]
    wanted = _words(goal)
    by_closeness = sorted(range(len(lines)), key=lambda at: -len(wanted & _words(lines[at])))
    chosen: list[int] = []
    room = TEXT_CHARACTERS
    for at in by_closeness:
        room -= len(lines[at])
        if room < 0:
            break
        chosen.append(at)
    cut = f"(parts of {len(text)} characters)"
    return [cut, *(lines[at][:TEXT_CHARACTERS] for at in sorted(chosen or by_closeness[:1]))]


def _words(text: str) -> set[str]:
    return {word.lower().rstrip("s") for word in _WORD.findall(text)}


def _nothing(value: Any) -> bool:
    """Whether a value says nothing; a zero does say something."""
    return value is None or value is False or value in ("", [], {})


def _short(value: Any) -> str:
    if isinstance(value, str) and value.startswith("/"):
        return PurePath(value).name
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    said = " ".join(said.split())
    return said if len(said) <= _FIELD_CHARACTERS else said[: _FIELD_CHARACTERS - 1] + "…"
