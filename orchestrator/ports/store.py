"""The seams to durable storage: the journal's rows and the blobs beside them."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.core.events import Entry, RunHead


class JournalStore(Protocol):
    """Append-only rows, one sequence a run.

    Raises:
        JournalError: The store cannot be written or read; nothing was half-written.
    """

    async def append(self, entries: Sequence[Entry]) -> None:
        """Make the entries durable, all or none, in order; returns once they are."""
        ...

    async def read(self, run_id: str, after: int = 0) -> list[Entry]:
        """The entries of a run with a sequence number above `after`, in order."""
        ...


class RunDirectory(Protocol):
    """The runs a store knows, newest first."""

    async def heads(self, limit: int = 50) -> list[RunHead]:
        """The newest runs."""
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
