"""One process a run: a lock that the operating system frees however its holder ends."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.core.errors import JournalError, RunConflict, RunNotFound

_WAIT = "Wait for it, or stop that process; its lock goes with it."
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@contextmanager
def held(folder: Path, run_id: str, *, last: bool = False) -> Iterator[None]:
    """Hold the lock of a run for the length of a `with` block.

    With `last` the lock's file goes with the run: whoever had it open already finds that it is
    not the folder's any more, and takes the new one.

    Raises:
        RunConflict: Another process, or another task of this one, holds it.
        RunNotFound: No run is ever called so.
        JournalError: The lock cannot be opened.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise RunNotFound(f"{run_id!r} is not a run id.", hint="`ferryman runs list` has them.")
    path = folder / f"{run_id}.lock"
    handle = _acquired(path, run_id)
    try:
        yield
        if last:
            path.unlink(missing_ok=True)
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


def _acquired(path: Path, run_id: str) -> int:
    """Open and lock the file that is in the folder, however often it is taken away meanwhile."""
    while True:
        handle = _opened(path)
        try:
            _acquire(handle, run_id)
            if _is_still(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _acquire(handle: int, run_id: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunConflict(
            f"Run {run_id} is being worked on by another process ({_holder(handle)}).", hint=_WAIT
        ) from error
    # Who holds it is only told to people; a full disk must not keep a run from being looked after.
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)


def _is_still(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _holder(handle: int) -> str:
    text = os.pread(handle, 32, 0).decode("ascii", "replace")
    return f"process {text}" if text.isdigit() else "process unknown"
