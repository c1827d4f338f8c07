"""Where a run goes on, for every state a journal can come to."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.events import (
    AnswerGiven,
    ApprovalAsked,
    ApprovalGiven,
    CallIntended,
    CallProposed,
    CallSettled,
    DecisionFailed,
    PlanMade,
    PlanRefused,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
    ToolsSearched,
    VerdictGiven,
)
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Approval, Proposal, RunRequest, RunState, RunStatus
from orchestrator.core.tools import EFFECT_ORDER, ToolCall, ToolOutcome
from orchestrator.core.verdicts import Verdict
from orchestrator.journal.fold import fold
from orchestrator.journal.next_node import Node, next_node, standing_approval
from orchestrator.journal.together import current_step

STEPS = tuple(PlanStep(id=f"s{n}", intent="do it", namespace="filesystem") for n in (1, 2))
STEPPED = PlanMade(plan=Plan(steps=STEPS))
STARTED = RunStarted(request=RunRequest(goal="tidy up"))
CALL = ToolCall(tool="filesystem.move", arguments={})
KINDS = ("allow", "ask", "redirect", "replan", "stop")


def proposed(name="p1", step="s1", effect="read"):
    return CallProposed(
        proposal=Proposal(
            id=name,
            step=step,
            tool="filesystem.move",
            expressions={},
            calls=(CALL,),
            parents=(0,),
            effect=effect,
        )
    )


def verdict(kind, name="p1"):
    return VerdictGiven(proposal=name, verdict=Verdict(kind=kind, reason="because"))


def asked(name="p1", digest="d"):
    return ApprovalAsked(approval=Approval(proposal=name, digest=digest, reason="because"))


def answered(word, digest="d"):
    return ApprovalGiven(digest=digest, granted=word == "yes", by="person")


def closed(step, status="done"):
    return StepClosed(step=step, status=status)


def state_after(*events):
    state = RunState()
    for event in events:
        state = fold(state, event)
    return state


INTENT = CallIntended(id="c1", step="s1", parent=0, call=CALL)
UNKNOWN = VerdictGiven(
    proposal="p1", verdict=Verdict(kind="ask", code="tool_outcome_unknown", reason="it died")
)
GIVEN_UP = (closed("s1", "failed"), closed("s2", "skipped"))
STORIES = {
    "a new run": ((), "plan"),
    "a refused plan": ((PlanRefused(problems=("bad",)),), "plan"),
    "a plan": ((STEPPED,), "decide"),
    "a plan that is a question": ((PlanMade(plan=Plan(question="Which folder?")),), "end"),
    "a plan that is an answer": ((PlanMade(plan=Plan(answer="Four.")),), "synthesize"),
    "a proposal without verdict": ((STEPPED, proposed()), "decide"),
    "an allowed proposal": ((STEPPED, proposed(), verdict("allow")), "act"),
    "a proposal to ask for": ((STEPPED, proposed(), verdict("ask")), "approve"),
    "a question that waits": ((STEPPED, proposed(), verdict("ask"), asked()), "end"),
    "a granted one": ((STEPPED, proposed(), verdict("ask"), asked(), answered("yes")), "act"),
    "a denied one": ((STEPPED, proposed(), verdict("ask"), asked(), answered("no")), "decide"),
    "an approval for another proposal": (
        (STEPPED, proposed("p0"), asked("p0"), answered("yes"), proposed(), verdict("ask")),
        "approve",
    ),
    "a question about another proposal": (
        (STEPPED, proposed(), verdict("ask"), asked("p0")),
        "approve",
    ),
    "a crash in an approved call": (
        (STEPPED, proposed(), verdict("ask"), asked(), answered("yes"), INTENT, RunResumed()),
        "act",
    ),
    "the question about its outcome": (
        (STEPPED, proposed(), verdict("ask"), asked(), answered("yes"), INTENT, UNKNOWN),
        "approve",
    ),
    "a crash in a call that was repeated": (
        (STEPPED, proposed(), UNKNOWN, asked(), answered("yes"), INTENT, RunResumed()),
        "approve",
    ),
    "a redirect": ((STEPPED, proposed(), verdict("redirect")), "decide"),
    "a verdict for a new plan": ((STEPPED, proposed(), verdict("replan")), "plan"),
    "a stop that did not end yet": ((STEPPED, proposed(), verdict("stop")), "end"),
    "a stop that was resumed": ((STEPPED, proposed(), verdict("stop"), RunResumed()), "decide"),
    "a wish for a new plan": ((STEPPED, ReplanAsked(reason="stuck")), "plan"),
    "a first step closed": ((STEPPED, closed("s1")), "decide"),
    "every step closed": ((STEPPED, closed("s1"), closed("s2")), "synthesize"),
    "every step given up": ((STEPPED, *GIVEN_UP), "synthesize"),
    "an answer": ((STEPPED, *GIVEN_UP, AnswerGiven(text="Done.")), "end"),
    "a run at rest": ((STEPPED, RunEnded(status="waiting_approval")), "end"),
    "a rest taken up": ((STEPPED, RunEnded(status="waiting_approval"), RunResumed()), "decide"),
}


@pytest.mark.parametrize(("events", "node"), STORIES.values(), ids=STORIES.keys())
def test_after(events, node):
    assert next_node(state_after(STARTED, *events)) == node


@pytest.mark.parametrize("status", [each for each in get_args(RunStatus) if each != "running"])
def test_whatever_is_not_running_is_at_its_end(status):
    assert next_node(state_after(STARTED, STEPPED, RunEnded(status=status))) == "end"


def test_the_current_step_is_the_first_open_one():
    assert current_step(RunState()) is None
    assert current_step(state_after(STEPPED)).step.id == "s1"
    assert current_step(state_after(STEPPED, closed("s1", "skipped"))).step.id == "s2"
    assert current_step(state_after(STEPPED, *GIVEN_UP)) is None


NAMES = st.sampled_from(["p1", "p2"])
DIGESTS = st.sampled_from(["d1", "d2"])
STEP_IDS = st.sampled_from(["s1", "s2", "s9"])
ANY_EVENT = st.one_of(
    st.just(STARTED),
    st.just(RunResumed()),
    st.sampled_from([STEPPED, STEPPED.model_copy(update={"kept": ("s1",)})]),
    st.sampled_from(
        [
            PlanMade(plan=Plan(question="Which?")),
            PlanMade(plan=Plan(answer="Four.")),
            ReplanAsked(reason="stuck"),
            AnswerGiven(text="Done."),
            PlanRefused(problems=("bad",)),
        ]
    ),
    st.builds(proposed, NAMES, STEP_IDS, st.sampled_from(EFFECT_ORDER)),
    st.builds(verdict, st.sampled_from(KINDS), NAMES),
    st.builds(asked, NAMES, DIGESTS),
    st.builds(answered, st.sampled_from(["yes", "no"]), DIGESTS),
    st.builds(closed, STEP_IDS, st.sampled_from(["done", "failed", "skipped"])),
    st.builds(DecisionFailed, step=STEP_IDS, code=st.just("x"), reason=st.just("y")),
    st.builds(ToolsDisclosed, step=STEP_IDS, candidates=st.just(())),
    st.builds(ToolsSearched, step=STEP_IDS, query=st.just("q")),
    st.builds(CallIntended, id=NAMES, step=STEP_IDS, parent=st.just(0), call=st.just(CALL)),
    st.builds(
        CallSettled,
        id=NAMES,
        step=STEP_IDS,
        parent=st.just(0),
        tool=st.just("filesystem.move"),
        fingerprint=st.just("f"),
        outcome=st.builds(ToolOutcome, ok=st.booleans()),
        reused=st.sampled_from(["", "p1"]),
    ),
    st.builds(RunEnded, status=st.sampled_from(get_args(RunStatus))),
)


def may_act(history):
    """Say from the events alone whether the last proposal was allowed or granted.

    Written against the list, not against the state, so that it can disagree with the fold.
    """
    name, since = after_last(history, lambda event: isinstance(event, CallProposed))
    verdict_of_it, since = after_last(
        since,
        lambda event: (
            isinstance(event, VerdictGiven)
            and event.proposal == name.proposal.id
            and event.verdict.kind in {"allow", "ask"}
        ),
    )
    if verdict_of_it is None or verdict_of_it.verdict.kind == "allow":
        return verdict_of_it is not None
    asks = [event.approval for event in since if isinstance(event, ApprovalAsked)]
    grants = [event.digest for event in since if isinstance(event, ApprovalGiven) and event.granted]
    return any(ask.proposal == name.proposal.id and ask.digest in grants for ask in asks)


def after_last(history, fits):
    """Find the last event that fits and what came after it."""
    found = [at for at, event in enumerate(history) if fits(event)]
    return (history[found[-1]], history[found[-1] + 1 :]) if found else (None, [])


PERMISSION = st.one_of(
    st.builds(proposed, NAMES),
    st.builds(verdict, st.sampled_from(["allow", "ask"]), NAMES),
    st.builds(asked, NAMES, DIGESTS),
    st.builds(answered, st.just("yes"), DIGESTS),
)
"""Drawn more often than the rest, so that histories do come to an act."""


@given(st.lists(ANY_EVENT | PERMISSION, max_size=40).map(lambda drawn: [STEPPED, *drawn]))
def test_any_history_leads_somewhere_and_acts_only_on_permission(history):
    state = RunState()
    for done, event in enumerate(history, start=1):
        state = fold(state, event)
        node = next_node(state)
        assert node in get_args(Node)
        if node == "act":
            assert may_act(history[:done])
            assert state.proposal is not None
            approval = standing_approval(state)
            assert state.verdict.kind == "allow" or (approval and approval.granted)


@given(
    st.permutations([proposed(), verdict("ask"), asked(), answered("yes"), verdict("allow", "p2")])
)
def test_permission_counts_only_in_its_order(events):
    if next_node(state_after(STARTED, STEPPED, *events)) == "act":
        order = [event.type for event in events if getattr(event, "proposal", "") != "p2"]
        assert order.index("call_proposed") < order.index("verdict_given")
        assert order.index("approval_asked") < order.index("approval_given")
