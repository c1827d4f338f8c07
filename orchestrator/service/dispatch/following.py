"""Following a run: its entries exactly once and in order, out of the journal or its store.

Nothing is queued for a follower. While the run is at work here, its entries are read from the
journal that is in memory anyway; afterwards, and for whoever fell behind, from the store.
"""

from collections.abc import AsyncGenerator

from orchestrator.core.errors import JournalError
from orchestrator.core.events import Entry
from orchestrator.journal.chain import entry_hash
from orchestrator.journal.payloads import with_payloads
from orchestrator.runtime import Orchestrator
from orchestrator.service.dispatch.accepted import Accepted, Delta, Hearing

AT_ONCE = 64
"""Entries that are read at once: so many at most does a slow follower hold."""


class Follower:
    """One reading of a run, from an entry on; `position` is the entry that was given last."""

    def __init__(self, orchestrator: Orchestrator, run_id: str, *, after: int) -> None:
        self.position = after
        self._orchestrator = orchestrator
        self._run_id = run_id

    async def with_text(self, accepted: Accepted) -> AsyncGenerator[Entry | Delta]:
        """Follow a run that the service has taken on, with text as it is generated."""
        hearing = accepted.listen()
        try:
            async for item in self.through(accepted, hearing):
                yield item
        finally:
            accepted.ignore(hearing)

    async def through(
        self, accepted: Accepted, hearing: Hearing | None = None
    ) -> AsyncGenerator[Entry | Delta]:
        """Follow a run until nobody works on it any more."""
        while True:
            # Both are read before the entries are, so that nothing falls between.
            news, over = accepted.news, accepted.stage == "over"
            async for entry in self.so_far():
                for delta in hearing.take(entry.seq - 1) if hearing else ():
                    yield delta
                yield entry
            for delta in hearing.take(self.position) if hearing else ():
                yield delta
            if over:
                return
            await news.wait()

    async def so_far(self) -> AsyncGenerator[Entry]:
        """Give what there is after the position now."""
        while (journal := self._orchestrator.live(self._run_id)) is not None:
            entries = journal.since(self.position, AT_ONCE)
            del journal
            if not entries:
                return
            for entry in entries:
                self.position = entry.seq
                yield entry
        parts = self._orchestrator.parts
        while rows := await parts.store.read(self._run_id, self.position, AT_ONCE):
            for row in rows:
                self._check(row)
                self.position = row.seq
                yield row.model_copy(update={"event": with_payloads(row.event, parts.blobs.get)})
            if len(rows) < AT_ONCE:
                return

    def _check(self, row: Entry) -> None:
        if row.seq != self.position + 1 or row.hash != entry_hash(row):
            raise JournalError(
                f"The journal of run {self._run_id} was changed at entry {row.seq}.",
                hint="`ferryman audit verify` says more.",
            )
