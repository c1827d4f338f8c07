"""What a git repository of the office is at, read without changing it."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
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
    own = folder / ".git"
    places = [own / "HEAD", own / "packed-refs", *sorted((own / "refs").rglob("*"))]
    refs = [f"{p.relative_to(own)} {p.read_text('utf-8')}" for p in places if p.is_file()]
    index = own / "index"
    digest = hashlib.sha256(index.read_bytes()).hexdigest() if index.is_file() else ""
    return hashlib.sha256("\0".join([*refs, _staged(folder, digest)]).encode()).hexdigest()


def is_repository(folder: Path) -> bool:
    """Tell whether a folder is a repository that can be read."""
    return (folder / ".git" / "HEAD").is_file() and shutil.which("git") is not None


@lru_cache(maxsize=256)
def _staged(folder: Path, index: str) -> str:
    """What is staged, asked once for a state of the index: looking at files rewrites it."""
    return _git(folder, "ls-files", "--stage") if index else ""


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
