"""What each event makes of the run's state."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from orchestrator.core.chat import Message, Usage
from orchestrator.core.events import (
    AnswerGiven,
    ApprovalAsked,
    ApprovalGiven,
    CallIntended,
    CallProposed,
    CallSettled,
    DecisionFailed,
    Entry,
    Event,
    ModelCalled,
    PlanMade,
    PlanRefused,
    QuestionAnswered,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
    ToolsSearched,
    TranscriptRenewed,
    VerdictGiven,
)
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Approval, Proposal, RunRequest, RunState
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.journal.fold import _FOLDS, fold, fold_entries

STARTED = RunStarted(request=RunRequest(goal="tidy up"))
PLAN = Plan(
    steps=(
        PlanStep(id="s1", intent="list the folder", namespace="filesystem"),
        PlanStep(id="s2", intent="read each", namespace="ocr", over="s1"),
    )
)
CALL = ToolCall(tool="filesystem.move", arguments={"source": "a", "destination": "b"})


def proposed(name="p1", effect="local_write", calls=2):
    return CallProposed(
        proposal=Proposal(
            id=name,
            step="s1",
            tool="filesystem.move",
            expressions={},
            calls=(CALL,) * calls,
            parents=(0,) * calls,
            effect=effect,
        )
    )


def settled(name="c1", *, ok=True, reused="", data=None, error=""):
    outcome = ToolOutcome(ok=ok, data={"moved": 1} if data is None else data, error=error)
    return CallSettled(
        id=name,
        step="s1",
        parent=0,
        tool="filesystem.move",
        fingerprint="f",
        outcome=outcome,
        reused=reused,
    )


def verdict(kind, name="p1", **fields):
    return VerdictGiven(proposal=name, verdict=Verdict(kind=kind, **fields))


def asked(name="p1", digest="d"):
    return ApprovalAsked(approval=Approval(proposal=name, digest=digest, reason="it moves files"))


def state_after(*events, begun=True):
    state = RunState()
    for event in (STARTED, PlanMade(plan=PLAN), *events) if begun else events:
        state = fold(state, event)
    return state


def planner_said(text, **fields):
    turn = (Message(role="user", content=f"about {text}"),)
    return ModelCalled(role="planner", purpose="decide", appended=turn, reply=text, **fields)


def spoken(state):
    return [message.content for message in state.transcript]


def test_every_event_has_its_meaning():
    assert set(_FOLDS) == set(get_args(get_args(Event)[0]))


def test_a_started_run_knows_its_request():
    state = state_after(STARTED, begun=False)
    assert state.request == STARTED.request
    assert state.status == "running"


def test_an_entry_brings_its_place_and_its_working_time():
    at = datetime(2026, 11, 2, tzinfo=UTC)
    rows = [
        Entry(run_id="r1", seq=seq, at=at, seconds=1.5, event=event)
        for seq, event in enumerate([STARTED, PlanMade(plan=PLAN)], start=1)
    ]
    state = fold_entries(rows)
    assert (state.run_id, state.last_seq, state.seconds) == ("r1", 2, 3.0)
    assert state.plan == PLAN


class TestResuming:
    def test_it_runs_again_and_its_approval_mode_is_the_new_one(self):
        state = state_after(RunEnded(status="failed", error="boom", code="backend"), RunResumed())
        assert (state.status, state.error, state.error_code) == ("running", "", "")
        state = fold(state, RunResumed(approve="yes"))
        assert state.request.approve == "yes"

    def test_it_keeps_what_waits_and_what_was_counted(self):
        events = (ReplanAsked(reason="stuck"), proposed(), asked())
        before = state_after(DecisionFailed(step="s1", code="unknown_tool", reason="no"), *events)
        after = fold(fold(before, RunEnded(status="waiting_approval")), RunResumed())
        assert after.proposal == before.proposal
        assert after.approval == before.approval
        assert after.replan_reason == "stuck"
        assert after.refusals == {"unknown_tool": 1}

    def test_a_finished_run_stays_as_it_is(self):
        state = state_after(AnswerGiven(text="done"), RunEnded(status="completed"))
        assert fold(state, RunResumed()) == state

    def test_an_answer_given_at_a_rest_is_not_the_last_word(self):
        stopped = state_after(AnswerGiven(text="so far"), RunEnded(status="stopped"))
        assert fold(stopped, RunResumed()).answer == ""

    def test_an_answer_given_before_a_crash_is_kept(self):
        assert state_after(AnswerGiven(text="done"), RunResumed()).answer == "done"

    def test_a_stop_is_lifted_with_the_proposal_it_was_about(self):
        stop = verdict("stop", code="budget_exceeded", reason="too many turns")
        state = state_after(proposed(), stop, RunEnded(status="stopped"), RunResumed())
        assert state.verdict is None
        assert state.proposal is None

    def test_a_run_without_a_request_has_nothing_to_replace(self):
        assert state_after(RunResumed(), begun=False).request is None


class TestModelCalls:
    def test_every_call_is_counted(self):
        usage = Usage(prompt=10, cached=4, generated=2)
        state = state_after(
            ModelCalled(role="synthesizer", purpose="answer", usage=usage),
            ModelCalled(role="planner", purpose="decide", usage=usage, keep=False, reply="x"),
        )
        assert state.model_calls == 2
        assert state.usage == Usage(prompt=20, cached=8, generated=4)
        assert state.transcript == ()

    def test_the_planner_turns_grow_its_transcript(self):
        state = state_after(planner_said("one"), planner_said("two"))
        assert spoken(state) == ["about one", "one", "about two", "two"]
        assert state.transcript[-1].role == "assistant"

    def test_a_call_without_a_reply_adds_only_what_was_shown(self):
        turn = (Message(role="user", content="shown"),)
        state = state_after(ModelCalled(role="planner", purpose="decide", appended=turn))
        assert spoken(state) == ["shown"]

    def test_a_renewed_transcript_forgets_what_was_disclosed(self):
        shown = ToolsDisclosed(step="s1", candidates=(), added=("a.b",), example="x")
        renewed = TranscriptRenewed(messages=(Message(role="user", content="anew"),))
        state = state_after(planner_said("one"), shown, renewed)
        assert state.transcript == renewed.messages
        assert (state.disclosed, state.examples) == ((), {})

    def test_an_answer_to_a_question_asks_for_a_new_plan(self):
        state = state_after(QuestionAnswered(text="the blue one"))
        assert "the blue one" in state.replan_reason
        assert state.deflected


class TestPlans:
    def test_a_plan_opens_its_steps(self):
        state = state_after()
        assert [step.status for step in state.steps] == ["open", "open"]
        assert state.replans == 0

    def test_a_new_plan_keeps_the_steps_it_names_and_counts_as_a_replan(self):
        done = (proposed(), settled(), StepClosed(step="s1", status="done", note="2 files"))
        state = state_after(*done, ReplanAsked(reason="stuck"), PlanMade(plan=PLAN, kept=("s1",)))
        assert [step.status for step in state.steps] == ["done", "open"]
        assert state.steps[0].calls == ("c1",)
        assert (state.replans, state.replan_reason) == (1, "")

    def test_a_new_plan_clears_what_was_pending(self):
        redirected = (proposed(), verdict("redirect", mask=("a.b",), close_namespace="a"))
        search = ToolsSearched(step="s1", query="rename")
        state = state_after(*redirected, search, proposed(), asked(), PlanMade(plan=PLAN))
        assert (state.proposal, state.verdict, state.approval) == (None, None, None)
        assert (state.masked, state.closed_namespace, state.query, state.note) == ((), "", "", "")

    def test_a_refused_plan_leaves_its_problems(self):
        state = state_after(PlanRefused(problems=("no producer", "too long")))
        assert state.note == "no producer; too long"
        assert not state.deflected

    def test_a_deflection_is_remembered(self):
        deflected = PlanRefused(problems=("asks back",), deflection=True)
        assert state_after(deflected, PlanRefused(problems=("bad",))).deflected


class TestDecisions:
    def test_a_disclosure_is_a_turn_and_says_where_its_example_stands(self):
        shown = ToolsDisclosed(step="s1", candidates=(), added=("ocr.read",), example="ocr")
        state = state_after(planner_said("one"), shown, ToolsDisclosed(step="s1", candidates=()))
        assert state.turns == 2
        assert state.disclosed == ("ocr.read",)
        assert state.examples == {"ocr": 2}

    def test_a_proposal_ends_the_masks_of_the_one_before(self):
        redirected = (proposed(), verdict("redirect", mask=("a.b",), close_namespace="a"))
        state = state_after(*redirected, proposed("p2"))
        assert state.proposal.id == "p2"
        assert (state.verdict, state.masked, state.closed_namespace) == (None, (), "")

    def test_a_failed_decision_counts_against_its_step_only(self):
        failed = DecisionFailed(step="s1", code="invalid_arguments", reason="no such path")
        state = state_after(proposed(), failed, failed)
        assert [step.failures for step in state.steps] == [2, 0]
        assert state.refusals == {"invalid_arguments": 2}
        assert (state.note, state.turns, state.proposal) == ("no such path", 0, None)

    def test_a_search_leaves_its_query_until_the_step_closes(self):
        search = ToolsSearched(step="s1", query="rename a file")
        state = state_after(search, proposed())
        assert state.query == "rename a file"
        assert "rename a file" in state.note
        assert fold(state, StepClosed(step="s1", status="failed")).query == ""


class TestVerdicts:
    def test_an_allowed_proposal_stays(self):
        state = state_after(proposed(), VerdictGiven(proposal="p1", verdict=ALLOW))
        assert state.verdict == ALLOW
        assert state.proposal.id == "p1"

    @pytest.mark.parametrize("kind", ["allow", "ask"])
    def test_permission_for_another_proposal_changes_nothing(self, kind):
        assert state_after(proposed(), verdict(kind, "p0")).verdict is None
        assert state_after(verdict(kind, "p1")).verdict is None

    def test_a_redirect_counts_once_and_masks(self):
        redirect = verdict(
            "redirect", code="loop", reason="again", mask=("a.b",), close_namespace="a"
        )
        state = state_after(proposed(calls=3), redirect)
        assert state.refusals == {"loop": 1}
        assert (state.masked, state.closed_namespace) == (("a.b",), "a")
        assert (state.note, state.proposal) == ("again", None)

    def test_a_refusal_without_a_code_or_proposal_counts_once_under_its_kind(self):
        assert state_after(verdict("redirect")).refusals == {"redirect": 1}

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"reason": "stuck", "code": "loop"}, "stuck"),
            ({"code": "loop"}, "loop"),
            ({}, "replan"),
        ],
    )
    def test_a_replan_always_has_a_reason(self, fields, reason):
        state = state_after(proposed(), verdict("replan", **fields))
        assert state.replan_reason == reason
        assert state.proposal is None
        assert state.masked == ()

    def test_a_stop_says_why_before_the_run_ends(self):
        state = state_after(proposed(), verdict("stop", code="budget_exceeded", reason="40 turns"))
        assert (state.error, state.error_code, state.status) == (
            "40 turns",
            "budget_exceeded",
            "running",
        )
        ended = fold(state, RunEnded(status="stopped"))
        assert (ended.error, ended.error_code) == ("40 turns", "budget_exceeded")
        assert state_after(verdict("stop")).error_code == "stop"


class TestApprovals:
    def test_a_grant_is_kept(self):
        given = ApprovalGiven(digest="d", granted=True, by="person")
        assert state_after(proposed(), asked(), given).approval.granted is True

    @pytest.mark.parametrize(
        "before",
        [
            (proposed(),),
            (asked(),),
            (proposed(), asked(digest="other")),
            (proposed(), asked("p0")),
        ],
        ids=["nothing asked", "nothing proposed", "another digest", "another proposal"],
    )
    def test_an_answer_to_another_question_changes_nothing(self, before):
        state = state_after(*before)
        for granted in (True, False):
            assert fold(state, ApprovalGiven(digest="d", granted=granted, by="x")) == state

    def test_the_first_answer_stands(self):
        grant = ApprovalGiven(digest="d", granted=True, by="person")
        state = state_after(proposed(), asked(), grant)
        assert fold(state, ApprovalGiven(digest="d", granted=False, by="person")) == state

    def test_a_denial_takes_the_proposal_away_and_says_so(self):
        denial = ApprovalGiven(digest="d", granted=False, by="person")
        state = state_after(proposed(), verdict("ask"), asked(), denial)
        assert (state.proposal, state.verdict, state.approval) == (None, None, None)
        assert "a person refused filesystem.move" in state.note
        assert state.refusals == {"denied": 1}
        assert state.steps[0].failures == 1

    def test_a_new_verdict_is_a_new_question(self):
        grant = ApprovalGiven(digest="d", granted=True, by="person")
        state = state_after(proposed(), verdict("ask"), asked(), grant, verdict("ask"))
        assert state.approval is None

    def test_leave_to_repeat_a_call_is_used_up_by_repeating_it(self):
        grant = ApprovalGiven(digest="d", granted=True, by="person")
        intent = CallIntended(id="c1", step="s1", parent=0, call=CALL)
        granted = (asked(), grant)
        first = state_after(proposed(), verdict("ask"), *granted, intent)
        assert first.approval.granted is True
        unknown = (verdict("ask", code="tool_outcome_unknown"), *granted, intent)
        again = state_after(proposed(), verdict("ask"), *granted, intent, *unknown)
        assert again.approval is None
        assert again.intended == (("c1", CALL, 0),)


class TestCalls:
    def test_an_intent_is_open_until_it_is_settled(self):
        intents = [CallIntended(id=name, step="s1", parent=7, call=CALL) for name in ("c1", "c2")]
        state = state_after(proposed(), *intents)
        assert state.intended == (("c1", CALL, 7), ("c2", CALL, 7))
        assert fold(state, settled("c1")).intended == (("c2", CALL, 7),)

    def test_a_settled_write_is_known_and_changes_the_world(self):
        state = state_after(proposed(), settled("c1"), settled("c2"))
        assert [call.world for call in state.settled] == [0, 1]
        assert state.writes == 2
        assert state.settled[0].effect == "local_write"
        assert state.steps[0].calls == ("c1", "c2")

    def test_a_read_a_failure_and_a_reuse_leave_the_world_as_it_is(self):
        failed = settled("c2", ok=False, error="no such file")
        read = state_after(proposed(effect="read"), settled("c1"))
        rest = state_after(proposed(), failed, settled("c3", reused="c1"))
        assert (read.writes, rest.writes) == (0, 0)
        assert rest.settled[1].reused

    def test_a_failed_call_is_no_handle_and_is_known_by_its_error(self):
        states = [
            state_after(proposed(), settled(ok=False, error=error)) for error in ("one", "two")
        ]
        assert states[0].steps[0].calls == ()
        assert states[0].settled[0].result != states[1].settled[0].result

    def test_a_call_without_its_proposal_is_taken_for_the_worst(self):
        state = state_after(settled())
        assert state.settled[0].effect == "egress"
        assert state.writes == 1

    def test_a_closed_step_takes_its_proposal_along(self):
        closed = StepClosed(step="s1", status="done", note="2 files")
        state = state_after(proposed(), verdict("ask"), asked(), settled(), closed)
        assert (state.proposal, state.verdict, state.approval) == (None, None, None)
        assert (state.steps[0].status, state.steps[0].note) == ("done", "2 files")


def test_an_answer_and_an_end_are_kept():
    state = state_after(
        AnswerGiven(text="All 6 are renamed."), RunEnded(status="failed", error="boom", code="tool")
    )
    assert state.answer == "All 6 are renamed."
    assert (state.status, state.error, state.error_code) == ("failed", "boom", "tool")
