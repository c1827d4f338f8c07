"""Small sets of records in one JSON file; a change and its key are written in the same step."""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from desk.errors import OfficeError

KEYS_KEPT = 1000
"""How many idempotency keys a file remembers; older ones are dropped first."""

Item = dict[str, Any]


class Ledger:
    """Records of one kind. A repeated key returns the first result and changes nothing.

    The file is replaced as a whole, so records and the memory of applied keys never disagree.
    """

    def __init__(self, path: Path, *, state: Path) -> None:
        self._path = path
        self._lock = state / f"{path.name}.lock"
        self._guard = threading.Lock()

    def items(self) -> list[Item]:
        """Return all records in the order they were added."""
        items: list[Item] = self._load()["items"]
        return items

    def change(self, key: str | None, change: Callable[[list[Item]], Item]) -> Item:
        """Apply a change to the records and return its result, once per key."""
        with self._exclusive():
            content = self._load()
            applied = content["applied"]
            if key in applied:
                return dict(applied[key])
            result = change(content["items"])
            applied[key or uuid4().hex] = result
            for stale in list(applied)[:-KEYS_KEPT]:
                del applied[stale]
            self._save(content)
            return result

    def _load(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return {"items": list(content["items"]), "applied": dict(content.get("applied", {}))}
        except FileNotFoundError:
            return {"items": [], "applied": {}}
        except (ValueError, KeyError, TypeError) as error:
            raise OfficeError(
                f"{str(self._path)!r} is damaged: {error}.", hint="Repair it or move it away."
            ) from error

    def _save(self, content: dict[str, Any]) -> None:
        fresh = self._path.with_name(f".{self._path.name}.new")
        with fresh.open("w", encoding="utf-8") as handle:
            json.dump(content, handle, indent=2, ensure_ascii=False)
            handle.flush()
            os.fsync(handle.fileno())
        fresh.replace(self._path)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._guard, self._lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def find(items: list[Item], identity: str, what: str) -> Item:
    """Return the record with an id, or say which ids there are."""
    for item in items:
        if item["id"] == identity:
            return item
    known = ", ".join(str(item["id"]) for item in items[:20]) or "none"
    raise OfficeError(f"There is no {what} with the id {identity!r}.", hint=f"Known ids: {known}.")


def fresh_id(items: list[Item], letter: str) -> str:
    """Return the next free id such as ``t4``."""
    taken = {str(item["id"]) for item in items}
    number = len(items) + 1
    while f"{letter}{number}" in taken:
        number += 1
    return f"{letter}{number}"
