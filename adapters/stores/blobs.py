"""Large payloads in a folder, one file each, named after what is in it."""

import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.errors import JournalError

YOUNG_S = 3600.0
"""Seconds for which a payload is not swept: far longer than its entry can be on its way."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderBlobs:
    """A content-addressed folder; equal payloads are kept once.

    A file appears under its name only when it is whole and durable, so a crash leaves at
    most a stray temporary file behind.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their sha256 as hex.

        Raises:
            JournalError: The folder cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        try:
            with self._against_sweeping():
                _keep(path, data)
        except OSError as error:
            raise JournalError(
                f"A payload of {len(data)} bytes cannot be kept in {self._folder}: {error}",
                hint="Make room in the state folder and make it writable; then resume the run.",
            ) from error
        return digest

    def get(self, digest: str) -> bytes:
        """Give the bytes under a digest.

        Raises:
            JournalError: They are missing or no longer match their digest.
        """
        if not _DIGEST.fullmatch(digest):
            raise JournalError(f"{digest!r} is not the digest of a payload.")
        try:
            data = self._path(digest).read_bytes()
        except OSError as error:
            raise JournalError(f"The payload {digest} cannot be read: {error}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise JournalError(f"The payload {digest} was changed since it was kept.")
        return data

    def sweep(
        self, needed: Callable[[], Collection[str]], *, rehearse: bool = False
    ) -> tuple[int, int]:
        """Remove the payloads that nothing needs and that were not kept just now.

        A payload is kept before the entry that refers to it is written: a young one stays.

        Args:
            needed: Gives the digests that something refers to; asked only when there is
                something to sweep, and after it was seen.
            rehearse: Count only.

        Returns:
            How many payloads went, and their bytes.

        Raises:
            JournalError: The folder cannot be read or written.
        """
        try:
            old = list(_older_than(time.time() - YOUNG_S, self._folder))
            kept = needed() if old else ()
            swept = [size for path, size in old if path.name not in kept]
            if not rehearse:
                swept = [
                    size for path, size in old if path.name not in kept and self._removed(path)
                ]
        except OSError as error:
            raise JournalError(f"{self._folder} cannot be swept: {error}") from error
        return len(swept), sum(swept)

    def _removed(self, path: Path) -> bool:
        with self._against_sweeping(alone=True):
            if path.stat().st_mtime > time.time() - YOUNG_S:
                return False
            path.unlink()
            return True

    @contextmanager
    def _against_sweeping(self, *, alone: bool = False) -> Iterator[None]:
        """Keep a payload from being swept between being found there and being touched."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


def _older_than(moment: float, folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        told = path.stat()
        if told.st_mtime < moment:
            yield path, told.st_size


def _keep(path: Path, data: bytes) -> None:
    if _holds(path, data):
        # Young again: what refers to it this time is still to be written.
        os.utime(path)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_whole(path, data)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except FileNotFoundError:
        return False


def _write_whole(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
