"""The seams to durable storage: the journal's rows and the blobs beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.core.events import Entry, RunHead
from orchestrator.core.runs import RunStatus

OVER: tuple[RunStatus, ...] = ("completed", "incomplete", "stopped", "failed", "cancelled")
"""Statuses of runs that nobody waits for."""


class JournalStore(Protocol):
    """Append-only rows, one sequence a run.

    Raises:
        JournalError: The store cannot be written or read; nothing was half-written.
    """

    async def append(self, entries: Sequence[Entry]) -> None:
        """Make the entries durable, all or none, in order; returns once they are."""
        ...

    async def read(self, run_id: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """The entries of a run with a sequence number above `after`, in order, the first ones."""
        ...


class RunDirectory(Protocol):
    """The runs a store knows, newest first."""

    async def heads(
        self,
        limit: int = 50,
        *,
        tenant: str | None = None,
        thread: str | None = None,
        statuses: Sequence[RunStatus] = (),
        before: str = "",
    ) -> list[RunHead]:
        """The newest runs that fit everything given; with `before` only older ones than that run.

        Raises:
            RunNotFound: `before` is no run, or not one of that tenant.
        """
        ...

    async def head(self, run_id: str) -> RunHead | None:
        """One run; None when there is no such run."""
        ...


@dataclass(frozen=True)
class Pruned:
    """What retention took away: runs with their entries, payloads, and bytes of the file.

    `busy` are runs that were old enough and that a process worked on; they stay. `file_bytes` is
    how much the journal's file shrank, the bytes that went back to the disk.
    """

    runs: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    entries: int = 0
    entry_bytes: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    file_bytes: int = 0


@dataclass(frozen=True)
class SavedRow:
    """One row of a damaged run: its text as stored, or what keeps it from being read."""

    seq: int
    text: str = ""
    problem: str = ""


class PrunableRuns(Protocol):
    """Runs that need not be kept for ever."""

    async def prune(
        self,
        *,
        before: datetime,
        keep: int = 0,
        statuses: Sequence[RunStatus] = OVER,
        rehearse: bool = False,
    ) -> Pruned:
        """Remove the runs of these statuses that nothing was added to since `before`.

        The `keep` newest runs stay whatever they are, and so does a run that a process works on.
        """
        ...


class BlobStore(Protocol):
    """Large payloads under the digest of their bytes."""

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their sha256 as hex."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes under a digest.

        Raises:
            JournalError: They are missing or no longer match their digest.
        """
        ...
