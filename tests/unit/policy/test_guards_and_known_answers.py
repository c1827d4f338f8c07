"""What is answered from what is known needs no leave; what is left of it does."""

import pytest

from orchestrator.policy.guards import View, first_objection
from orchestrator.policy.permissions import DEFAULT_RULES
from tests.fakes.states import plan_step, proposal, settle, state

PUT = "a.put"


def judged(*arguments, tool=PUT, scope=frozenset({PUT})):
    before = settle(state(plan_step(namespace="a")), PUT, {"n": 1}, effect="local_write")
    wanted = proposal(tool, *arguments, effect="local_write")
    return first_objection(View(state=before, proposal=wanted, scope=scope, rules=DEFAULT_RULES))


def test_a_write_that_is_wholly_known_is_not_asked_about():
    verdict = judged({"n": 1})
    assert (verdict.kind, verdict.reuse) == ("allow", {0: "q0.0"})
    assert "Here is its result" in verdict.reason


def test_a_write_that_is_known_in_part_is_asked_about_and_keeps_what_is_known():
    verdict = judged({"n": 1}, {"n": 2})
    assert (verdict.kind, verdict.reuse) == ("ask", {0: "q0.0"})


@pytest.mark.parametrize("scope", [frozenset(), frozenset({"a.other"})])
def test_what_is_out_of_scope_is_refused_however_well_it_is_known(scope):
    verdict = judged({"n": 1}, scope=scope)
    assert (verdict.kind, verdict.code, verdict.reuse) == ("redirect", "unknown_tool", {})
