"""File entries as typed records, in one order, whatever the disk says."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from desk.files.names import PRIVATE_PREFIX, FileType, type_of


class FileRecord(BaseModel):
    """One entry of a folder."""

    name: Annotated[str, Field(description="File name with its extension")]
    path: Annotated[str, Field(description="Absolute path")]
    kind: Annotated[Literal["file", "folder", "link", "other"], Field(description="Kind of entry")]
    type: Annotated[FileType, Field(description="Type of content, judged by the extension")]
    extension: Annotated[str, Field(description="Extension in lower case with its dot, or empty")]
    size: Annotated[int, Field(description="Size in bytes")]
    modified: Annotated[str, Field(description="Time of the last change, ISO 8601, UTC")]


def record_of(path: Path) -> FileRecord:
    """Describe one entry without following it when it is a link."""
    status = path.lstat()
    return FileRecord.model_construct(
        name=path.name,
        path=str(path),
        kind=_kind(status.st_mode),
        type=type_of(path.name) if not stat.S_ISDIR(status.st_mode) else "other",
        extension=PurePath(path.name).suffix.lower(),
        size=status.st_size,
        modified=datetime.fromtimestamp(int(status.st_mtime), UTC).isoformat(),
    )


def entries_of(folder: Path, *, hidden: bool = False) -> list[Path]:
    """List a folder's entries sorted by name; the server's own files never show."""
    return sorted(
        (folder / name for name in os.listdir(folder) if _shown(name, hidden=hidden)),  # noqa: PTH208
        key=lambda path: (path.name.casefold(), path.name),
    )


def unreadable_names(folder: Path) -> int:
    """Count a folder's entries that no listing can show: their names are not valid UTF-8."""
    return sum(_unreadable(name) for name in os.listdir(folder))  # noqa: PTH208


def walk(folder: Path, *, hidden: bool = False) -> Iterator[Path]:
    """Yield everything below a folder, parents first, without following links."""
    for path in entries_of(folder, hidden=hidden):
        yield path
        if path.is_dir() and not path.is_symlink():
            try:
                yield from walk(path, hidden=hidden)
            except PermissionError:
                continue


def matches(name: str, pattern: str) -> bool:
    """Tell whether a name fits a pattern: wildcards if it has any, else a part of the name."""
    name, pattern = name.casefold(), pattern.casefold()
    if any(mark in pattern for mark in "*?["):
        return fnmatchcase(name, pattern)
    return pattern in name


def _shown(name: str, *, hidden: bool) -> bool:
    if name.startswith(PRIVATE_PREFIX) or (name.startswith(".") and not hidden):
        return False
    return not _unreadable(name)


def _unreadable(name: str) -> bool:
    # Python shows a byte that is not UTF-8 as a lone surrogate, which cannot travel as JSON.
    return any("\udc80" <= letter <= "\udcff" for letter in name)


def _kind(mode: int) -> Literal["file", "folder", "link", "other"]:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
