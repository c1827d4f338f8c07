"""The trash: nothing is deleted, every trashed entry can come back."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePath

from desk.errors import OfficeError
from desk.files.effects import Relocation, staged_file
from desk.files.names import PRIVATE_PREFIX
from desk.files.reading import read_bytes
from desk.files.roots import Roots

TRASH_FOLDER = f"{PRIVATE_PREFIX}trash"

NOTE_BYTES = 64 * 1024
"""The longest note that is read; a path and a name fit many times."""


@dataclass(frozen=True, slots=True)
class TrashedItem:
    """One trashed entry and where it came from."""

    trash_id: str
    name: str
    original_path: str
    trashed_at: str


def plan_trashing(roots: Roots, path: Path, key: str) -> Relocation:
    """Plan the move of an entry into the trash of its own root, so that the move is a rename."""
    trash = _own_folder(roots.root_of(path) / TRASH_FOLDER)
    trash_id = sha256(key.encode()).hexdigest()[:12]
    place = _own_folder(trash / trash_id)
    place.mkdir(parents=True, exist_ok=True)
    item = TrashedItem(trash_id, path.name, str(path), datetime.now(UTC).isoformat())
    # The note is complete before the entry moves: a trashed entry always knows its origin.
    note = staged_file(trash, key, json.dumps(asdict(item)).encode())
    note.replace(_note(trash, trash_id))
    return Relocation.plan(path, place / path.name)


def plan_restoring(roots: Roots, trash_id: str) -> Relocation:
    """Plan the way back to the original place, or to a numbered name beside it.

    The place is confined again: a link may stand in its way by now, and a note is only a file.
    """
    place, item = _find(roots, trash_id)
    original = roots.former(item.original_path)
    original.parent.mkdir(parents=True, exist_ok=True)
    return Relocation.plan(place / item.name, roots.folder(str(original.parent)) / item.name)


def forget(relocation: Relocation) -> None:
    """Remove the note of an entry that is back in its place."""
    place = Path(relocation.source).parent
    _note(place.parent, place.name).unlink(missing_ok=True)
    with suppress(OSError):
        place.rmdir()


def trashed(roots: Roots) -> list[TrashedItem]:
    """List what can be restored, oldest first."""
    items = [item for _, item in _kept(roots)]
    return sorted(items, key=lambda item: (item.trashed_at, item.trash_id))


def _kept(roots: Roots) -> Iterator[tuple[Path, TrashedItem]]:
    """Yield every trashed entry with the folder that holds it, found from the note's place."""
    for root in roots.folders:
        for note in _own_folder(root / TRASH_FOLDER).glob("*.json"):
            item, place = _read(note), note.with_suffix("")
            if item and os.path.lexists(place / item.name):
                yield place, item


def _find(roots: Roots, trash_id: str) -> tuple[Path, TrashedItem]:
    for place, item in _kept(roots):
        if item.trash_id == trash_id:
            return _own_folder(place), item
    raise OfficeError(
        f"The trash holds nothing with the id {trash_id!r}.", hint="See list_trash for the ids."
    )


def _read(note: Path) -> TrashedItem | None:
    try:
        item = TrashedItem(**json.loads(read_bytes(note, most=NOTE_BYTES)))
    except (ValueError, TypeError, RecursionError, OSError, OfficeError):
        return None
    return item if _sound(item, note) else None


def _sound(item: TrashedItem, note: Path) -> bool:
    """Tell whether a note is one that ``plan_trashing`` can have written."""
    if not all(isinstance(value, str) for value in asdict(item).values()):
        return False
    plain = item.name == PurePath(item.name).name and item.name not in {"", ".", ".."}
    return (
        plain
        and "\0" not in item.name
        and item.trash_id == note.stem
        and item.name == PurePath(item.original_path).name
    )


def _own_folder(path: Path) -> Path:
    """Return a folder of the trash if it is free or a real folder; a link could lead out."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return path
    if not stat.S_ISDIR(status.st_mode):
        raise OfficeError(
            f"{str(path)!r} is not a folder of the trash but a link or a file.",
            hint="Ask the user to move it away; the trash stays unused until then.",
        )
    return path


def _note(trash: Path, trash_id: str) -> Path:
    return trash / f"{trash_id}.json"
