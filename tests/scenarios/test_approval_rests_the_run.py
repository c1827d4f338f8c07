"""A write is asked for: the run rests in its journal, and goes on with the person's word."""

import pytest

from orchestrator.core.events import ApprovalAsked, ApprovalGiven, CallIntended, RunResumed
from orchestrator.policy.permissions import DEFAULT_RULES, Rule
from tests.fakes.office import (
    LIST,
    READ,
    RENAME,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

SENDS = plan(step("s1", "send the report to Ana", "mail"))
SENT = act("mail.send", to="ana@example.org")


async def at_rest():
    office = Office(images=screenshots())
    orchestrator = office.orchestrator(screenshot_script())
    return office, await entries_of(orchestrator.stream(office.request(approve="ask")))


def with_mail(sent):
    def send(to):
        sent.append(to)
        return {"sent_to": to}

    mail = tool("mail.send", "Send a mail.", send, effect="egress", to="string")
    return Office(more=[mail])


async def test_the_run_rests_before_the_write_and_nothing_is_changed():
    office, entries = await at_rest()
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("waiting_approval", "needs_input")
    assert RENAME in ended.error
    assert office.desk.called(RENAME) == []
    assert len(office.desk.called(READ)) == 3


async def test_the_question_is_about_exactly_one_proposal():
    _, entries = await at_rest()
    [asked] = events(entries, ApprovalAsked)
    assert asked.approval.proposal.startswith("p")
    assert len(asked.approval.digest) == 64
    assert asked.approval.granted is None


@pytest.mark.parametrize("word", [{"granted": True}, {"approve": "yes"}])
async def test_a_yes_carries_it_out_without_asking_any_model_again(word):
    office, entries = await at_rest()
    again = office.orchestrator([])
    more = await entries_of(again.resume(entries[0].run_id, **word))
    assert more[-1].event.status == "completed"
    assert office.planner.requests == []
    assert len(office.desk.called(RENAME)) == 3
    assert [e.granted for e in events(more, ApprovalGiven)] == [True]


@pytest.mark.parametrize("word", [{"granted": False}, {"approve": "no"}])
async def test_a_no_is_never_executed(word):
    office, entries = await at_rest()
    again = office.orchestrator([act(RENAME)[0], screenshot_script()[-1]] * 3)
    more = await entries_of(again.resume(entries[0].run_id, **word))
    assert next(e.granted for e in events(more, ApprovalGiven)) is False
    assert office.desk.called(RENAME) == []
    assert "a person refused" in office.planner.requests[0].messages[-1].content


async def test_without_a_word_it_asks_again():
    office, entries = await at_rest()
    more = await entries_of(office.orchestrator([]).resume(entries[0].run_id))
    assert isinstance(more[0].event, RunResumed)
    assert more[-1].event.status == "waiting_approval"
    assert office.desk.called(RENAME) == []


async def test_one_yes_answers_one_question_only():
    office, entries = await at_rest()
    run_id = entries[0].run_id
    once = await entries_of(office.orchestrator([]).resume(run_id, granted=True))
    assert len(events(once, ApprovalGiven)) == 1
    result = await office.orchestrator([]).result(run_id)
    assert result.state.approval is None


async def test_a_standing_yes_does_not_cover_what_leaves_the_machine():
    sent = []
    office = with_mail(sent)
    orchestrator = office.orchestrator([SENDS, *SENT])
    entries = await entries_of(orchestrator.stream(office.request(approve="yes")))
    assert entries[-1].event.status == "waiting_approval"
    assert not events(entries, CallIntended, ApprovalGiven)
    assert sent == []


async def test_a_standing_yes_at_a_resume_does_not_cover_it_either():
    sent = []
    office = with_mail(sent)
    entries = await entries_of(
        office.orchestrator([SENDS, *SENT]).stream(office.request(approve="ask"))
    )
    again = office.orchestrator([])
    more = await entries_of(again.resume(entries[0].run_id, approve="yes"))
    assert more[-1].event.status == "waiting_approval"
    assert sent == []


async def test_a_persons_own_yes_does_cover_it():
    sent = []
    office = with_mail(sent)
    entries = await entries_of(
        office.orchestrator([SENDS, *SENT]).stream(office.request(approve="ask"))
    )
    more = await entries_of(office.orchestrator([]).resume(entries[0].run_id, granted=True))
    assert sent == ["ana@example.org"]
    assert more[-1].event.status == "completed"


async def test_a_rule_of_the_operator_lets_a_tool_run_without_asking():
    office = Office(images=screenshots())
    rules = (Rule(tool="filesystem.rename_*", decision="allow"), *DEFAULT_RULES)
    orchestrator = office.orchestrator(screenshot_script(), rules=rules)
    entries = await entries_of(orchestrator.stream(office.request(approve="ask")))
    assert not events(entries, ApprovalAsked)
    assert entries[-1].event.status == "completed"


async def test_a_tool_that_the_rules_deny_is_hidden_and_never_called():
    office = Office(images=screenshots())
    rules = (Rule(tool=LIST, decision="deny"), *DEFAULT_RULES)
    script = [
        plan(step("s1", "list the files on the Desktop", "filesystem")),
        *act(LIST, path="$folder.Desktop"),
        *act("filesystem.search_files", path="$folder.Desktop", pattern="*"),
    ]
    entries = await entries_of(office.orchestrator(script, rules=rules).stream(office.request()))
    assert office.desk.called(LIST) == []
    assert LIST not in office.planner.requests[3].constraint.options
    assert entries[-1].event.status == "completed"
