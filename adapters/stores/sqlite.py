"""Journals in one SQLite file: many runs write, one thread commits for all of them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from adapters.stores.locks import held
from adapters.stores.retention import Retention, prune
from adapters.stores.salvage import salvage
from adapters.stores.sqlite_commits import GroupCommit
from adapters.stores.sqlite_errors import named
from adapters.stores.sqlite_heads import HEAD, NUMBER, listing
from adapters.stores.sqlite_schema import Durability, connect, prepare
from orchestrator.core.errors import JournalError, RunNotFound
from orchestrator.core.events import Entry, RunHead
from orchestrator.core.runs import RunStatus
from orchestrator.ports.store import OVER, Pruned, SavedRow

_NAMED_AT_MOST = 5


class SqliteStore:
    """A journal store and a directory of runs in one file.

    Whatever waits when the writer becomes free is committed in one transaction, each append
    all or none. A sequence number can be written once: of two writers of one run, the second
    is refused.
    """

    def __init__(self, path: Path, *, durability: Durability = "full", busy_s: float = 5.0) -> None:
        self._path = path
        self._busy_s = busy_s
        prepare(path, busy_s=busy_s)
        self._commits = GroupCommit(path, durability=durability, busy_s=busy_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written and let go of the file."""
        self._commits.close()

    async def append(self, entries: Sequence[Entry]) -> None:
        """Make the entries durable, all or none, in order; returns once they are.

        Raises:
            JournalError: The file cannot be written, or a sequence number is not the run's
                next one: another process is writing this run.
        """
        await self._commits.append(entries)

    async def read(self, run_id: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Give the entries of a run with a sequence number above `after`, in order.

        With `limit` no more than the first so many of them.

        Raises:
            JournalError: The file cannot be read, or a row in it is damaged.
        """
        rows = await self._select(
            "SELECT entry FROM entries WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            (run_id, after, -1 if limit is None else limit),
        )
        hint = f"`ferryman runs export {run_id}` writes out what is readable; other runs go on."
        with self._readable(f"entries of run {run_id}", hint):
            return [Entry.model_validate_json(text) for (text,) in rows]

    async def heads(
        self,
        limit: int = 50,
        *,
        tenant: str | None = None,
        thread: str | None = None,
        statuses: Sequence[RunStatus] = (),
        before: str = "",
    ) -> list[RunHead]:
        """Give the newest runs that fit everything given, newest first.

        Args:
            limit: How many at most.
            tenant: Whose runs; everybody's when left out.
            thread: The thread they belong to; any when left out.
            statuses: What they may have come to; anything when left out.
            before: A run's id: only older runs than that one.

        Raises:
            RunNotFound: `before` is no run, or not one of that tenant.
        """
        last = await self._number(before, tenant) if before else None
        wanted = listing(limit, tenant=tenant, thread=thread, statuses=statuses, before=last)
        rows = await self._select(wanted.query, wanted.values)
        with self._readable("list of runs"):
            return [RunHead.model_validate_json(text) for (text,) in rows]

    async def head(self, run_id: str) -> RunHead | None:
        """Give one run as the directory lists it; None when there is no such run."""
        rows = await self._select(HEAD, (run_id,))
        with self._readable("list of runs"):
            return RunHead.model_validate_json(rows[0][0]) if rows else None

    async def tail(self, run_id: str) -> tuple[int, str]:
        """Give sequence number and hash of a run's newest entry, as kept apart from it."""
        query = "SELECT last_seq, last_hash FROM runs WHERE run_id = ?"
        rows = await self._select(query, (run_id,))
        return (rows[0][0], rows[0][1]) if rows else (0, "")

    async def latest_run_id(self) -> str:
        """Give the id of the newest run.

        Raises:
            JournalError: There is no run yet.
        """
        heads = await self.heads(1)
        if not heads:
            raise JournalError("There is no run yet.", hint="`ferryman run GOAL` starts one.")
        return heads[0].run_id

    async def find(self, text: str) -> str:
        """Give the run id that a person means: `LAST`, an id, or the beginning of one.

        Raises:
            JournalError: No run or more than one fits; the message names them.
        """
        if text == "LAST":
            return await self.latest_run_id()
        query = "SELECT run_id FROM runs WHERE substr(run_id, 1, ?) = ? ORDER BY number DESC"
        found = [run_id for (run_id,) in await self._select(query, (len(text), text))]
        if text in found:
            return text
        if len(found) != 1:
            raise _not_one(text, found)
        return str(found[0])

    async def prune(
        self,
        *,
        before: datetime,
        keep: int = 0,
        statuses: Sequence[RunStatus] = OVER,
        rehearse: bool = False,
    ) -> Pruned:
        """Remove old runs with their entries, locks, and the payloads that only they had.

        Args:
            before: Runs that nothing was added to since then are old.
            keep: How many of the newest runs stay however old they are.
            statuses: What the runs must have come to.
            rehearse: Say what would go, and leave it.

        Raises:
            JournalError: The file cannot be written; every run is there wholly or not at all.
        """
        wanted = Retention(before=before, statuses=statuses, keep=keep, rehearse=rehearse)
        return await asyncio.to_thread(prune, self._path, wanted, busy_s=self._busy_s)

    async def salvage(self, run_id: str) -> list[SavedRow]:
        """Give every row of a run as its text is stored, or what keeps it from being read."""
        return await asyncio.to_thread(salvage, self._path, run_id, busy_s=self._busy_s)

    @contextmanager
    def run_lock(self, run_id: str) -> Iterator[None]:
        """Keep every other process from working on a run for the length of a `with` block.

        Raises:
            JournalError: Another one is working on it.
        """
        with held(self._path.parent / "locks", run_id):
            yield

    async def _number(self, run_id: str, tenant: str | None) -> int:
        rows = await self._select(NUMBER, (run_id, tenant, tenant))
        if not rows:
            raise RunNotFound(f"There is no run {run_id} to list older runs than.")
        return int(rows[0][0])

    async def _select(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        def select() -> list[Any]:
            with named(self._path), closing(connect(self._path, busy_s=self._busy_s)) as reading:
                return reading.execute(query, values).fetchall()

        return await asyncio.to_thread(select)

    @contextmanager
    def _readable(self, what: str, hint: str | None = None) -> Iterator[None]:
        try:
            yield
        except ValidationError as error:
            first = error.errors()[0]
            raise JournalError(
                f"The {what} in {self._path} cannot be read: "
                f"{'.'.join(map(str, first['loc']))}: {first['msg']}.",
                hint=hint,
            ) from error


def _not_one(text: str, found: Sequence[str]) -> JournalError:
    hint = "`ferryman runs list` has them."
    if not found:
        return JournalError(f"No run is called {text!r} or begins with it.", hint=hint)
    names = ", ".join(found[:_NAMED_AT_MOST])
    more = f" and {len(found) - _NAMED_AT_MOST} more" if len(found) > _NAMED_AT_MOST else ""
    return JournalError(f"{text!r} could be {names}{more}.", hint="Give more of the id.")
