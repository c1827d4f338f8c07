"""Confinement: every path a tool touches lies inside the folders the operator allowed."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desk.errors import OfficeError
from desk.files.names import PRIVATE_PREFIX, check_name


@dataclass(frozen=True, slots=True)
class Roots:
    """Turns the text of a path into a real path inside the allowed folders, or refuses it.

    Symlinks are resolved first and the result is compared with the roots, so a link cannot lead
    out. Relative paths start at the first root.
    """

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Iterable[str | Path]) -> "Roots":
        """Build the roots from the operator's folders; each must exist."""
        resolved = []
        for folder in folders:
            path = Path(folder).expanduser()
            if not path.is_dir():
                raise OfficeError(
                    f"The root {str(folder)!r} is not a folder.", hint="Create it or pass another."
                )
            resolved.append(path.resolve())
        if not resolved:
            raise OfficeError("No root was given.", hint="Pass --root DIR at least once.")
        return cls(tuple(resolved))

    def existing(self, text: str) -> Path:
        """Return the real path of something that exists, with every symlink resolved."""
        lexical = self._lexical(text)
        try:
            path = lexical.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            self._confine(Path(os.path.realpath(lexical)), text)
            raise self._unreachable(text, error) from error
        return self._confine(path, text)

    def folder(self, text: str) -> Path:
        """Return the real path of an existing folder."""
        path = self.existing(text)
        if not path.is_dir():
            raise OfficeError(
                f"{text!r} is a file, not a folder.", hint=f"Try {str(path.parent)!r}."
            )
        return path

    def file(self, text: str) -> Path:
        """Return the real path of an existing regular file; devices and pipes are refused."""
        path = self.existing(text)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise OfficeError(f"{text!r} is a folder, not a file.", hint="List it with list_dir.")
        if not stat.S_ISREG(mode):
            raise OfficeError(f"{text!r} is a device, pipe or socket, not a regular file.")
        return path

    def entry(self, text: str) -> Path:
        """Return the path of a directory entry itself: a final symlink is not followed."""
        lexical = self._lexical(text)
        if lexical in self.folders:
            raise OfficeError(f"{text!r} is an allowed root itself and stays where it is.")
        path = self._confine(self._parent(lexical, text) / lexical.name, text)
        if path in self.folders:
            raise OfficeError(f"{text!r} is an allowed root itself and stays where it is.")
        if not os.path.lexists(path):
            raise self._unreachable(text, FileNotFoundError())
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            raise OfficeError(f"{text!r} is a device, pipe or socket, not a regular file.")
        return path

    def entry_or_root(self, text: str) -> Path:
        """Return an entry to look at; unlike ``entry`` this may be a root."""
        root = self._lexical(text)
        return root if root in self.folders else self.entry(text)

    def vacant(self, text: str) -> Path:
        """Return where a new entry may be created: the parent exists, the name is sound."""
        lexical = self._lexical(text)
        if lexical in self.folders:
            raise OfficeError(f"{text!r} is an allowed root itself, not a new name.")
        parent = self._parent(lexical, text)
        if not parent.is_dir():
            raise OfficeError(f"The parent of {text!r} is not a folder.")
        return parent / check_name(lexical.name)

    def vacant_tree(self, text: str) -> tuple[Path, Path]:
        """Return where a new folder may be, and the highest folder of it that is not there yet."""
        lexical = self._lexical(text)
        missing = [lexical]
        while not os.path.lexists(missing[-1].parent):
            missing.append(missing[-1].parent)
        top = self.vacant(str(missing[-1]))
        names = [check_name(part.name) for part in reversed(missing[:-1])]
        return self._confine(top.joinpath(*names), text), top

    def target(self, text: str, name: str) -> Path:
        """Read a destination as people mean it: an existing folder takes the entry inside."""
        if self._lexical(text).is_dir():
            return self.folder(text) / name
        return self.vacant(text)

    def former(self, text: str) -> Path:
        """Return where something was and may be again; its parent need not exist any more."""
        lexical = self._lexical(text)
        parent = self._confine(Path(os.path.realpath(lexical.parent)), text)
        return self._confine(parent / lexical.name, text)

    def root_of(self, path: Path) -> Path:
        """Return the innermost root that holds a confined path."""
        holders = [root for root in self.folders if path.is_relative_to(root)]
        return max(holders, key=lambda root: len(root.parts))

    def _lexical(self, text: str) -> Path:
        if not text.strip():
            raise OfficeError("The path is empty.", hint=self._allowed())
        if "\0" in text:
            raise OfficeError(f"The path {text!r} contains a NUL character.", hint=self._allowed())
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise OfficeError(f"The path {text!r} is not valid Unicode.", hint=self._allowed())
        # Only one's own home is meant by a tilde; a file may well be named "~x".
        path = Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)
        if ".." in path.parts:
            raise OfficeError(
                f"The path {text!r} contains '..', which is refused.",
                hint=f"Give the path without it. {self._allowed()}",
            )
        return self.folders[0] / path

    def _parent(self, lexical: Path, text: str) -> Path:
        try:
            parent = lexical.parent.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            self._confine(Path(os.path.realpath(lexical.parent)), text)
            raise self._unreachable(str(lexical.parent), error) from error
        return self._confine(parent, text)

    def _confine(self, path: Path, text: str) -> Path:
        if not any(path.is_relative_to(root) for root in self.folders):
            raise OfficeError(
                f"The path {text!r} leads outside the allowed folders.", hint=self._allowed()
            )
        # A disk that ignores case would find the folder by ".Ferryman-Trash" too.
        if any(part.casefold().startswith(PRIVATE_PREFIX) for part in path.parts):
            raise OfficeError(
                f"The path {text!r} belongs to the server itself.",
                hint="For trashed files use list_trash and restore_from_trash.",
            )
        return path

    def _allowed(self) -> str:
        return f"Allowed folders: {', '.join(str(root) for root in self.folders)}."

    def _unreachable(self, text: str, error: Exception) -> OfficeError:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be opened"
        if isinstance(error, RuntimeError):
            reason = "is a symlink that points to itself"
        return OfficeError(
            f"{text!r} {reason}.", hint=f"List the folder to see its names. {self._allowed()}"
        )
