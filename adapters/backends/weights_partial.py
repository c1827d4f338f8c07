"""A file that is still being pulled, and the note that lets an interrupted pull go on."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from adapters.backends.weights_files import sha256_of, write_json
from orchestrator.core.errors import ModelFileError


class Partial:
    """FILE.partial beside the file it will become; FILE.partial.json says how far it is.

    Bytes after the noted end come from an interrupted append and are cut off before the next.
    """

    def __init__(self, target: Path, *, sha256: str) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".partial")
        self.parts = 0
        self.bytes = 0
        self._sha256 = sha256
        self._note = target.with_name(target.name + ".partial.json")
        self._leave_links_alone()
        self._recall()

    def append(self, blocks: Iterable[bytes]) -> None:
        """Add one whole part at the end and note it."""
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            file.truncate(self.bytes)
            file.seek(self.bytes)
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            self.bytes = file.tell()
        self.parts += 1
        self._remember()

    def finish(self) -> None:
        """Check the whole file and put it in its place at once.

        Raises:
            ModelFileError: The digest is not the expected one; the partial file is dropped.
        """
        found = sha256_of(self.path)
        if self._sha256 and found != self._sha256:
            self.drop()
            raise ModelFileError(
                f"{self.target.name} has sha256 {found}, expected {self._sha256}; the download "
                "was dropped.",
                hint=f"Pull again: `ferryman models pull {self.target.parent.name}`.",
            )
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget everything that was pulled."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.parts = self.bytes = 0

    def _leave_links_alone(self) -> None:
        # A leftover of `--from PATH` is the user's own file under a second name: writing into
        # it would change the original.
        with suppress(FileNotFoundError):
            if self.path.stat().st_nlink > 1:
                self.path.unlink()

    def _remember(self) -> None:
        note = {"sha256": self._sha256, "parts": self.parts, "bytes": self.bytes}
        write_json(self._note, {**note})

    def _recall(self) -> None:
        with suppress(OSError, ValueError, TypeError, KeyError):
            note = json.loads(self._note.read_text(encoding="ascii"))
            parts, size = int(note["parts"]), int(note["bytes"])
            if note["sha256"] == self._sha256 and self.path.stat().st_size >= size:
                self.parts, self.bytes = parts, size
