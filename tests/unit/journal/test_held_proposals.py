"""Which proposals are held, what is carried out together, and what follows from it."""

import pytest

from orchestrator.core.events import (
    CallProposed,
    CallSettled,
    DecisionFailed,
    PlanMade,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
    StepClosed,
    ToolsSearched,
    VerdictGiven,
)
from orchestrator.core.plans import Condition, Fact, Plan, PlanStep
from orchestrator.core.runs import Proposal, RunRequest, RunState
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.journal.fold import fold
from orchestrator.journal.next_node import next_node
from orchestrator.journal.together import can_be_held, current_step, may_join, together

STARTED = RunStarted(request=RunRequest(goal="look around"))
STOP = Verdict(kind="stop", code="budget_exceeded", reason="no more")
FACT = Fact(step="s1", condition=Condition(field="count", op=">", value="0"))
HOLDS = Condition(field="status", op="is", value="done")


def planned(number, **fields):
    fields = {"needs": (), **fields}
    return PlanStep(id=f"s{number}", intent=f"look at {number}", namespace="web", **fields)


def proposal(number, *, tool="web.look", effect="read", place=None):
    call = ToolCall(tool=tool, arguments={"place": place or f"place {number}"})
    return Proposal(
        id=f"p{number}",
        step=f"s{number}",
        tool=tool,
        expressions={},
        calls=(call,),
        parents=(-1,),
        effect=effect,
    )


def decided(number, *, held=False, verdict=ALLOW, **fields):
    made = proposal(number, **fields)
    given = VerdictGiven(proposal=made.id, verdict=verdict, held=held)
    return [CallProposed(proposal=made), given]


def settled(number):
    return CallSettled(
        id=f"p{number}.0",
        step=f"s{number}",
        parent=-1,
        tool="web.look",
        fingerprint=f"f{number}",
        outcome=ToolOutcome(ok=True, data={}),
    )


def state_after(*happened, steps=(1, 2, 3), **second):
    made = [planned(n, **(second if n == 2 else {})) for n in steps]
    state = RunState()
    for event in (STARTED, PlanMade(plan=Plan(steps=tuple(made))), *happened):
        state = fold(state, event)
    return state


def ids(proposals):
    return [each.id for each in proposals]


def closed(number, status="done"):
    return StepClosed(step=f"s{number}", status=status)


def failed(number):
    return DecisionFailed(step=f"s{number}", code="tool_failed", reason="it failed")


class TestWhatIsHeld:
    def test_a_read_before_a_step_that_needs_nothing_of_it(self):
        assert can_be_held(state_after(*decided(1)))

    @pytest.mark.parametrize(
        "fields",
        [
            {"needs": None},
            {"needs": ("s1",)},
            {"needs": (), "over": "s1"},
            {"needs": (), "only_if": (FACT,)},
        ],
        ids=str,
    )
    def test_not_before_a_step_that_may_need_it(self, fields):
        assert not can_be_held(state_after(*decided(1), **fields))

    @pytest.mark.parametrize(
        "fields",
        [
            {"effect": "local_write"},
            {"tool": "files.list"},
            {"verdict": Verdict(kind="ask")},
            {"verdict": STOP},
            {"verdict": Verdict(kind="allow", reuse={0: "p0.0"})},
        ],
        ids=str,
    )
    def test_only_an_allowed_read_of_its_own_namespace_that_is_not_known(self, fields):
        assert not can_be_held(state_after(*decided(1, **fields)))

    def test_a_read_elsewhere_that_serves_the_step(self):
        detour, given = decided(1, tool="files.list")
        serving = detour.proposal.model_copy(update={"serves": True})
        assert can_be_held(state_after(CallProposed(proposal=serving), given))

    @pytest.mark.parametrize("fields", [{"needs": None}, {"wait_until": (HOLDS,)}], ids=str)
    def test_not_one_that_says_nothing_or_waits(self, fields):
        assert not can_be_held(state_after(closed(1), *decided(2), **fields))

    def test_not_the_last_one(self):
        assert not can_be_held(state_after(closed(1), closed(2), *decided(3)))

    def test_not_without_a_decision_a_verdict_or_a_plan(self):
        assert not can_be_held(state_after())
        assert not can_be_held(state_after(decided(1)[0]))
        assert not can_be_held(state_after(*decided(9)))
        assert not can_be_held(state_after(*decided(1)).model_copy(update={"plan": None}))

    def test_not_before_a_step_whose_decision_failed(self):
        assert not can_be_held(state_after(failed(2), *decided(1)))

    def test_what_a_step_needs_may_be_done_already(self):
        state = state_after(closed(1), needs=("s1",))
        assert may_join(state, state.steps[1])


