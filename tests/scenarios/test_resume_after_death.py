"""The process dies at any append to the journal; another one takes the run up and ends it.

Death comes before an append is durable or right after it, at every append there is. An effect
that carries an idempotency key happens once; one that does not is never repeated unasked.
"""

import collections
import dataclasses
import itertools

import pytest

from orchestrator.core.events import ApprovalAsked, CallIntended
from tests.fakes.office import (
    DESKTOP,
    LIST,
    RENAME,
    Office,
    SteadyPlanner,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)
from tests.fakes.stores import MemoryStore
from tests.fakes.tools import InMemoryToolset, filesystem, tool

pytestmark = pytest.mark.anyio

RENAMED = ["error-disk-full-1002", "flight-lisbon-boarding-1001"]
ARCHIVE = "archive.add_file"
ARCHIVING = plan(
    step("s1", "list the files on the Desktop", "filesystem"),
    step("s2", "add each file to the archive", "archive", "s1"),
)
ARCHIVING_ACTS = {
    "s1": (LIST, {"path": "$folder.Desktop"}),
    "s2": (ARCHIVE, {"path": "$s1.path"}),
}


class Death(Exception):
    """What ends a process here: nothing handles it."""


class MortalStore(MemoryStore):
    """A store whose process dies at the nth append, before or after it is durable."""

    def __init__(self, lives=10_000, *, durable=False):
        super().__init__()
        self.lives, self._durable = lives, durable
        self.batches = []

    async def append(self, entries):
        self.lives -= 1
        self.batches.append([type(entry.event) for entry in entries])
        if self.lives > 0:
            return await super().append(entries)
        if self.lives == 0 and self._durable:
            await super().append(entries)
        raise Death

    def revive(self):
        self.lives = 10_000


class KeyedToolset(InMemoryToolset):
    """Tools that carry out a call with the same key once, as an idempotent server does."""

    def __init__(self, tools):
        super().__init__(tools)
        self._known = {}

    async def call(self, call):
        if call.key not in self._known:
            self._known[call.key] = await super().call(call)
        return self._known[call.key]


def idempotent(toolset):
    pairs = toolset._tools.values()
    made = [(spec.model_copy(update={"idempotent": True}), answer) for spec, answer in pairs]
    return KeyedToolset(made)


def office_with(lives, *, durable):
    return Office(images=screenshots(2), store=MortalStore(lives, durable=durable))


def archive_with(lives, *, durable):
    """An office with a short job whose effect carries no key."""
    store = MortalStore(lives, durable=durable)
    return Office(images=screenshots(2), more=[archive()], store=store)


def archive():
    def add(path):
        return {"archived": path}

    return tool(ARCHIVE, "Add a file to the archive.", add, effect="local_write", path="string")


def archivist():
    return itertools.repeat(SteadyPlanner(ARCHIVING, ARCHIVING_ACTS))


async def until_death(office, planner=None):
    with pytest.raises(Death):
        await entries_of(office.orchestrator(planner).stream(office.request(), run_id="mortal"))
    office.store.revive()


def effects(office, tool_id=RENAME):
    """How often a file was changed, whatever came of it."""
    return collections.Counter(call["path"] for call in office.desk.called(tool_id))


async def deaths(office, planner=None):
    """Every append of a whole run, and those that make an intent durable once more.

    To die right after an append that holds no intent is to die before the next one.
    """
    await entries_of(office.orchestrator(planner).stream(office.request()))
    batches = office.store.batches
    intents = [n for n, batch in enumerate(batches, 1) if CallIntended in batch]
    return [(n, False) for n in range(2, len(batches) + 1)] + [(n, True) for n in intents]


async def test_effects_with_a_key_happen_once_wherever_it_dies():
    for lives, durable in await deaths(office_with(10_000, durable=False)):
        office = office_with(lives, durable=durable)
        office.desk = idempotent(office.desk)
        await until_death(office)
        more = await entries_of(office.orchestrator().resume("mortal", approve="yes"))
        where = f"death at append {lives}, durable: {durable}"
        assert more[-1].event.status == "completed", where
        assert office.names == RENAMED, where
        assert set(effects(office).values()) == {1}, where


