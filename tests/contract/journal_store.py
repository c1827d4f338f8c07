"""What every JournalStore and RunDirectory promises, asked of each adapter and each fake alike.

A suite takes part by subclassing and giving a `store` fixture: an empty store.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.core.errors import JournalError, RunConflict, RunNotFound
from orchestrator.core.events import Entry, ReplanAsked, RunEnded, RunResumed, RunStarted
from orchestrator.core.runs import RunRequest
from orchestrator.journal.chain import seal, verify

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def journal_of(run_id, *events, **fields):
    """Seal events into the entries of a run that begins with its request."""
    sealed = []
    request = RunRequest(goal=f"goal of {run_id}", **fields)
    for seq, event in enumerate([RunStarted(request=request), *events]):
        at = START + timedelta(seconds=seq)
        entry = Entry(run_id=run_id, seq=seq + 1, at=at, seconds=0.25 * seq, event=event)
        sealed.append(seal(entry, sealed[-1].hash if sealed else ""))
    return sealed


def reasons(count):
    """Make events that differ."""
    return [ReplanAsked(reason=f"reason {number} ✓ „ü\u2028") for number in range(count)]


class JournalStoreContract:
    """The promises of `orchestrator.ports.store`."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_appended_is_read_back_equal_and_in_order(self, store):
        entries = journal_of("r1", *reasons(5))
        await store.append(entries[:2])
        await store.append(entries[2:])
        assert await store.read("r1") == entries

    async def test_a_journal_read_back_keeps_its_chain(self, store):
        await store.append(journal_of("r1", *reasons(3)))
        assert verify(await store.read("r1"), await store.tail("r1")) == []

    async def test_reading_after_a_number_leaves_out_what_came_before(self, store):
        entries = journal_of("r1", *reasons(3))
        await store.append(entries)
        assert await store.read("r1", after=2) == entries[2:]

    async def test_no_more_entries_are_read_than_are_asked_for(self, store):
        entries = journal_of("r1", *reasons(5))
        await store.append(entries)
        assert await store.read("r1", after=1, limit=2) == entries[1:3]
        assert await store.read("r1", limit=99) == entries

    async def test_an_unknown_run_has_no_entries_and_an_empty_tail(self, store):
        assert await store.read("nobody") == []
        assert await store.tail("nobody") == (0, "")

    async def test_appending_nothing_changes_nothing(self, store):
        await store.append([])
        assert await store.heads() == []

    async def test_a_number_can_be_written_once(self, store):
        entries = journal_of("r1", *reasons(1))
        await store.append(entries)
        with pytest.raises(JournalError):
            await store.append(entries[1:])
        assert await store.read("r1") == entries

    async def test_a_gap_is_refused(self, store):
        entries = journal_of("r1", *reasons(2))
        await store.append(entries[:1])
        with pytest.raises(JournalError):
            await store.append(entries[2:])
        assert await store.read("r1") == entries[:1]

    async def test_an_append_is_all_or_none(self, store):
        entries = journal_of("r1", *reasons(3))
        with pytest.raises(JournalError):
            await store.append([*entries[:2], entries[3]])
        assert await store.read("r1") == []

    async def test_one_refused_append_does_not_harm_those_beside_it(self, store):
        runs = {f"r{number}": journal_of(f"r{number}", *reasons(2)) for number in range(8)}
        clash = journal_of("r3", *reasons(1))
        await store.append(runs["r3"])
        appends = [store.append(runs[name]) for name in runs if name != "r3"]
        outcomes = await asyncio.gather(*appends, store.append(clash), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[-1:]] == [JournalError]
        assert outcomes[:-1] == [None] * 7
        for name, entries in runs.items():
            assert await store.read(name) == entries

    async def test_the_tail_is_the_newest_entry(self, store):
        entries = journal_of("r1", *reasons(2))
        await store.append(entries)
        assert await store.tail("r1") == (3, entries[-1].hash)

    async def test_heads_tell_what_each_run_is_about(self, store):
        await store.append(journal_of("r1", RunEnded(status="completed")))
        await store.append(journal_of("r2", RunEnded(status="stopped"), RunResumed()))
        newest, oldest = await store.heads()
        assert (newest.run_id, newest.goal, newest.status) == ("r2", "goal of r2", "running")
        assert (oldest.run_id, oldest.status, oldest.last_seq) == ("r1", "completed", 2)
        assert oldest.started == START

    async def test_heads_are_limited_to_the_newest(self, store):
        for name in ("r1", "r2", "r3"):
            await store.append(journal_of(name))
        assert [head.run_id for head in await store.heads(2)] == ["r3", "r2"]

    async def test_heads_name_tenant_and_thread(self, store):
        await store.append(journal_of("r1", tenant="acme", thread="t1"))
        assert [(head.tenant, head.thread) for head in await store.heads()] == [("acme", "t1")]
        assert (await store.head("r1")).thread == "t1"
        assert await store.head("r2") is None

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({}, "r6 r5 r4 r3 r2 r1"),
            ({"tenant": "acme"}, "r5 r3 r1"),
            ({"tenant": ""}, "r6 r4 r2"),
            ({"tenant": "nobody"}, ""),
            ({"thread": "t1"}, "r5 r2 r1"),
            ({"thread": "t1", "tenant": "acme"}, "r5 r1"),
            ({"statuses": ["completed"]}, "r4 r1"),
            ({"statuses": ["completed", "running"]}, "r6 r5 r4 r2 r1"),
            ({"statuses": ["completed", "completed"]}, "r4 r1"),
            ({"statuses": ["completed", "failed"], "tenant": "acme"}, "r3 r1"),
            ({"statuses": ["running"], "thread": "t1", "tenant": "acme"}, "r5"),
            ({"before": "r4"}, "r3 r2 r1"),
            ({"before": "r5", "tenant": "acme"}, "r3 r1"),
            ({"before": "r5", "statuses": ["running", "completed"], "limit": 2}, "r4 r2"),
            ({"before": "r1"}, ""),
        ],
    )
    async def test_heads_can_be_narrowed(self, store, wanted, found):
        ended = {"r1": "completed", "r3": "failed", "r4": "completed"}
        threads = {"r1": "t1", "r2": "t1", "r5": "t1", "r6": "t2"}
        for number in range(1, 7):
            name = f"r{number}"
            events = [RunEnded(status=ended[name])] if name in ended else []
            tenant = "acme" if number % 2 else ""
            journal = journal_of(name, *events, tenant=tenant, thread=threads.get(name, ""))
            await store.append(journal)
        assert [head.run_id for head in await store.heads(**wanted)] == found.split()

    async def test_older_than_an_unknown_or_a_foreign_run_is_refused(self, store):
        await store.append(journal_of("r1", tenant="acme"))
        with pytest.raises(RunNotFound, match="no run r2"):
            await store.heads(before="r2")
        with pytest.raises(RunNotFound, match="no run r1"):
            await store.heads(before="r1", tenant="other")

    async def test_runs_that_are_over_and_old_are_pruned(self, store):
        for name, status in (("r1", "completed"), ("r2", "waiting_approval"), ("r3", "failed")):
            await store.append(journal_of(name, RunEnded(status=status)))
        await store.append(journal_of("r4"))
        done = await store.prune(before=START + timedelta(days=1))
        assert (done.runs, done.busy, done.entries) == (("r1", "r3"), (), 4)
        assert done.entry_bytes > 0
        assert [head.run_id for head in await store.heads()] == ["r4", "r2"]
        assert await store.read("r1") == []
        assert await store.tail("r1") == (0, "")
        assert verify(await store.read("r2"), await store.tail("r2")) == []

    async def test_a_run_is_as_old_as_its_newest_entry(self, store):
        await store.append(journal_of("r1", RunEnded(status="completed")))
        assert (await store.prune(before=START + timedelta(seconds=1))).runs == ()
        assert (await store.prune(before=START + timedelta(seconds=2))).runs == ("r1",)

    async def test_the_newest_runs_are_kept_and_others_only_when_asked_for(self, store):
        for name in ("r1", "r2", "r3"):
            await store.append(journal_of(name, RunEnded(status="planned")))
        late = START + timedelta(days=1)
        assert (await store.prune(before=late)).runs == ()
        done = await store.prune(before=late, keep=1, statuses=["planned"])
        assert done.runs == ("r1", "r2")

    async def test_a_rehearsal_counts_and_leaves_everything(self, store):
        await store.append(journal_of("r1", RunEnded(status="completed")))
        late = START + timedelta(days=1)
        rehearsed = await store.prune(before=late, rehearse=True)
        assert len(await store.read("r1")) == 2
        done = await store.prune(before=late)
        assert (rehearsed.runs, rehearsed.entries, rehearsed.entry_bytes) == (
            (done.runs, done.entries, done.entry_bytes)
        )

    async def test_a_run_that_is_worked_on_is_not_pruned(self, store):
        await store.append(journal_of("r1", RunEnded(status="stopped")))
        await store.append(journal_of("r2", RunEnded(status="stopped")))
        late = START + timedelta(days=1)
        with store.run_lock("r1"):
            done = await store.prune(before=late)
        assert (done.runs, done.busy) == (("r2",), ("r1",))
        assert (await store.prune(before=late)).runs == ("r1",)

    async def test_last_means_the_newest_run(self, store):
        await store.append(journal_of("zebra"))
        await store.append(journal_of("apple"))
        assert await store.find("LAST") == "apple"
        assert await store.latest_run_id() == "apple"

    async def test_without_a_run_there_is_no_last_one(self, store):
        with pytest.raises(JournalError, match="no run yet"):
            await store.find("LAST")

    async def test_the_beginning_of_an_id_is_enough_when_only_one_fits(self, store):
        await store.append(journal_of("2026-apple"))
        await store.append(journal_of("2026-pear"))
        assert await store.find("2026-a") == "2026-apple"

    async def test_a_whole_id_fits_even_where_it_begins_another(self, store):
        await store.append(journal_of("r1"))
        await store.append(journal_of("r10"))
        assert await store.find("r1") == "r1"

    async def test_an_ambiguous_beginning_names_its_candidates(self, store):
        await store.append(journal_of("r11"))
        await store.append(journal_of("r12"))
        with pytest.raises(JournalError) as refused:
            await store.find("r1")
        assert {"r11", "r12"} <= set(refused.value.message.replace(",", "").strip(".").split())

    @pytest.mark.parametrize("text", ["r2", "%", "_1"])
    async def test_an_unknown_beginning_is_refused(self, store, text):
        await store.append(journal_of("r1"))
        with pytest.raises(JournalError):
            await store.find(text)

    async def test_a_run_is_worked_on_by_one_at_a_time(self, store):
        with (
            store.run_lock("r1"),
            store.run_lock("r2"),
            pytest.raises(RunConflict, match="Run r1 is being worked on"),
            store.run_lock("r1"),
        ):
            pytest.fail("The lock was given twice.")
        with store.run_lock("r1"):
            pass

    async def test_a_lock_is_free_after_an_error(self, store):
        with pytest.raises(ValueError, match="inside"), store.run_lock("r1"):
            raise ValueError("inside")
        with store.run_lock("r1"):
            pass


class BlobStoreContract:
    """The promises of `orchestrator.ports.store.BlobStore`; give a `blobs` fixture."""

    @pytest.mark.parametrize("data", [b"", b"text", bytes(range(256)) * 100])
    def test_what_was_put_is_got(self, blobs, data):
        assert blobs.get(blobs.put(data)) == data

    def test_the_digest_is_the_sha256_of_the_bytes(self, blobs):
        expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert blobs.put(b"abc") == expected

    def test_putting_twice_is_putting_once(self, blobs):
        assert blobs.put(b"same") == blobs.put(b"same")
        assert blobs.get(blobs.put(b"same")) == b"same"

    @pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", ""])
    def test_a_digest_without_bytes_is_refused(self, blobs, digest):
        with pytest.raises(JournalError):
            blobs.get(digest)
