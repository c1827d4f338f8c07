"""A person decides about exactly the calls they saw: grants, refuses, edits, or comes too late."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from orchestrator.core.errors import InvalidRequest, RunConflict, RunNotFound
from orchestrator.core.events import ApprovalAsked, ApprovalGiven, CallProposed
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.service.dispatch.dispatcher import Dispatcher
from tests.fakes.office import RENAME, Office, SteadyPlanner, act, events, screenshot_script
from tests.fakes.service import (
    LOOKING,
    LOOKS,
    MAILING,
    SEND,
    Gate,
    Sent,
    dispatching,
    followed,
    looking,
    renaming,
    status_of,
    with_locks,
)
from tests.fakes.stores import MemoryStore

pytestmark = pytest.mark.anyio


async def asking(office, dispatcher, **fields):
    """A run that rests on an approval, and what it asks."""
    run_id = await dispatcher.start(office.request(approve="ask", **fields))
    assert await status_of(dispatcher, run_id) == "waiting_approval"
    return run_id, (await dispatcher.state(run_id)).approval


async def test_a_grant_of_what_was_asked_carries_it_out():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    assert await status_of(dispatcher, run_id) == "completed"
    [given] = events(await followed(dispatcher, run_id), ApprovalGiven)
    assert (given.by, given.granted) == ("ana", True)
    assert len(office.desk.called(RENAME)) == 2


async def test_a_decision_is_durable_before_it_is_acknowledged():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    told = [entry.event.type for entry in office.store.rows[run_id][-2:]]
    assert told == ["approval_given", "run_resumed"]
    assert (await office.store.head(run_id)).status == "running"


@pytest.mark.parametrize("granted", [True, False])
async def test_a_word_on_other_calls_is_refused_and_changes_nothing(granted):
    office = renaming()
    dispatcher = dispatching(office)
    run_id, _ = await asking(office, dispatcher)
    before = len(office.store.rows[run_id])
    with pytest.raises(RunConflict, match="other calls"):
        await dispatcher.decide(run_id, digest="0" * 64, granted=granted, by="ana")
    assert len(office.store.rows[run_id]) == before
    assert office.desk.called(RENAME) == []
    assert dispatcher.load().waiting == dispatcher.load().running == 0


async def test_a_word_without_a_digest_is_refused():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, _ = await asking(office, dispatcher)
    with pytest.raises(InvalidRequest, match="digest"):
        await dispatcher.decide(run_id, digest="", granted=True, by="ana")


async def test_a_second_word_on_the_same_calls_is_refused():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    await status_of(dispatcher, run_id)
    with pytest.raises(RunConflict, match="is over: completed"):
        await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="bob")


async def test_of_two_words_at_once_one_counts():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    words = [
        dispatcher.decide(run_id, digest=asked.digest, granted=True, by=who)
        for who in ("ana", "bob", "eve")
    ]
    outcomes = await asyncio.gather(*words, return_exceptions=True)
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == [
        "NoneType",
        "RunConflict",
        "RunConflict",
    ]
    assert await status_of(dispatcher, run_id) == "completed"
    assert len(events(await followed(dispatcher, run_id), ApprovalGiven)) == 1
    assert len(office.desk.called(RENAME)) == 2


async def test_a_wrong_word_does_not_stand_in_the_way_of_the_right_one():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    wrong = dispatcher.decide(run_id, digest="0" * 64, granted=True, by="eve")
    right = dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    outcomes = await asyncio.gather(wrong, right, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["RunConflict", "NoneType"]
    assert await status_of(dispatcher, run_id) == "completed"


async def test_of_two_processes_one_takes_the_word():
    store = MemoryStore()
    office = renaming(store=store)
    first, second = dispatching(office), dispatching(office)
    for dispatcher in (first, second):
        with_locks(dispatcher._orchestrator, store)
    run_id, asked = await asking(office, first)
    with store.run_lock(run_id), pytest.raises(RunConflict, match="another process"):
        await second.decide(run_id, digest=asked.digest, granted=True, by="ana")
    await second.decide(run_id, digest=asked.digest, granted=True, by="ana")
    assert await status_of(second, run_id) == "completed"


async def test_a_word_on_a_run_that_asks_nothing_is_refused():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    await dispatcher.cancel(run_id)
    with pytest.raises(RunConflict, match="waits for no approval"):
        await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")


async def test_a_word_on_no_run_is_refused():
    with pytest.raises(RunNotFound, match="nobody"):
        await dispatching(renaming()).decide("nobody", digest="x", granted=True, by="ana")


async def test_a_resume_does_not_stand_for_the_word():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, _ = await asking(office, dispatcher)
    with pytest.raises(RunConflict, match="waiting approval"):
        await dispatcher.resume(run_id)


def mailing(**fields):
    sent = Sent()
    office = Office(more=[sent.tool], **fields)
    return office, sent, dispatching(office, MAILING, *act(SEND, to="ana@example.org"))


async def test_edited_calls_are_carried_out_in_place_of_the_ones_asked_about():
    office, sent, dispatcher = mailing()
    run_id, asked = await asking(office, dispatcher)
    edited = [{"to": "bob@example.org"}]
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana", edited=edited)
    assert await status_of(dispatcher, run_id) == "completed"
    assert sent.to == ["bob@example.org"]


async def test_edited_calls_are_a_new_proposal_that_counts_as_granted():
    office, _, dispatcher = mailing()
    run_id, asked = await asking(office, dispatcher)
    edited = [{"to": "bob@example.org"}]
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana", edited=edited)
    entries = await followed(dispatcher, run_id)
    first, second = events(entries, CallProposed)
    assert second.proposal.id != first.proposal.id
    assert second.proposal.calls[0].key != first.proposal.calls[0].key
    anew = events(entries, ApprovalAsked)[-1].approval
    [given] = events(entries, ApprovalGiven)
    assert anew.digest == given.digest != asked.digest
    assert (given.by, given.granted) == ("ana", True)


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        ([{"to": 7}], "does not fit the tool's schema"),
        ([{"to": "a@b", "cc": "c@d"}], "does not fit the tool's schema"),
        ([{}], "does not fit the tool's schema"),
        ([], "1 calls .* arguments for 0"),
        ([{"to": "a@b"}, {"to": "c@d"}], "1 calls .* arguments for 2"),
        ([{"to": "\ud800"}], "cannot be used: it holds a lone surrogate"),
    ],
)
async def test_edited_arguments_that_do_not_fit_are_refused_and_change_nothing(edited, why):
    office, sent, dispatcher = mailing()
    run_id, asked = await asking(office, dispatcher)
    before = len(office.store.rows[run_id])
    with pytest.raises(InvalidRequest, match=why):
        await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="a", edited=edited)
    assert len(office.store.rows[run_id]) == before
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    assert await status_of(dispatcher, run_id) == "completed"
    assert sent.to == ["ana@example.org"]


async def test_refused_calls_cannot_be_edited():
    office, _, dispatcher = mailing()
    run_id, asked = await asking(office, dispatcher)
    with pytest.raises(InvalidRequest, match="cannot be edited"):
        await dispatcher.decide(
            run_id, digest=asked.digest, granted=False, by="ana", edited=[{"to": "a@b"}]
        )


async def test_an_edit_of_a_whole_fan_out_keeps_each_call_with_its_item():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, asked = await asking(office, dispatcher)
    calls = (await dispatcher.state(run_id)).proposal.calls
    names = ["one", "two"]
    edited = [{**call.arguments, "new_name": name} for call, name in zip(calls, names, strict=True)]
    await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana", edited=edited)
    assert await status_of(dispatcher, run_id) == "completed"
    assert office.names == names


def no_mail_to_eve(view):
    if any(call.arguments.get("to") == "eve@example.org" for call in view.proposal.calls):
        return Verdict(kind="redirect", code="denied", reason="No mail to Eve.")
    return ALLOW


async def test_an_edit_that_a_guard_objects_to_is_refused():
    office, sent, dispatcher = mailing()
    orchestrator = dispatcher._orchestrator
    guards = (no_mail_to_eve, *orchestrator.parts.guards)
    orchestrator.parts = dataclasses.replace(orchestrator.parts, guards=guards)
    run_id, asked = await asking(office, dispatcher)
    edited = [{"to": "eve@example.org"}]
    with pytest.raises(RunConflict, match="not allowed: No mail to Eve"):
        await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana", edited=edited)
    assert sent.to == []


async def test_a_question_is_answered_and_the_run_goes_on():
    office = renaming()
    asks = {"question": "Which folder?"}
    dispatcher = dispatching(office, asks, asks, *screenshot_script())
    run_id = await dispatcher.start(office.request())
    assert await status_of(dispatcher, run_id) == "needs_input"
    with pytest.raises(InvalidRequest, match="empty"):
        await dispatcher.answer(run_id, " ")
    with pytest.raises(RunConflict, match="needs input"):
        await dispatcher.resume(run_id)
    await dispatcher.answer(run_id, "The Desktop.")
    assert await status_of(dispatcher, run_id) == "completed"
    with pytest.raises(RunConflict):
        await dispatcher.answer(run_id, "The Desktop.")


async def test_an_answer_that_nobody_asked_for_is_refused():
    office = renaming()
    dispatcher = dispatching(office)
    run_id, _ = await asking(office, dispatcher)
    with pytest.raises(RunConflict, match="asked no question"):
        await dispatcher.answer(run_id, "yes")


async def test_an_approval_that_expired_is_denied_by_the_next_sweep():
    office, sent, dispatcher = mailing(approval_s=3600.0)
    run_id, asked = await asking(office, dispatcher)
    assert asked.expires == office.clock.now() + timedelta(hours=1)
    assert await dispatcher.expire(office.clock.now()) == []
    office.clock.advance(3600)
    with pytest.raises(RunConflict, match="expired"):
        await dispatcher.decide(run_id, digest=asked.digest, granted=True, by="ana")
    assert await dispatcher.expire(office.clock.now()) == [run_id]
    entries = await followed(dispatcher, run_id)
    [given] = events(entries, ApprovalGiven)
    assert (given.by, given.granted) == ("expiry", False)
    assert sent.to == []


async def test_a_sweep_that_has_nothing_to_do_reads_nothing():
    office, _, dispatcher = mailing(approval_s=3600.0)
    await asking(office, dispatcher)
    now = office.clock.now()
    await dispatcher.expire(now)
    office.store.read = None
    assert await dispatcher.expire(now + timedelta(minutes=9)) == []


async def test_a_sweep_leaves_for_the_next_one_what_it_could_not_deny():
    store = MemoryStore()
    office, sent, dispatcher = mailing(approval_s=60.0, store=store)
    with_locks(dispatcher._orchestrator, store)
    run_id, _ = await asking(office, dispatcher)
    office.clock.advance(60)
    now = office.clock.now()
    with store.run_lock(run_id):
        assert await dispatcher.expire(now) == []
    full = Dispatcher(dispatcher._orchestrator, running=0, waiting=0)
    assert await full.expire(now) == []
    assert await dispatcher.expire(now) == [run_id]
    assert sent.to == []


async def test_calls_of_which_one_was_begun_cannot_be_edited():
    gate = Gate(effect="destructive")
    office = looking(gate)
    planner = [SteadyPlanner(LOOKING, LOOKS)] * 20
    dispatcher = dispatching(office, *planner)
    run_id = await dispatcher.start(office.request())
    await gate.calls(1)
    await dispatcher.drain(within_s=0)
    after = dispatching(office, *planner)
    await after.recover()
    assert await status_of(after, run_id) == "waiting_approval"
    asked = (await after.state(run_id)).approval
    with pytest.raises(RunConflict, match="no calls that could be edited"):
        await after.decide(run_id, digest=asked.digest, granted=True, by="ana", edited=[{}])
    gate.open()
    await after.decide(run_id, digest=asked.digest, granted=True, by="ana")
    assert await status_of(after, run_id) == "completed"
    assert gate.begun == 2
