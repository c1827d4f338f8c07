"""One process a run: a lock that the operating system frees however its holder ends."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.errors import JournalError

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@contextmanager
def held(folder: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run for the length of a `with` block.

    Lock files stay in the folder: removing one while another process opens it would let
    two processes each hold a lock of the same name.

    Raises:
        JournalError: Another process, or another task of this one, holds it.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise JournalError(f"{run_id!r} is not a run id.", hint="`ferryman runs list` has them.")
    handle = _opened(folder / f"{run_id}.lock")
    try:
        _acquire(handle, run_id)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process sets up a store in this folder, for a `with` block."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(
            f"The lock {path} cannot be opened: {error}",
            hint="Make the state folder writable.",
        ) from error


def _acquire(handle: int, run_id: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalError(
            f"Run {run_id} is being worked on by another process ({_holder(handle)}).",
            hint="Wait for it, or stop that process; its lock goes with it.",
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)


def _holder(handle: int) -> str:
    text = os.pread(handle, 32, 0).decode("ascii", "replace")
    return f"process {text}" if text.isdigit() else "process unknown"