async def test_effects_without_a_key_are_never_repeated_unasked():
    asked = 0
    for lives, durable in await deaths(archive_with(10_000, durable=False), archivist()):
        office = archive_with(lives, durable=durable)
        await until_death(office, archivist())
        again = office.orchestrator(archivist())
        more = await entries_of(again.resume("mortal", approve="yes"))
        where = f"death at append {lives}, durable: {durable}"
        done = effects(office, ARCHIVE)
        assert set(done.values()) <= {1}, where
        if more[-1].event.status == "waiting_approval":
            assert "nobody knows" in more[-1].event.error, where
            asked += 1
        else:
            assert more[-1].event.status == "completed", where
            assert len(done) == 2, where
    assert asked >= 2


async def test_a_death_before_the_first_entry_leaves_no_run():
    office = office_with(1, durable=False)
    await until_death(office)
    assert office.store.rows == {}
    assert office.desk.calls == []


async def dead_between_intent_and_outcome():
    """Dead when the first rename's intent is durable and nothing is known of its outcome."""
    last = [n for n, durable in await deaths(office_with(10_000, durable=False)) if durable][-1]
    office = office_with(last, durable=True)
    await until_death(office)
    intended = office.store.rows["mortal"][-1].event
    assert (intended.type, intended.call.tool) == ("call_intended", RENAME)
    return office


async def test_an_unknown_outcome_is_put_to_a_person_even_with_a_standing_yes():
    office = await dead_between_intent_and_outcome()
    more = await entries_of(office.orchestrator().resume("mortal", approve="yes"))
    assert more[-1].event.status == "waiting_approval"
    reasons = [event.approval.reason for event in events(more, ApprovalAsked)]
    assert RENAME in reasons[-1]
    assert office.desk.called(RENAME) == []


async def test_a_person_who_looked_lets_it_be_repeated_and_the_run_ends():
    office = await dead_between_intent_and_outcome()
    await entries_of(office.orchestrator().resume("mortal", approve="yes"))
    more = await entries_of(office.orchestrator().resume("mortal", approve="yes", granted=True))
    assert more[-1].event.status == "completed"
    assert office.names == RENAMED
    assert set(effects(office).values()) == {1}


async def test_a_resumed_run_goes_on_with_the_plan_it_had():
    office = office_with(8, durable=True)
    await until_death(office)
    before = len(office.planner.requests)
    more = await entries_of(office.orchestrator().resume("mortal", approve="yes"))
    assert before >= 1
    assert all(
        "Rename the screenshots" not in r.messages[-1].content for r in office.planner.requests
    )
    assert more[-1].event.status == "completed"


async def test_a_run_that_is_over_is_not_taken_up():
    office = Office(images=screenshots(1))
    entries = await entries_of(office.orchestrator().stream(office.request()))
    with pytest.raises(Exception, match="is over: completed"):
        await entries_of(office.orchestrator().resume(entries[0].run_id))


async def test_a_tool_that_changed_meanwhile_is_not_called():
    office = await dead_between_intent_and_outcome()
    changed = [
        (spec.model_copy(update={"description": "Something else."}), answer)
        for spec, answer in filesystem(office.files)
    ]
    office.desk = InMemoryToolset(changed)
    with pytest.raises(Exception, match="is not what it was"):
        await entries_of(office.orchestrator().resume("mortal"))
    assert office.desk.calls == []


async def dead_at_the_last_of_three():
    """Two of three files archived, one call begun, and nobody knows what came of it."""
    for lives in itertools.count(2):
        store = MortalStore(lives, durable=True)
        office = Office(images=screenshots(3), more=[archive()], store=store)
        orchestrator = office.orchestrator(archivist())
        orchestrator.parts = dataclasses.replace(orchestrator.parts, parallel_calls=1)
        with pytest.raises(Death):
            await entries_of(orchestrator.stream(office.request(), run_id="mortal"))
        store.revive()
        last = store.rows["mortal"][-1].event if store.rows else None
        if isinstance(last, CallIntended) and last.parent == 2:
            await entries_of(office.orchestrator(archivist()).resume("mortal", approve="yes"))
            return office
    return None


async def test_after_a_no_the_begun_call_is_not_made_under_a_standing_yes():
    office = await dead_at_the_last_of_three()
    again = office.orchestrator(archivist())
    await entries_of(again.resume("mortal", approve="yes", granted=False))
    assert f"{DESKTOP}/screenshot 3.png" not in effects(office, ARCHIVE)


async def test_after_a_no_what_was_done_is_not_done_again():
    office = await dead_at_the_last_of_three()
    again = office.orchestrator(archivist())
    await entries_of(again.resume("mortal", approve="yes", granted=False))
    assert set(effects(office, ARCHIVE).values()) == {1}
