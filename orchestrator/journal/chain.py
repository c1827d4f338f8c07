"""The hash chain: what makes a journal's past impossible to change unnoticed.

Every entry's hash covers the hash before it, so an edit, a deletion or a changed order breaks
the chain where it happened. Cutting entries off the end breaks nothing in what is left: it is
found by comparing with the run's tail, which the store keeps apart from the entries.
"""

import hashlib
from collections.abc import Sequence

from orchestrator.core.events import Entry
from orchestrator.core.fingerprints import canonical_json

Tail = tuple[int, str]
"""Sequence number and hash of a run's newest entry."""


def seal(entry: Entry, prev_hash: str) -> Entry:
    """Bind an entry to the one before it; the first one of a run follows the empty hash."""
    bound = entry.model_copy(update={"prev": prev_hash})
    return bound.model_copy(update={"hash": entry_hash(bound)})


def entry_hash(entry: Entry) -> str:
    """Compute what an entry's hash has to be, as hex.

    A field at its default does not count, so that a journal stays valid when a later version
    gives an event a new field; the event's type is named apart, because it is one.
    """
    said = entry.model_dump(mode="json", exclude={"hash"}, exclude_defaults=True)
    row = canonical_json([entry.event.type, said])
    return hashlib.sha256((entry.prev + row).encode()).hexdigest()


def verify(entries: Sequence[Entry], tail: Tail | None = None) -> list[str]:
    """Name everything that is wrong with a run's stored entries; an empty list means trust.

    Args:
        entries: The entries as stored, in the store's order.
        tail: What the store says the newest entry is; without it a cut end goes unnoticed.
    """
    problems: list[str] = []
    before: Entry | None = None
    for entry in entries:
        problems += _own_problems(entry) + _link_problems(entry, before)
        before = entry
    return problems + _tail_problems(before, tail)


def _own_problems(entry: Entry) -> list[str]:
    if entry.hash == entry_hash(entry):
        return []
    return [f"Entry {entry.seq} was changed: its hash does not fit its content."]


def _link_problems(entry: Entry, before: Entry | None) -> list[str]:
    run_id, seq, prev = (
        (before.run_id, before.seq, before.hash) if before else (entry.run_id, 0, "")
    )
    problems = []
    if entry.run_id != run_id:
        problems.append(f"Entry {entry.seq} belongs to run {entry.run_id}, not {run_id}.")
    if entry.seq != seq + 1:
        problems.append(f"Entry {seq + 1} is missing or out of order: {entry.seq} is in its place.")
    if entry.prev != prev:
        problems.append(f"Entry {entry.seq} does not follow the entry before it.")
    return problems


def _tail_problems(last: Entry | None, tail: Tail | None) -> list[str]:
    found = (last.seq, last.hash) if last else (0, "")
    if tail is None or found == tail:
        return []
    return [f"The journal ends with entry {found[0]}, but the run's head says {tail[0]}."]
