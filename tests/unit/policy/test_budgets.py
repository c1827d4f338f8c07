"""A limit that is reached is named; one that is not is silent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.chat import Usage
from orchestrator.core.runs import Budget, RunRequest, RunState
from orchestrator.policy.budgets import executed, objection, spent
from tests.fakes.states import REQUEST, settle, state


def within(**limits):
    return RunRequest(goal="g", budget=Budget(**limits))


@pytest.mark.parametrize(
    ("limits", "used", "words"),
    [
        ({"turns": 2}, {"turns": 2}, "2 turns is used up (2)"),
        ({"model_calls": 5}, {"model_calls": 6}, "5 model calls is used up (6)"),
        ({"seconds": 1.5}, {"seconds": 1.5}, "1.5 seconds is used up (1.5)"),
        ({"prompt_tokens": 10}, {"usage": Usage(prompt=10)}, "10 prompt tokens is used up"),
        ({"generated_tokens": 3}, {"usage": Usage(generated=4)}, "3 generated tokens is used up"),
        ({"replans": 1}, {"replans": 2}, "1 replans is used up (2)"),
    ],
)
def test_a_limit_that_is_reached_is_named(limits, used, words):
    assert words in objection(RunState(request=within(**limits), **used))


@pytest.mark.parametrize(
    ("limits", "used"),
    [
        ({"turns": 2}, {"turns": 1}),
        ({"seconds": 1.5}, {"seconds": 1.4}),
        ({"replans": 0}, {"replans": 0}),
        ({"replans": 1}, {"replans": 1}),
        ({"tool_calls": 1}, {}),
    ],
)
def test_what_is_left_may_be_used(limits, used):
    assert objection(RunState(request=within(**limits), **used)) == ""


def test_tool_calls_that_would_pass_the_limit_are_refused_beforehand():
    run = settle(state(request=within(tool_calls=3)), "a.b", {"n": 1})
    assert objection(run, calls=2) == ""
    assert "3 tool calls" in objection(run, calls=3)


def test_an_answer_out_of_the_cache_costs_no_call():
    run = settle(settle(state(), "a.b"), "a.b", reused=True)
    assert executed(run) == 1
    assert spent(run)["tool_calls"] == (1, REQUEST.budget.tool_calls)


def test_a_run_without_a_request_has_no_limits():
    assert spent(RunState()) == {}
    assert objection(RunState(turns=10**6)) == ""


def test_every_field_of_the_budget_is_watched():
    assert set(spent(state())) == set(Budget.model_fields)


@settings(max_examples=40)
@given(st.integers(1, 50), st.integers(0, 60))
def test_turns_are_refused_from_the_limit_on(allowed, used):
    run = RunState(request=within(turns=allowed), turns=used)
    assert bool(objection(run)) == (used >= allowed)
