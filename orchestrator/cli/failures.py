"""What a command ends with: an exit code, and for an error its message and its hint."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable

from orchestrator.core.errors import (
    ConfigurationError,
    NeedsInput,
    OrchestratorError,
    RequestError,
    RunCancelled,
    RunStopped,
)
from orchestrator.core.runs import RunStatus

COMPLETED, FAILED, USAGE, INCOMPLETE, STOPPED, WAITING, CANCELLED = 0, 1, 2, 3, 4, 5, 130

_BY_STATUS: dict[RunStatus, int] = {
    "completed": COMPLETED,
    "planned": COMPLETED,
    "failed": FAILED,
    "running": FAILED,
    "incomplete": INCOMPLETE,
    "stopped": STOPPED,
    "waiting_approval": WAITING,
    "waiting_tools": WAITING,
    "needs_input": WAITING,
    "cancelled": CANCELLED,
}
_BY_ERROR: tuple[tuple[type[OrchestratorError], int], ...] = (
    (ConfigurationError, USAGE),
    (RequestError, USAGE),
    (NeedsInput, WAITING),
    (RunCancelled, CANCELLED),
    (RunStopped, STOPPED),
)


def exit_code(status: RunStatus) -> int:
    """The exit code of a run that came to this status."""
    return _BY_STATUS[status]


def reported(execute: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Carry out a command; whatever it raises becomes a message and an exit code."""
    try:
        return execute(options)
    except KeyboardInterrupt:
        sys.stderr.write("\ncancelled\n")
        return CANCELLED
    except BrokenPipeError:
        # The reader left; nothing more can be said to it, not even by the interpreter's flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COMPLETED
    except Exception as error:  # noqa: BLE001 - the last place where an error can be told
        return _told(error, verbose=options.verbose)


def _told(error: Exception, *, verbose: bool) -> int:
    if verbose:
        traceback.print_exception(error)
    first = _first_of_ours(error)
    if first is None:
        write_error("internal", f"{type(error).__name__}: {error}", OrchestratorError.default_hint)
        return FAILED
    write_error(first.code, first.message, first.hint)
    return next((code for kind, code in _BY_ERROR if isinstance(first, kind)), FAILED)


def write_error(code: str, message: str, hint: str = "") -> None:
    """Say on stderr what went wrong and what to do about it."""
    sys.stderr.write(f"error[{code}]: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")


def _first_of_ours(error: BaseException) -> OrchestratorError | None:
    if isinstance(error, OrchestratorError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for e in error.exceptions if (found := _first_of_ours(e))), None)
    return None
