"""Effects that happen once: a keyed call is carried out one time, whatever kills the server.

Every change of the file tree is one relocation: an inode gets a new path, atomically and never
over another file. New content is staged under a private name first and then relocated too. The
intent (inode and exact destination) is on disk before the relocation, so after a crash the inode
itself tells whether it already happened.
"""

import ctypes
import errno
import fcntl
import json
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from desk.errors import OfficeError
from desk.files.names import PRIVATE_PREFIX, ClashStyle, candidates

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


@dataclass(frozen=True, slots=True)
class Relocation:
    """One planned change: the inode at ``source`` is to be known as ``destination``."""

    source: str
    destination: str
    device: int
    inode: int
    wanted: str
    style: ClashStyle | None

    @classmethod
    def plan(
        cls, source: Path, destination: Path, *, style: ClashStyle | None = "parentheses"
    ) -> "Relocation":
        """Plan a move to the first free variant of a destination; style None takes no variant."""
        if source != destination and destination.is_relative_to(source):
            raise OfficeError(
                f"{str(source)!r} cannot move into itself or a folder inside it.",
                hint="Choose a destination outside it.",
            )
        status = source.lstat()
        return cls(
            source=str(source),
            destination=str(_free(destination, source, style)),
            device=status.st_dev,
            inode=status.st_ino,
            wanted=str(destination),
            style=style,
        )

    def retargeted(self) -> "Relocation":
        """Plan again after somebody else took the destination."""
        fresh = _free(Path(self.wanted), Path(self.source), self.style)
        return replace(self, destination=str(fresh))

    def is_at(self, path: str) -> bool:
        """Tell whether the planned inode is what a path names now."""
        try:
            status = os.lstat(path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == (self.device, self.inode)


class Effects:
    """Carries out relocations and remembers them by idempotency key in a state folder."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self._guard = threading.Lock()
        self._lock_path = state / "effects.lock"
        self._database = sqlite3.connect(
            state / "effects.db", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, call TEXT NOT NULL,"
            " relocation TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0)"
        )

    def close(self) -> None:
        """Close the journal's database."""
        self._database.close()

    def once(
        self,
        key: str | None,
        call: Mapping[str, str],
        plan: Callable[[str], Relocation],
    ) -> Relocation:
        """Carry out what ``plan`` returns, or return what the same key already did.

        ``plan`` gets the key, so that what it stages has a name that a repetition finds again.
        A call without a key gets a fresh one.
        """
        key = key or uuid4().hex
        with self._exclusive():
            known = self._recall(key, call)
            if known is None:
                relocation = plan(key)
                self._intend(key, call, relocation)
            else:
                relocation, done = known
                if done:
                    return relocation
            relocation = self._carry_out(key, relocation)
            self._database.execute("UPDATE effects SET done = 1 WHERE key = ?", (key,))
            return relocation

    def _carry_out(self, key: str, relocation: Relocation) -> Relocation:
        while not relocation.is_at(relocation.destination):
            if not relocation.is_at(relocation.source):
                raise OfficeError(
                    f"{relocation.source!r} was changed by somebody else before it became"
                    f" {relocation.destination!r}.",
                    hint="Look at the folder before you try again.",
                )
            try:
                move_without_replacing(relocation.source, relocation.destination)
            except FileExistsError:
                relocation = relocation.retargeted()
                self._retarget(key, relocation)
        if relocation.source != relocation.destination and relocation.is_at(relocation.source):
            # A crash between link and unlink left both names.
            Path(relocation.source).unlink()
        _sync_folder(Path(relocation.destination).parent)
        return relocation

    def _recall(self, key: str, call: Mapping[str, str]) -> tuple[Relocation, bool] | None:
        row = self._database.execute(
            "SELECT call, relocation, done FROM effects WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        if row[0] != _digest(call):
            raise OfficeError(
                f"The idempotency key {key!r} was already used for another call.",
                hint="Use a fresh key for every new call.",
            )
        return Relocation(**json.loads(row[1])), bool(row[2])

    def _intend(self, key: str, call: Mapping[str, str], relocation: Relocation) -> None:
        self._database.execute(
            "INSERT INTO effects (key, call, relocation) VALUES (?, ?, ?)",
            (key, _digest(call), json.dumps(asdict(relocation))),
        )

    def _retarget(self, key: str, relocation: Relocation) -> None:
        self._database.execute(
            "UPDATE effects SET relocation = ? WHERE key = ?",
            (json.dumps(asdict(relocation)), key),
        )

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        # The file lock keeps out a server of an earlier, killed run that is still finishing.
        with self._guard, self._lock_path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def staged_file(folder: Path, key: str, content: bytes, *, mode: int | None = None) -> Path:
    """Write new content under a private name next to where it will appear.

    ``mode`` sets the permission bits; without it new files get what the process's umask leaves.
    """
    path = folder / stage_name(key)
    # A killed call may have left one that its own mode forbids to open for writing.
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o644 if mode is None else 0o600), "wb") as handle:
        if mode is not None:
            os.fchmod(handle.fileno(), mode)
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    return path


def stage_name(key: str) -> str:
    """Name the staged file of a key, the same on every repetition."""
    return f"{PRIVATE_PREFIX}stage-{sha256(key.encode()).hexdigest()[:16]}"


def move_without_replacing(source: str, destination: str) -> None:
    """Give an entry a new path in one step; FileExistsError if the path is taken."""
    try:
        if _renameat2(source, destination):
            return
        _link_and_unlink(source, destination)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise OfficeError(
                f"{source!r} and {destination!r} are on different disks.",
                hint="Copy it with copy_file, check the copy, then trash the original.",
            ) from error
        raise


def _renameat2(source: str, destination: str) -> bool:
    """Rename with the kernel's own no-replace check; False where it does not have one."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    status = call(
        _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(destination), _RENAME_NOREPLACE
    )
    if status == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), source, None, destination)


def _link_and_unlink(source: str, destination: str) -> None:
    if stat.S_ISDIR(os.lstat(source).st_mode):
        # An empty folder of our own reserves the name; rename replaces only an empty folder.
        reservation = Path(destination)
        reservation.mkdir()
        try:
            Path(source).rename(destination)
        except OSError:
            # Somebody else may have filled it meanwhile; then it is theirs and stays.
            with suppress(OSError):
                reservation.rmdir()
            raise
        return
    os.link(source, destination, follow_symlinks=False)
    Path(source).unlink()


def _free(destination: Path, source: Path, style: ClashStyle | None) -> Path:
    if style is None:
        if os.path.lexists(destination):
            raise OfficeError(f"{str(destination)!r} already exists.", hint="Choose another name.")
        return destination
    names = candidates(destination.name, style)
    paths = (destination.with_name(name) for name in names)
    return next(path for path in paths if path == source or not os.path.lexists(path))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(call: Mapping[str, str]) -> str:
    text = json.dumps(dict(call), sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()
