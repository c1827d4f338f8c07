"""Where a command writes: results to stdout, progress to stderr, JSON for machines."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestrator.core.errors import SettingsError

PIPE_WIDTH = 120
"""Columns of a table that is not written to a terminal."""
PATH_HELP = (
    "the folder to work in; without it a GOAL uses the servers of the config file, and where "
    "that names none, or without a GOAL, a sample office is made and used"
)


def results() -> Console:
    """The console of stdout."""
    return _console(stderr=False)


def progress() -> Console:
    """The console of stderr."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def table(*columns: str, title: str = "") -> Table:
    """A table in the one style that all commands share."""
    from rich import box

    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        min_width=len(title),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold cyan",
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def add_json(parser: argparse.ArgumentParser) -> None:
    """Offer machine-readable output to a command that prints one thing."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Offer what every command that reads the settings has."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the config file to use")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks and details")


def check_target(target: str | None) -> None:
    """See that a file can be written before the work begins whose outcome it is to hold.

    Raises:
        SettingsError: It cannot.
    """
    if target is None or target == "-":
        return
    path = Path(target)
    problem = ""
    if path.is_dir():
        problem = "it is a folder"
    elif not path.parent.is_dir():
        problem = f"{path.parent} is not a folder"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        problem = "writing there is not allowed"
    if problem:
        raise SettingsError(
            f"--json {target} cannot be written: {problem}.", hint="Give --json another file."
        )


def write_json(value: Any, target: str = "-") -> None:
    """Write a value as JSON to a file, or to stdout for `-`.

    Raises:
        SettingsError: The file cannot be written.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{target} cannot be written: {error.strerror}.", hint="Give --json another file."
        ) from error
