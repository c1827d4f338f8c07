"""Approvals that were asked too long ago: which runs to deny, without looking at all of them."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta

from orchestrator.core.events import ApprovalAsked, Entry, RunHead
from orchestrator.core.runs import Approval, RunStatus
from orchestrator.journal.fold import fold_entries
from orchestrator.ports.store import JournalStore, RunDirectory

PAGE = 200
LOOK_AGAIN = timedelta(minutes=10)
"""So often the store is looked through even if nothing is known to expire: others ask, too."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class Expiry:
    """Knows when the next approval expires, so that most sweeps look at nothing."""

    def __init__(self, directory: RunDirectory, store: JournalStore) -> None:
        self._directory = directory
        self._store = store
        self._next: datetime | None = None
        self._looked: datetime | None = None

    def asked(self, approval: Approval) -> None:
        """Note an approval that was just asked."""
        if approval.expires is not None and self._next is not None:
            self._next = min(self._next, approval.expires)

    async def overdue(self, now: datetime) -> list[tuple[str, Approval]]:
        """The runs whose approval has expired, oldest first, with what they ask."""
        if not self._due(now):
            return []
        found: list[tuple[str, Approval]] = []
        self._next, self._looked = _NEVER, now
        async for head in heads(self._directory, ("waiting_approval",)):
            approval = await self._approval(head)
            if approval is None or approval.expires is None:
                continue
            if approval.expires <= now:
                found.append((head.run_id, approval))
            self._next = min(self._next, approval.expires)
        return found[::-1]

    def _due(self, now: datetime) -> bool:
        if self._next is None or self._looked is None:
            return True
        return now >= self._next or now - self._looked >= LOOK_AGAIN

    async def _approval(self, head: RunHead) -> Approval | None:
        """What a run asks: it stands at the end of the journal, but for a run that was resumed."""
        last = await self._store.read(head.run_id, head.last_seq - 2)
        if (asked := _asked(last)) is not None:
            return asked
        return fold_entries(await self._store.read(head.run_id)).approval


async def heads(directory: RunDirectory, statuses: Sequence[RunStatus]) -> AsyncGenerator[RunHead]:
    """Every run with one of the statuses, newest first, a page at a time."""
    before = ""
    while page := await directory.heads(PAGE, statuses=statuses, before=before):
        for head in page:
            yield head
        before = page[-1].run_id


def _asked(entries: Sequence[Entry]) -> Approval | None:
    found = [e.event.approval for e in entries if isinstance(e.event, ApprovalAsked)]
    return found[-1] if found else None
