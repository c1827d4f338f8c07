"""The hash chain: any single change to a stored journal is found."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.events import Entry, ReplanAsked, RunEnded
from orchestrator.core.fingerprints import canonical_json
from orchestrator.journal.chain import seal, verify

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def chained(count, run_id="r1"):
    sealed = []
    for seq in range(1, count + 1):
        event = ReplanAsked(reason=f"reason {seq} ü")
        entry = Entry(run_id=run_id, seq=seq, at=AT + timedelta(seconds=seq), event=event)
        sealed.append(seal(entry, sealed[-1].hash if sealed else ""))
    return sealed


def tail_of(entries):
    return (entries[-1].seq, entries[-1].hash) if entries else (0, "")


JOURNALS = st.integers(1, 6).map(chained)


def test_the_hash_is_the_sha256_of_the_hash_before_and_the_canonical_rest():
    _, second = chained(2)
    rest = second.model_dump(mode="json", exclude={"hash"}, exclude_defaults=True)
    row = canonical_json([second.event.type, rest])
    assert second.hash == hashlib.sha256((second.prev + row).encode()).hexdigest()


def test_a_field_that_a_later_version_adds_does_not_break_an_old_journal():
    (entry,) = chained(1)
    stored = entry.model_dump(mode="json")
    del stored["seconds"]
    assert verify([Entry.model_validate(stored)]) == []


@given(st.integers(0, 6).map(chained))
def test_an_untouched_journal_is_trusted(entries):
    assert verify(entries, tail_of(entries)) == []
    assert verify(entries) == []


@given(JOURNALS)
def test_a_journal_read_back_from_its_text_is_trusted(entries):
    read = [Entry.model_validate_json(entry.model_dump_json()) for entry in entries]
    assert verify(read, tail_of(entries)) == []


CHANGES = (
    {"run_id": "r2"},
    {"seq": 99},
    {"at": AT - timedelta(days=1)},
    {"seconds": 7.5},
    {"event": RunEnded(status="completed")},
    {"event": ReplanAsked(reason="another")},
    {"prev": "0" * 64},
    {"hash": "0" * 64},
)


@given(JOURNALS, st.sampled_from(CHANGES), st.booleans(), st.data())
def test_any_edit_is_found_even_when_its_own_hash_is_made_to_fit(entries, change, fit, data):
    at = data.draw(st.integers(0, len(entries) - 1))
    tail = tail_of(entries)
    edited = entries[at].model_copy(update=change)
    if fit and "hash" not in change:
        edited = seal(edited, edited.prev)
    assert verify([*entries[:at], edited, *entries[at + 1 :]], tail)


@given(JOURNALS, st.data())
def test_any_missing_entry_is_found(entries, data):
    at = data.draw(st.integers(0, len(entries) - 1))
    assert verify(entries[:at] + entries[at + 1 :], tail_of(entries))


@given(st.integers(2, 6).map(chained), st.data())
def test_any_change_of_order_is_found(entries, data):
    one, other = data.draw(
        st.lists(st.integers(0, len(entries) - 1), min_size=2, max_size=2, unique=True)
    )
    swapped = list(entries)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert verify(swapped, tail_of(entries))


@given(st.integers(1, 6).map(chained), st.data())
def test_a_cut_end_is_found_with_the_tail_and_only_with_it(entries, data):
    kept = entries[: data.draw(st.integers(0, len(entries) - 1))]
    assert verify(kept, tail_of(entries))
    assert verify(kept) == []


@given(JOURNALS, st.data())
def test_an_entry_put_in_twice_is_found(entries, data):
    at = data.draw(st.integers(0, len(entries) - 1))
    assert verify([*entries[: at + 1], entries[at], *entries[at + 1 :]], tail_of(entries))


def test_an_entry_of_another_run_is_found_however_well_it_fits():
    first, _ = chained(2)
    foreign = seal(chained(2, "r2")[1], first.hash)
    assert verify([first, foreign]) == ["Entry 2 belongs to run r2, not r1."]


def test_each_problem_says_where_it_is():
    entries = chained(3)
    edited = entries[1].model_copy(update={"seconds": 9.0})
    assert verify([entries[0], edited, entries[2]]) == [
        "Entry 2 was changed: its hash does not fit its content."
    ]
    missing = verify([entries[0], entries[2]], tail_of(entries))
    assert missing[0] == "Entry 2 is missing or out of order: 3 is in its place."


def test_any_changed_byte_of_a_thousand_entries_is_found():
    """Every byte once would take minutes: one byte of each entry, another place in each."""
    entries = chained(1000)
    for at, entry in enumerate(entries):
        text = bytearray(entry.model_dump_json().encode())
        text[at * 7 % len(text)] ^= 1
        assert _is_found(entries[max(at - 1, 0) : at], bytes(text), entry)


def _is_found(before, text, entry):
    try:
        changed = Entry.model_validate_json(text)
    except ValueError:
        return True
    if changed == entry:
        pytest.fail("The change was none.")
    problems = verify([*before, changed], tail_of([entry]))
    return any(f"Entry {changed.seq} was changed" in problem for problem in problems)
