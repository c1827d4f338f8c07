"""What a git repository of the office is at, read without changing it."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a repository stands."""

    branch: str
    branches: tuple[str, ...]
    last_message: str
    commits: int
    staged: tuple[str, ...]


def standing(folder: Path) -> Standing | None:
    """Read branch, last message, number of commits and staged files; None without a repository."""
    if not is_repository(folder):
        return None
    return Standing(
        branch=_git(folder, "branch", "--show-current").strip(),
        branches=tuple(_git(folder, "branch", "--format=%(refname:short)").split()),
        last_message=_git(folder, "log", "-1", "--format=%B").strip(),
        commits=int(_git(folder, "rev-list", "--count", "HEAD") or 0),
        staged=tuple(_git(folder, "diff", "--cached", "--name-only").splitlines()),
    )


def fingerprint(folder: Path) -> str:
    """Tell whether commits, branches or staged content changed; "" without a repository."""
    if not is_repository(folder):
        return ""
    parts = (
        (folder / ".git" / "HEAD").read_text(encoding="utf-8"),
        _git(folder, "for-each-ref"),
        _git(folder, "ls-files", "--stage"),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_repository(folder: Path) -> bool:
    """Tell whether a folder is a repository that can be read."""
    return (folder / ".git" / "HEAD").is_file() and shutil.which("git") is not None


def _git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    command = [shutil.which("git") or "git", "-C", str(folder), *arguments]
    done = subprocess.run(  # noqa: S603
        command, env=environment, check=False, capture_output=True, text=True
    )
    return done.stdout
