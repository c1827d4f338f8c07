"""Large payloads in a folder, one file each, named after what is in it."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from orchestrator.core.errors import JournalError

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
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_whole(path, data)
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

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


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
