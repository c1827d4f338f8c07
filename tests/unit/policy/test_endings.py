"""A step ends without a call when it is not needed, lacks its source, or goes back to the plan."""

import pytest

from orchestrator.core.events import ReplanAsked, StepClosed
from orchestrator.core.runs import Budget, StepState
from orchestrator.policy.conditions import parse_facts
from orchestrator.policy.endings import ended_by_sources, new_plan_or_failure, nothing_to_go_over
from tests.fakes.states import REQUEST, plan_step, settle, state

LISTS = plan_step("s1")
ROWS = {"rows": [{"name": "a"}, {"name": "b"}]}


def after(only_if, source, step=None, **fields):
    """How a step with that condition ends, and the state it is judged in."""
    needs = step or plan_step("s2", only_if=parse_facts(only_if))
    run = state(source, needs, **fields)
    return ended_by_sources(run, run.steps[1])


def closed_source(status, why="", note=""):
    return StepState(step=LISTS, status=status, why=why, note=note)


def test_a_step_without_sources_goes_on():
    assert after("", LISTS) is None


def test_what_was_found_decides():
    run = settle(
        state(LISTS, plan_step("s2", only_if=parse_facts("s1.count > 1"))), "x.y", data=ROWS
    )
    assert ended_by_sources(run, run.steps[1]) is None
    run = settle(
        state(LISTS, plan_step("s2", only_if=parse_facts("s1.count > 2"))), "x.y", data=ROWS
    )
    ended = ended_by_sources(run, run.steps[1])
    assert (ended.status, ended.why) == ("skipped", "condition")
    assert ended.note == "It was not needed: s1.count > 2 does not hold."


@pytest.mark.parametrize(
    ("status", "why", "ends"),
    [
        ("failed", "", ("failed", "")),
        ("skipped", "condition", ("skipped", "condition")),
        ("skipped", "no_items", None),
    ],
)
def test_a_source_of_a_condition_that_came_to_nothing(status, why, ends):
    ended = after("s1.count is 0", closed_source(status, why))
    assert (ended and (ended.status, ended.why)) == ends


@pytest.mark.parametrize("why", ["condition", "no_items"])
def test_what_goes_over_a_skipped_step_is_skipped_for_the_same_reason(why):
    source = closed_source("skipped", why, "So it was.")
    ended = after("", source, plan_step("s2", over="s1"))
    assert (ended.status, ended.why) == ("skipped", why)
    assert ended.note == "s1, which it goes over, was skipped. So it was."


def test_a_source_that_the_plan_does_not_have_found_nothing():
    ended = after("s9.count > 0", LISTS)
    assert (ended.status, ended.why) == ("skipped", "condition")
    assert after("s9.count is 0", LISTS) is None


def test_a_step_goes_back_to_the_plan_while_one_is_left():
    run = state(LISTS)
    assert new_plan_or_failure(run, run.steps[0], "why") == ReplanAsked(reason="why")
    failed = StepClosed(step="s1", status="failed", note="why")
    spent = run.model_copy(update={"replans": Budget().replans})
    assert new_plan_or_failure(spent, run.steps[0], "why") == failed
    assert new_plan_or_failure(state(LISTS, request=None), run.steps[0], "why") == failed


def test_no_items_are_an_answer():
    run = state(LISTS, plan_step("s2", over="s1"))
    ended = nothing_to_go_over(run, run.steps[1], 0)
    assert (ended.status, ended.why, ended.note) == (
        "skipped",
        "no_items",
        "Nothing to do: s1 has no items.",
    )


def test_a_condition_that_fits_none_is_worth_one_new_plan():
    run = state(LISTS, plan_step("s2", over="s1"))
    assert isinstance(nothing_to_go_over(run, run.steps[1], 3), ReplanAsked)
    budget = REQUEST.model_copy(update={"budget": Budget(replans=0)})
    for again in ({"replans": 1}, {"request": None}, {"request": budget}):
        ended = nothing_to_go_over(run.model_copy(update=again), run.steps[1], 3)
        assert ended.status == "failed"


def test_finding_nothing_is_no_failure_where_the_plan_asks_for_it():
    asks = plan_step("s3", only_if=parse_facts("s2.count is 0"))
    run = state(LISTS, plan_step("s2", over="s1"), asks)
    ended = nothing_to_go_over(run, run.steps[1], 3)
    assert (ended.status, ended.why) == ("skipped", "no_items")
