"""Fetching what a suite of others needs, into the evaluation cache and nowhere else."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.core.errors import SettingsError
from orchestrator.evals.external import localcowork, nestful

PINNED = ("bfcl-eval==2026.3.23", "mpmath==1.4.1")
"""What is installed for `bfcl`: alone, without the packages that it asks for."""

BFCL = "bfcl"
FROM_A_FOLDER = {
    "localcowork": (
        localcowork.FOLDER,
        (localcowork.TOOLS, localcowork.SINGLE, localcowork.CHAINS),
    ),
    "nestful": (nestful.FOLDER, (nestful.TOOLS, nestful.PLANS)),
}

RunPip = Callable[[Sequence[str]], tuple[int, str]]
"""Runs pip with these arguments; gives its exit status and what it said."""
Tell = Callable[[str], None]


def pip(arguments: Sequence[str]) -> tuple[int, str]:
    """Run pip of our own interpreter, with the user's own settings."""
    done = subprocess.run(  # noqa: S603 - our own interpreter, pinned names of ours
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr or done.stdout


def fetch(
    name: str, folder: Path, *, run_pip: RunPip = pip, on_progress: Tell = lambda _words: None
) -> Path:
    """Fetch what the suites of that name need into a folder below `folder`; give that folder.

    Raises:
        SettingsError: Nothing is published under that name, or pip could not fetch it.
    """
    if name != BFCL and not name.startswith(f"{BFCL}-"):
        raise _not_published(name)
    target = folder / BFCL
    if is_fetched(target):
        on_progress(f"{target} is there already.")
        return target
    beside = folder / f"{BFCL}.part"
    shutil.rmtree(beside, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    on_progress(f"Fetching {' and '.join(PINNED)} …")
    _install(beside, run_pip)
    shutil.rmtree(target, ignore_errors=True)
    beside.replace(target)
    on_progress(f"Installed in {target}.")
    return target


def is_fetched(folder: Path) -> bool:
    """Whether a folder holds exactly the pinned packages."""
    named = [wanted.replace("==", "-").replace("bfcl-eval", "bfcl_eval") for wanted in PINNED]
    return all((folder / f"{name}.dist-info").is_dir() for name in named)


def _install(folder: Path, run_pip: RunPip) -> None:
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"]
    status, said = run_pip(["install", *options, "--target", str(folder), *PINNED])
    if status == 0 and is_fetched(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    last = (said.strip().splitlines() or ["pip said nothing."])[-1]
    raise SettingsError(
        f"{' and '.join(PINNED)} could not be installed: {last}",
        hint="Check the network and pip's index settings, then fetch again.",
    )


def _not_published(name: str) -> SettingsError:
    needed = next((n for key, n in FROM_A_FOLDER.items() if name.startswith(key)), None)
    if needed is None:
        known = ", ".join([BFCL, *FROM_A_FOLDER])
        return SettingsError(f"Nothing is known of {name!r}.", hint=f"Known are: {known}.")
    folder, files = needed
    return SettingsError(
        f"{name} is not on a package index: it is read from a folder.",
        hint=f"Give the folder with --data; it holds {', '.join(files)}, itself or in {folder}/.",
    )
