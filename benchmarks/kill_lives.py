"""Processes of the kill matrix: forked warm, killed for real, and looked at from outside."""

import asyncio
import gc
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from benchmarks.kill_effects import Desk, EffectFile, Hooks
from benchmarks.kill_stories import Story, story

Side = Literal["ferryman", "langgraph"]
Live = Callable[[Story, Path, Hooks], dict[str, Any]]
"""One whole life of a process over a folder; what it tells at its end."""
_PATIENCE_S = 60.0
# What the kernel has outlives any process, so that a disk would only be waited for.
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - mkdtemp makes it ours


@dataclass(frozen=True)
class Case:
    """A run of a seed whose processes die: the first at a place, perhaps the second at another."""

    side: Side
    seed: int
    place: int
    name: str
    second: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    `missing` and `twice` are effects of the whole run; `unknown` are calls whose outcome nobody
    knew after a death, `asked` those of them that were put to a person; `unwritten` are effects
    that no durable intent stood before. `misread` says that what was kept looked like a finished
    run's before it was one.
    """

    case: Case
    deaths: int
    status: str
    effects: int = 0
    missing: int = 0
    twice: int = 0
    unknown: int = 0
    asked: int = 0
    unwritten: int = 0
    misread: bool = False
    error: str = ""

    @property
    def lost(self) -> bool:
        """Whether the run did not come to its end, or came to it without all its effects."""
        return self.status != "completed" or self.missing > 0


@dataclass
class Lives:
    """Runs cases one after the other, each in a folder of its own."""

    live: dict[Side, Live]
    root: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="kill-", dir=_MEMORY)))

    def __enter__(self) -> Self:
        # What all processes share stays shared: a collection in a child would copy it.
        gc.collect()
        gc.freeze()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def places(self, side: Side, seed: int) -> list[str]:
        """Name every place that a run passes which nobody kills."""
        with a_folder(self.root) as folder:
            told = self.lived(side, seed, folder, Hooks())
            if told is None or told["status"] != "completed":
                raise RuntimeError(f"The run of seed {seed} does not end without a death: {told}")
            return list(told["passed"])

    def outcome(self, case: Case) -> Outcome:
        """Let a case happen and look at what is left."""
        deaths, unknown, told = 0, set[str](), None
        with a_folder(self.root) as folder:
            for deadly in (case.place, case.second, 0):
                if deadly or told is None:
                    told = self.lived(case.side, case.seed, folder, Hooks(deadly))
                    unknown |= seen_unknown(folder)
                deaths += told is None
            return looked_at(case, folder, told, deaths=deaths, unknown=unknown)

    def lived(self, side: Side, seed: int, folder: Path, hooks: Hooks) -> dict[str, Any] | None:
        """Fork a process, wait for it, and give what it told; None when it was killed.

        Raises:
            RuntimeError: It neither ended nor died.
        """
        pid = os.fork()
        if not pid:
            _in_child(lambda: self.live[side](story(seed), folder, hooks), folder)
        return _waited_for(pid, folder)


@contextmanager
def a_folder(root: Path) -> Iterator[Path]:
    """Make a folder for one case, gone after it."""
    path = Path(tempfile.mkdtemp(dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _in_child(live: Callable[[], dict[str, Any]], folder: Path) -> None:
    code = 1
    try:
        told = live()
        (folder / "told").write_text(json.dumps(told), "utf-8")
        code = 0
    except BaseException:  # noqa: BLE001 - the parent reports it
        (folder / "error").write_text(traceback.format_exc(), "utf-8")
    finally:
        sys.stdout.flush()
        os._exit(code)


def _waited_for(pid: int, folder: Path) -> dict[str, Any] | None:
    handle = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([handle], [], [], _PATIENCE_S)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(handle)
    if not ended:
        return {"status": "hung"}
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if status:
        return {"status": "error", "error": (folder / "error").read_text("utf-8")[-2000:]}
    told: dict[str, Any] = json.loads((folder / "told").read_text("utf-8"))
    return told


def seen_unknown(folder: Path) -> set[str]:
    """Give what the processes so far found begun and without an outcome."""
    return set(_lines(folder / "unknown"))


def _lines(path: Path) -> Sequence[str]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def looked_at(
    case: Case, folder: Path, told: dict[str, Any] | None, *, deaths: int, unknown: set[str]
) -> Outcome:
    """Compare what is left in the folder with what should have become of the run."""
    counts = EffectFile(folder / "effects").counts()
    expected = story(case.seed).expected
    told = told or {"status": "killed"}
    return Outcome(
        case=case,
        deaths=deaths,
        status=told["status"],
        effects=len(expected),
        missing=len(expected - set(counts)),
        twice=sum(count > 1 for count in counts.values()) + len(set(counts) - expected),
        unknown=len(unknown),
        asked=len(unknown & set(_lines(folder / "asked"))),
        unwritten=told.get("unwritten", 0),
        misread=told.get("misread", False),
        error=told.get("error", ""),
    )


def control_life(told: Story, folder: Path, hooks: Hooks) -> dict[str, Any]:
    """A life on LangGraph's checkpoints alone."""
    from benchmarks.kill_control import Control

    desk = Desk(told.papers, EffectFile(folder / "effects"), hooks, words=told.words)
    control = Control(told, folder, desk, hooks)
    status = asyncio.run(control.live())
    return {"status": status, "passed": hooks.passed, "misread": control.taken_for_finished}
