"""The world of a case: the common office with what the case adds, made anew for every run."""

import atexit
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from desk.files.names import PRIVATE_PREFIX
from desk.samples import make_office
from desk.suite.cases import DeskCase, Overlay
from desk.suite.furniture import FILES, PICTURES
from desk.suite.materials import draw_lines, write_file, write_rows
from desk.suite.records import LEDGERS, add_records, items_in
from desk.suite.repository import fingerprint

SEED, SCREENSHOTS = 7, 3
FOLDER = "folder"
"""What a snapshot says of a folder, whose key ends in a slash."""

_MOMENT = 1_770_714_000
"""10 February 2026, 9:00 UTC: from then on, a minute apart, the common office was written."""


def furnish_case(root: Path, case: DeskCase, *, state: Path | None = None) -> None:
    """Empty a folder and put the office of a case into it; the folder itself stays.

    Args:
        root: the office; servers may be running on it.
        case: says what is added to the common office.
        state: the servers' own folder, emptied too: the clipboard, and the keys of former calls.

    Raises:
        OfficeError: The case sets the clipboard, and no state folder was named.
    """
    root.mkdir(parents=True, exist_ok=True)
    if state is not None:
        _forget(state)
    _restore(root, _common_office())
    _lay_over(root, case.office, state)


def places(root: Path) -> dict[str, str]:
    """The folders of an office by the names that a goal uses for them."""
    inside = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    return {path.name: str(path) for path in inside}


def snapshot(root: Path) -> dict[str, str]:
    """What is in an office, by path: the sha256 of each file, and which folders there are.

    Of a repository its commits, branches and staged content count, under the path of its `.git`.
    Of the lists of records the records count, not how the file is written. The trash is left out.
    """
    return dict(_entries(root, root))


def _entries(folder: Path, root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        name = path.relative_to(root).as_posix()
        if path.name.startswith(PRIVATE_PREFIX):
            continue
        if path.name == ".git":
            yield name, fingerprint(folder)
        elif path.is_dir() and not path.is_symlink():
            yield f"{name}/", FOLDER
            yield from _entries(path, root)
        else:
            yield name, _digest(path, name)


def _digest(path: Path, name: str) -> str:
    if name in LEDGERS.values():
        content = json.dumps(items_in(path), sort_keys=True).encode()
    elif path.is_symlink():
        content = os.fsencode(path.readlink())
    else:
        content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()


@cache
def _common_office() -> Path:
    """Make the common office once in a process; every case gets a copy of it."""
    root = Path(tempfile.mkdtemp(prefix="desk-office-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    made = make_office(root, seed=SEED, screenshots=SCREENSHOTS)
    # What git puts there as an example would be copied for every case.
    shutil.rmtree(root / "Projects/website/.git/hooks", ignore_errors=True)
    own = {shot.path for shot in made.screenshots}
    for name, text in FILES.items():
        write_file(root / name, text)
    for name, lines in PICTURES.items():
        draw_lines(root / name, lines)
    for minute, path in enumerate(sorted(root.rglob("*"))):
        if path.is_file() and path not in own:
            moment = _MOMENT + 60 * minute
            os.utime(path, (moment, moment))
    return root


def _lay_over(root: Path, overlay: Overlay, state: Path | None) -> None:
    for name in overlay.removed:
        _remove(root / name)
    for name, text in overlay.files.items():
        write_file(root / name, text.replace("{office}", str(root.resolve())))
    for name, lines in overlay.images.items():
        draw_lines(root / name, lines)
    for name, rows in overlay.tables.items():
        write_rows(root / name, rows)
    for kind, records in overlay.records.items():
        add_records(root, kind, records, state=state, alone=overlay.only_records)


def _restore(root: Path, office: Path) -> None:
    """Make a folder equal to the common office, touching only what differs.

    Making it anew would take ten times as long, most of it for folders that are there again.
    """
    wanted = _contents(office)
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*files, *folders):
            path = Path(folder, name)
            if _mark(path) != wanted.get(path.relative_to(root).as_posix()):
                _remove(path)
    for name, mark in wanted.items():
        target = root / name
        if mark == FOLDER:
            target.mkdir(exist_ok=True)
        elif not target.exists():
            shutil.copy2(office / name, target)


@cache
def _contents(office: Path) -> dict[str, str]:
    """Every entry of the common office with its mark, folders before what is in them."""
    return {path.relative_to(office).as_posix(): _mark(path) for path in sorted(office.rglob("*"))}


def _mark(path: Path) -> str:
    """Tell a file that was not touched: nothing that is written keeps the time of a copy."""
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        return FOLDER
    return f"{status.st_mode} {status.st_size} {status.st_mtime_ns}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _forget(state: Path) -> None:
    """Empty the servers' own files. Databases are held open, so their rows go and they stay."""
    for path in state.glob("*/effects.db"):
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            database.execute("DELETE FROM effects")
    for path in state.glob("*/clipboard.json"):
        path.unlink()
