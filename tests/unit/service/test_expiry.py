"""Which approvals have expired: found among many runs, and looked for only when one may have."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.core.events import ApprovalAsked, RunEnded, RunResumed, RunStarted
from orchestrator.core.runs import Approval, RunRequest
from orchestrator.journal.writer import Journal
from orchestrator.service.dispatch.expiry import LOOK_AGAIN, PAGE, Expiry
from tests.fakes.clock import FakeClock
from tests.fakes.stores import MemoryBlobs, MemoryStore

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Looked(MemoryStore):
    """Counts how often runs were listed, and how many entries were read."""

    def __init__(self):
        super().__init__()
        self.listed = self.read_entries = 0

    async def heads(self, limit=50, **options):
        self.listed += 1
        return await super().heads(limit, **options)

    async def read(self, run_id, after=0, limit=None):
        entries = await super().read(run_id, after, limit)
        self.read_entries += len(entries)
        return entries


@pytest.fixture
def store():
    return Looked()


@pytest.fixture
def expiry(store):
    return Expiry(store, store)


def approval(expires):
    return Approval(proposal="p1", digest="d", reason="why not", expires=expires)


async def rests(store, run_id, expires=None, *more, status="waiting_approval"):
    journal = Journal(store, MemoryBlobs(), clock=FakeClock(), run_id=run_id)
    asked = ApprovalAsked(approval=approval(expires))
    started = RunStarted(request=RunRequest(goal="tidy up"))
    await journal.append(started, asked, RunEnded(status=status), *more)


async def overdue(expiry, now=NOW):
    return [run_id for run_id, _ in await expiry.overdue(now)]


async def test_the_overdue_are_found_oldest_first(store, expiry):
    await rests(store, "first", NOW - HOUR)
    await rests(store, "fresh", NOW + HOUR)
    await rests(store, "ever")
    await rests(store, "now", NOW)
    await rests(store, "gone", NOW - HOUR, status="cancelled")
    found = await expiry.overdue(NOW)
    assert found == [("first", approval(NOW - HOUR)), ("now", approval(NOW))]


async def test_a_run_that_was_resumed_without_a_word_still_asks(store, expiry):
    again = (RunResumed(), RunEnded(status="waiting_approval"))
    await rests(store, "again", NOW - HOUR, *again)
    assert await overdue(expiry) == ["again"]


async def test_more_than_a_page_is_looked_through_by_the_ends_of_the_journals(store, expiry):
    for number in range(PAGE + 5):
        await rests(store, f"r{number}", NOW - HOUR if number % 50 == 0 else NOW + HOUR)
    assert await overdue(expiry) == ["r0", "r50", "r100", "r150", "r200"]
    assert store.read_entries == 2 * (PAGE + 5)


async def test_nothing_is_looked_at_before_the_next_one_expires(store, expiry):
    await rests(store, "fresh", NOW + timedelta(minutes=5))
    assert await overdue(expiry) == []
    listed = store.listed
    assert await overdue(expiry, NOW + timedelta(minutes=4)) == []
    assert store.listed == listed
    assert await overdue(expiry, NOW + timedelta(minutes=5)) == ["fresh"]


async def test_one_that_is_asked_meanwhile_is_not_missed(store, expiry):
    await overdue(expiry)
    await rests(store, "new", NOW + timedelta(minutes=1))
    expiry.asked(approval(NOW + timedelta(minutes=1)))
    assert await overdue(expiry, NOW + timedelta(minutes=1)) == ["new"]


async def test_one_that_another_process_asked_is_found_after_a_while(store, expiry):
    await overdue(expiry)
    await rests(store, "theirs", NOW + timedelta(minutes=1))
    assert await overdue(expiry, NOW + timedelta(minutes=1)) == []
    assert await overdue(expiry, NOW + LOOK_AGAIN) == ["theirs"]
