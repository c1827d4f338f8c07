"""What the fold keeps of a settled call, so that the loop breaker need not look it up."""

import pytest

from orchestrator.core.events import CallProposed, CallSettled, PlanMade
from orchestrator.core.fingerprints import call_fingerprint, call_likeness
from orchestrator.core.plans import Plan
from orchestrator.core.tools import ToolOutcome
from orchestrator.journal.fold import fold
from tests.fakes.states import plan_step, proposal, state

ARGUMENTS = ({"about": "Tax"}, {"about": " rent "})


def settled(call_id, *, proposed=True, replans=0):
    run = state(plan_step())
    for _ in range(replans):
        run = fold(run, PlanMade(plan=Plan(steps=(plan_step(),))))
    if proposed:
        run = fold(run, CallProposed(proposal=proposal("a.look", *ARGUMENTS)))
    event = CallSettled(
        id=call_id,
        step="s1",
        parent=-1,
        tool="a.look",
        fingerprint=call_fingerprint("a.look", ARGUMENTS[1]),
        outcome=ToolOutcome(ok=True, data={"said": 1}),
    )
    return fold(run, event).settled[-1]


def test_it_is_like_the_proposed_call_of_its_place():
    assert settled("p1.1").likeness == call_likeness("a.look", {"about": "RENT"})


@pytest.mark.parametrize("call_id", ["p2.1", "p1.2", "p1", "p1.x", "1"])
def test_a_call_that_was_not_proposed_is_like_no_other(call_id):
    assert settled(call_id).likeness == ""


def test_without_a_proposal_it_is_like_no_other():
    assert settled("p1.1", proposed=False).likeness == ""


@pytest.mark.parametrize("replans", [0, 1, 2])
def test_it_knows_how_many_plans_were_replaced_before_it(replans):
    assert settled("p1.0", replans=replans).plan == replans
