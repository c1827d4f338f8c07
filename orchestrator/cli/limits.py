"""The limits and counts that a person gives on the command line, checked before anything begins."""

import argparse
from collections.abc import Callable

from pydantic import ValidationError

from orchestrator.core.errors import SettingsError
from orchestrator.core.runs import Budget, RunState
from orchestrator.policy.budgets import spent

LIMITS = {
    "seconds": "seconds of work",
    "turns": "rounds of deciding and acting",
    "replans": "new plans",
    "tool-calls": "tool calls",
    "model-calls": "model calls",
    "prompt-tokens": "prompt tokens of all model calls",
    "generated-tokens": "generated tokens of all model calls",
}


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Offer an option for every limit of a budget."""
    for name, what in LIMITS.items():
        kind: Callable[[str], float] = float if name == "seconds" else int
        parser.add_argument(f"--max-{name}", type=kind, metavar="N", help=f"at most N {what}")


def limited(budget: Budget, options: argparse.Namespace) -> Budget:
    """The budget with the limits that the options give.

    Raises:
        SettingsError: A limit is no number that a run could keep to; it names the option.
    """
    wanted = {name: getattr(options, f"max_{name}", None) for name in Budget.model_fields}
    given = {name: value for name, value in wanted.items() if value is not None}
    for name, value in given.items():
        if value == float("inf"):
            raise _unusable(name, value, "a finite number")
    try:
        return Budget.model_validate({**budget.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        least = "0 or more" if "ge" in first.get("ctx", {}) else "more than 0"
        raise _unusable(name, given.get(name), least) from error


def counted(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two, for an option that means nothing outside of them."""

    def count(word: str) -> int:
        if not word.isascii() or not word.isdecimal() or not least <= int(word) <= most:
            raise argparse.ArgumentTypeError(f"{word!r} is not a number from {least} to {most}")
        return int(word)

    return count


def larger(state: RunState) -> str:
    """The option that gives a stopped run twice the limit it met, or "" where none was met."""
    for name, (used, allowed) in spent(state).items():
        if state.error.startswith(f"The budget of {allowed:g} {name.replace('_', ' ')} "):
            return f"{_option(name)} {max(2 * allowed, used + 1):.0f}"
    return ""


def _option(name: str) -> str:
    return f"--max-{name.replace('_', '-')}"


def _unusable(name: str, value: object, wanted: str) -> SettingsError:
    return SettingsError(
        f"{_option(name)} {value} is no limit: it must be {wanted}.",
        hint=f"Give {_option(name)} another number, or leave it out.",
    )
