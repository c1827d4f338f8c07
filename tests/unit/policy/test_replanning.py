"""A new plan is a change of the old one: what is done stays and is not done again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import Plan
from orchestrator.core.runs import StepState
from orchestrator.policy.replanning import (
    changed,
    first_free,
    given_up,
    remaining_steps,
    repeated_writes,
    with_what_is_left,
)
from tests.fakes.states import close, plan_step, settle, state

SENDS = plan_step("s2", "email", "s1", "send a mail to each of the people")


def run_that_sent(**fields):
    run = state(plan_step("s1"), SENDS, plan_step("s3", intent="tidy"))
    return close(settle(run, "email.send", step="s2", effect="egress", **fields), "s2")


def new(*steps, run):
    kept = [s.step for s in run.steps if s.status == "done"]
    return repeated_writes(Plan(steps=(*kept, *steps)), run)


def test_what_is_open_or_failed_remains():
    kinds = ("open", "done", "failed", "skipped")
    states = [StepState(step=plan_step(f"s{n}"), status=kind) for n, kind in enumerate(kinds, 1)]
    assert [step.id for step in remaining_steps(states)] == ["s1", "s3"]


def test_new_ids_begin_after_the_last_that_is_kept():
    assert first_free([]) == "s1"
    assert first_free([plan_step("s1"), plan_step("s10")]) == "s11"


def test_a_change_names_what_fell_out_and_what_came():
    before = [plan_step("s1"), plan_step("s2", intent="old"), plan_step("s3", intent="same")]
    after = [plan_step("s1"), plan_step("s2", intent="same"), plan_step("s3", intent="new")]
    assert changed(before, after) == (["s2"], ["s3"])


@pytest.mark.parametrize(
    "intent",
    ["send a mail to each of the people", "Send the mail to every people", "send mails to people"],
)
def test_a_write_that_is_done_is_not_planned_again(intent):
    again = SENDS.model_copy(update={"id": "s4", "intent": intent})
    assert new(again, run=run_that_sent()) == ["s4 repeats s2, which is done: leave it out."]


@pytest.mark.parametrize(
    "change",
    [
        {"intent": "send a letter to each of the people"},
        {"intent": "send a mail to Ana"},
        {"over": "s2"},
        {"namespace": "chat"},
        {"take": 3},
    ],
)
def test_another_act_may_be_planned(change):
    other = SENDS.model_copy(update={"id": "s4", **change})
    assert new(other, run=run_that_sent()) == []


def test_what_only_read_may_be_read_again():
    run = close(settle(state(plan_step("s1"), SENDS), "email.list", step="s2"), "s2")
    assert new(SENDS.model_copy(update={"id": "s4"}), run=run) == []


def test_a_write_that_failed_may_be_planned_again():
    assert new(SENDS.model_copy(update={"id": "s4"}), run=run_that_sent(error="no")) == []


PLANS = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, max_size=4).map(
    lambda intents: [plan_step(f"s{n}", intent=i) for n, i in enumerate(intents, 1)]
)


@given(PLANS, PLANS)
def test_a_change_leads_from_one_plan_to_the_other(before, after):
    dropped, added = changed(before, after)
    left = {step.intent for step in before if step.id not in dropped}
    assert left | {step.intent for step in after if step.id in added} == {
        step.intent for step in after
    }
    assert changed(after, after) == ([], [])


@pytest.mark.parametrize(
    ("failures", "intent", "ended"), [(3, "scan it", ["s1"]), (2, "scan it", []), (3, "look", [])]
)
def test_a_step_that_failed_is_not_carried_out_again_as_it_was(failures, intent, ended):
    old = plan_step("s1", "ocr", intent="scan it")
    failed = StepState(step=old, failures=failures)
    before = state(old).model_copy(update={"steps": (failed,), "replan_reason": "s1 failed."})
    made = Plan(steps=(old.model_copy(update={"intent": intent}),))
    found = given_up(before, made)
    assert [(close.step, close.status, close.note) for close in found] == [
        (step, "failed", "s1 failed.") for step in ended
    ]


JOINS = plan_step("s2", "document", "s1", intent="join them into one file")


def failed_join():
    return close(state(plan_step("s1"), JOINS), "s1")


def test_a_change_that_is_no_longer_planned_is_not_done_by_that():
    before = failed_join()
    made = Plan(steps=(plan_step("s1"), plan_step("s3", intent="check the paths")))
    found = with_what_is_left(before, made).steps
    assert [(s.id, s.intent, s.over) for s in found[2:]] == [("s2", JOINS.intent, "s1")]


def test_over_other_things_it_would_be_another_change_and_is_given_up():
    before = state(plan_step("s1", intent="list the old"), JOINS)
    made = Plan(steps=(plan_step("s1", intent="list everything"),))
    found = with_what_is_left(before, made)
    assert [(s.id, s.over, s.where) for s in found.steps[1:]] == [("s2", "", ())]
    assert [close_.step for close_ in given_up(before, found)] == ["s2"]


def test_a_change_that_has_no_place_left_is_an_objection():
    before = failed_join()
    others = [plan_step(f"s{n}", intent=f"look {n}") for n in range(2, 13)]
    with pytest.raises(InvalidPlan, match="leaves out a change: join"):
        with_what_is_left(before, Plan(steps=(plan_step("s1"), *others)))


@pytest.mark.parametrize("intent", ["join the files", "copy them instead"])
def test_another_way_to_change_it_is_taken(intent):
    made = Plan(steps=(plan_step("s1"), plan_step("s3", intent=intent)))
    assert with_what_is_left(failed_join(), made) == made


def test_what_was_only_to_be_looked_at_may_be_left_out():
    before = close(state(plan_step("s1"), plan_step("s2", intent="read them")), "s1")
    made = Plan(steps=(plan_step("s1"), plan_step("s3", intent="check the paths")))
    assert with_what_is_left(before, made) == made
