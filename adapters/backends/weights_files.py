"""What the model store does with files: digests and their cache, the lock, the disk check."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.core.errors import ModelFileError

_BLOCK = 1 << 20
# What a full disk would break besides our own file.
_SPARE = 64 << 20

FreeBytes = Callable[[Path], int]


def sha256_of(path: Path) -> str:
    """Compute the digest of a file, a block at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def remembered_sha256(path: Path) -> str:
    """Give the digest of a file, computed again only when its size or time has changed."""
    note, stat = _note_of(path), path.stat()
    seen = {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    with suppress(OSError, ValueError):
        known = json.loads(note.read_text(encoding="ascii"))
        if isinstance(known, dict) and {key: known.get(key) for key in seen} == seen:
            return str(known["sha256"])
    digest = sha256_of(path)
    # A folder that cannot be written to costs time at every start, nothing else.
    with suppress(OSError):
        write_json(note, {**seen, "sha256": digest})
    return digest


def forget_sha256(path: Path) -> None:
    """Drop the remembered digest of a file."""
    _note_of(path).unlink(missing_ok=True)


def write_json(path: Path, value: dict[str, object]) -> None:
    """Write a small JSON file so that a reader sees the old or the new one, never half."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(value), encoding="ascii")
    fresh.replace(path)


def free_bytes(folder: Path) -> int:
    """Ask how many bytes the disk under a folder has left."""
    return shutil.disk_usage(folder).free


def check_disk(folder: Path, *, need: int, free: FreeBytes) -> None:
    """Stop before a download that the disk cannot hold.

    Raises:
        ModelFileError: With what is needed and what is there.
    """
    have = free(folder)
    if have < need + _SPARE:
        raise ModelFileError(
            f"{folder} needs {_mb(need + _SPARE)} of free disk and has {_mb(have)}.",
            hint="Free some space, or set another cache folder for models.",
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a model's folder, so that two pulls never write the same file.

    Raises:
        ModelFileError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelFileError(
                f"Another pull of {folder.name} is running.",
                hint="Wait until it has finished; a pull that was killed leaves no lock behind.",
            ) from error
        yield
    finally:
        os.close(handle)


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256.json")


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
