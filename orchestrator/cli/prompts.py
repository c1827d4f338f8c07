"""`ferryman prompts`: a text never changes without its version."""

import argparse
import sys
from pathlib import Path
from typing import Any

from orchestrator.cli.failures import USAGE, write_error
from orchestrator.cli.output import add_common, results
from orchestrator.core.errors import PromptError

LOCK = "prompts.lock"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    for name, about in {
        "lock": "write prompts.lock; refused while a changed prompt has its old version",
        "check": "compare every prompt with prompts.lock",
    }.items():
        add_common(commands.add_parser(name, help=about))


def execute(options: argparse.Namespace) -> int:
    """Compare the prompts with their lock, and write it when asked to."""
    from orchestrator.cli.setup import UNSET
    from orchestrator.prompting.library import load_library, lock_lines, lock_problems
    from orchestrator.settings import Settings

    folder = Settings.load(options.config, variables=UNSET).prompts_dir
    library = load_library(folder)
    lock = folder / LOCK
    known = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    problems = lock_problems(library, known)
    if options.action == "lock":
        return _lock(lock, lock_lines(library), [p for p in problems if "without" in p])
    return _told(problems, library)


def _lock(lock: Path, lines: str, unversioned: list[str]) -> int:
    if unversioned:
        return _told(unversioned, None)
    try:
        lock.write_text(lines, encoding="utf-8")
    except OSError as error:
        raise PromptError(
            f"{lock} cannot be written: {error.strerror}.", hint="Lock prompts in a checkout."
        ) from error
    results().print(str(lock), soft_wrap=True)
    return 0


def _told(problems: list[str], library: Any) -> int:
    for problem in problems:
        write_error(PromptError.code, problem)
    if problems:
        sys.stderr.write(f"hint: {PromptError.default_hint}\n")
        return USAGE
    results().print(f"{len(library.prompts)} prompts are as they were locked")
    return 0