class TestWhatIsCarriedOutTogether:
    def test_a_single_proposal_is_alone(self):
        assert ids(together(state_after(*decided(1, effect="egress")))) == ["p1"]

    def test_nothing_where_nothing_is_decided(self):
        assert together(state_after()) == ()

    def test_the_held_ones_and_a_read(self):
        state = state_after(*decided(1, held=True), *decided(2))
        assert ids(together(state)) == ["p1", "p2"]

    @pytest.mark.parametrize(
        "fields",
        [
            {"effect": "local_write"},
            {"verdict": Verdict(kind="ask")},
            {"place": "Place 1/"},
        ],
        ids=["a write", "asked about", "alike"],
    )
    def test_what_cannot_join_comes_after_the_held_ones(self, fields):
        state = state_after(*decided(1, held=True), *decided(2, **fields))
        assert ids(together(state)) == ["p1"]


class TestWhatIsNext:
    def test_the_next_step_is_decided_while_one_is_held(self):
        state = state_after(*decided(1, held=True))
        assert next_node(state) == "decide"
        assert current_step(state).step.id == "s2"

    def test_a_held_one_is_carried_out_when_nothing_can_join_it(self):
        assert next_node(state_after(*decided(1, held=True), needs=("s1",))) == "act"
        assert next_node(state_after(*decided(1, held=True), closed(2), closed(3))) == "act"
        assert next_node(state_after(*decided(1, held=True), failed(2))) == "act"

    @pytest.mark.parametrize("kind", ["allow", "ask"])
    def test_a_decided_one_is_followed_by_the_act(self, kind):
        state = state_after(*decided(1, held=True), *decided(2, verdict=Verdict(kind=kind)))
        assert next_node(state) == "act"

    def test_held_ones_are_carried_out_before_a_new_plan(self):
        state = state_after(*decided(1, held=True), ReplanAsked(reason="because"))
        assert next_node(state) == "act"
        assert next_node(fold(state, closed(1))) == "plan"

    def test_a_stop_leaves_them_for_the_resume(self):
        ended = RunEnded(status="stopped", code="budget_exceeded")
        state = state_after(*decided(1, held=True), *decided(2, verdict=STOP), ended)
        assert next_node(state) == "end"
        again = fold(state, RunResumed())
        assert ids(again.held) == ["p1"]
        assert (next_node(again), current_step(again).step.id) == ("decide", "s2")


class TestWhatFollows:
    def test_the_next_step_begins_without_the_hints_of_a_held_one(self):
        state = state_after(ToolsSearched(step="s1", query="maps"), *decided(1, held=True))
        assert (state.query, state.proposal, state.verdict) == ("", None, None)

    def test_a_held_step_that_is_done_leaves_the_one_at_hand(self):
        state = state_after(*decided(1, held=True), *decided(2, effect="egress"), closed(1))
        assert (state.held, state.proposal.id, state.verdict) == ((), "p2", ALLOW)

    def test_a_held_step_that_failed_is_decided_again_before_the_one_at_hand(self):
        state = state_after(*decided(1, held=True), *decided(2, effect="egress"), failed(1))
        assert (state.held, state.proposal) == ((), None)
        assert current_step(state).step.id == "s1"

    def test_the_failure_of_the_one_at_hand_leaves_the_held_ones(self):
        state = state_after(*decided(1, held=True), *decided(2), failed(2))
        assert (ids(state.held), state.proposal) == (["p1"], None)

    def test_a_call_is_settled_by_its_own_proposal(self):
        state = state_after(*decided(1, held=True), *decided(2, effect="egress"), settled(1))
        [call] = state.settled
        assert call.effect == "read"
        assert call.likeness
        assert state.writes == 0

    def test_a_new_plan_holds_nothing(self):
        state = state_after(*decided(1, held=True), PlanMade(plan=Plan(steps=(planned(4),))))
        assert state.held == ()
