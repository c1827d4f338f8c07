"""Lives of a process whose disk, database or clock fails it at some place: `-m tests.fakes.faults`.

One process is loaded once and forked for every life, as the kill matrix does. Prints what became
of each case as JSON.
"""

import asyncio
import ctypes
import json
import os
import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from adapters.clock import SystemClock
from benchmarks.kill_effects import Hooks
from benchmarks.kill_lives import Case, Lives, a_folder, looked_at, seen_unknown
from benchmarks.kill_ours import STATE, Process, Warm
from orchestrator.core.errors import JournalError

PROMPTS = Path(__file__).resolve().parents[2] / "prompts"
BUSY_S = 0.05
HOLDER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(600)
"""
CAPABILITIES_3 = 0x20080522


class StrikingHooks(Hooks):
    """At one place something fails, and goes on failing for as long as the process lives.

    At place 0 it fails before the journal is opened.
    """

    def __init__(self, place, strike):
        super().__init__()
        self.place, self.strike = place, strike

    def reach(self, place):
        super().reach(place)
        if len(self.passed) == self.place:
            self.strike()


class JumpingClock(SystemClock):
    """A wall clock that is set back by a day whenever it is read, as a bad time server would."""

    def __init__(self):
        self._back = timedelta()

    def now(self):
        self._back += timedelta(days=1)
        return super().now() - self._back


def disk_is_full(folder):
    """From now on no file can grow beyond what the journal has now."""
    size = max(file.stat().st_size for file in (folder / STATE).glob("journal.db*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def database_is_locked(folder):
    """From now on another process holds the write lock, longer than anybody waits for it."""
    command = [sys.executable, "-c", HOLDER, str(folder / STATE / "journal.db")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    (folder / "holder").write_text(str(holder.pid))


def folder_is_read_only(folder):
    """From now on nothing in the folder may be written, not even by root."""
    state = folder / STATE
    for path in [*state.rglob("*"), state]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if os.getuid() == 0:
        assert ctypes.CDLL(None, use_errno=True).capset(header, nothing) == 0


def mended(folder):
    """Whatever had failed works again."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    holder = folder / "holder"
    if holder.exists():
        os.kill(int(holder.read_text()), 9)
        holder.unlink()


def life(warm):
    """A life that tells what stopped it, if something does."""

    async def lived(told, folder, hooks):
        clock = JumpingClock() if isinstance(hooks, JumpingHooks) else None
        if getattr(hooks, "place", None) == 0:
            hooks.strike()
        try:
            process = Process(told, folder, hooks, warm, busy_s=BUSY_S, clock=clock)
        except JournalError as error:
            return stopped(error, hooks)
        try:
            return await process.told()
        except JournalError as error:
            return {**stopped(error, hooks), "unwritten": await process.unwritten()}

    return lambda told, folder, hooks: asyncio.run(lived(told, folder, hooks))


class JumpingHooks(Hooks):
    """Marks a life whose clock jumps."""


def stopped(error, hooks):
    said = {"code": error.code, "message": error.message, "hint": error.hint}
    return {"status": "paused", "passed": hooks.passed, **said}


def struck(lives, seed, place, strike, *, killed=0):
    """One run that something happens to at a place; then it is mended and taken up again.

    With `killed` an earlier process was killed there, and it happens to the one after it.
    """
    with a_folder(lives.root) as folder:
        if killed:
            lives.lived("ferryman", seed, folder, Hooks(killed))
        hooks = StrikingHooks(place, lambda: strike(folder))
        first = lives.lived("ferryman", seed, folder, hooks)
        mended(folder)
        before = done(folder)
        second = lives.lived("ferryman", seed, folder, Hooks())
        name = first["passed"][place - 1] if place else "before it opens the journal"
        case = Case("ferryman", seed, place, name)
        outcome = looked_at(case, folder, second, deaths=0, unknown=seen_unknown(folder))
        return told(outcome, first, before)


def done(folder):
    effects = folder / "effects"
    return len(effects.read_text().splitlines()) if effects.exists() else 0


def told(outcome, first, before):
    return {
        "place": outcome.case.name,
        "first": {key: first.get(key) for key in ("status", "code", "message", "hint")},
        "done_before": before,
        "unwritten": first.get("unwritten", 0) + outcome.unwritten,
        "status": outcome.status,
        "lost": outcome.lost,
        "twice": outcome.twice,
        "unknown": outcome.unknown,
        "asked": outcome.asked,
        "error": outcome.error,
    }


def every(lives, seed, step, strike):
    places = range(1, len(lives.places("ferryman", seed)) + 1, step)
    return [struck(lives, seed, place, strike) for place in places]


def with_a_jumping_clock(lives, seed):
    with a_folder(lives.root) as folder:
        first = lives.lived("ferryman", seed, folder, JumpingHooks())
        case = Case("ferryman", seed, 1, "clock")
        outcome = looked_at(case, folder, first, deaths=0, unknown=seen_unknown(folder))
        return [told(outcome, first, 0)]


FAULTS = {
    "full": lambda lives: every(lives, 2, 7, disk_is_full),
    "locked": lambda lives: every(lives, 6, 7, database_is_locked),
    "read-only": lambda lives: [
        struck(lives, 2, 1, folder_is_read_only),
        *(struck(lives, 2, 0, folder_is_read_only, killed=place) for place in (20, 50, 60)),
    ],
    "clock": lambda lives: with_a_jumping_clock(lives, 2),
}


def main():
    warm = Warm(PROMPTS)
    with Lives({"ferryman": life(warm)}) as lives:
        json.dump({name: FAULTS[name](lives) for name in sys.argv[1:]}, sys.stdout)


if __name__ == "__main__":
    main()
