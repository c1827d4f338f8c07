"""The trash: nothing is deleted, every trashed entry can come back."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from desk.errors import OfficeError
from desk.files.effects import Relocation, staged_file
from desk.files.names import PRIVATE_PREFIX
from desk.files.roots import Roots

TRASH_FOLDER = f"{PRIVATE_PREFIX}trash"


@dataclass(frozen=True, slots=True)
class TrashedItem:
    """One trashed entry and where it came from."""

    trash_id: str
    name: str
    original_path: str
    trashed_at: str


def plan_trashing(roots: Roots, path: Path, key: str) -> Relocation:
    """Plan the move of an entry into the trash of its own root, so that the move is a rename."""
    trash = roots.root_of(path) / TRASH_FOLDER
    trash_id = sha256(key.encode()).hexdigest()[:12]
    place = trash / trash_id
    place.mkdir(parents=True, exist_ok=True)
    item = TrashedItem(trash_id, path.name, str(path), datetime.now(UTC).isoformat())
    # The note is complete before the entry moves: a trashed entry always knows its origin.
    note = staged_file(trash, key, json.dumps(asdict(item)).encode())
    note.replace(_note(trash, trash_id))
    return Relocation.plan(path, place / path.name)


def plan_restoring(roots: Roots, trash_id: str) -> Relocation:
    """Plan the way back to the original place, or to a numbered name beside it."""
    trash, item = _find(roots, trash_id)
    original = Path(item.original_path)
    original.parent.mkdir(parents=True, exist_ok=True)
    return Relocation.plan(trash / trash_id / item.name, original)


def forget(relocation: Relocation) -> None:
    """Remove the note of an entry that is back in its place."""
    place = Path(relocation.source).parent
    _note(place.parent, place.name).unlink(missing_ok=True)
    if place.is_dir():
        place.rmdir()


def trashed(roots: Roots) -> list[TrashedItem]:
    """List what can be restored, oldest first."""
    notes = [note for root in roots.folders for note in (root / TRASH_FOLDER).glob("*.json")]
    items = [
        item
        for note in notes
        if (item := _read(note)) and os.path.lexists(note.with_suffix("") / item.name)
    ]
    return sorted(items, key=lambda item: (item.trashed_at, item.trash_id))


def _find(roots: Roots, trash_id: str) -> tuple[Path, TrashedItem]:
    for item in trashed(roots):
        if item.trash_id == trash_id:
            return roots.root_of(Path(item.original_path)) / TRASH_FOLDER, item
    raise OfficeError(
        f"The trash holds nothing with the id {trash_id!r}.", hint="See list_trash for the ids."
    )


def _read(note: Path) -> TrashedItem | None:
    try:
        return TrashedItem(**json.loads(note.read_text()))
    except (ValueError, TypeError):
        return None


def _note(trash: Path, trash_id: str) -> Path:
    return trash / f"{trash_id}.json"
