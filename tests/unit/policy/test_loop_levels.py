"""The numbers of the breaker's levels, and the cases beside which each of them stops."""

import pytest

from orchestrator.core.tools import ToolCall
from orchestrator.core.verdicts import ALLOW
from orchestrator.policy import loops
from orchestrator.policy.loops import answering_call, loop_verdict
from tests.fakes.states import plan_step, proposal, settle, state

LOOK, FIND, PUT = "a.look", "a.find", "a.put"


def run(*steps, **fields):
    return state(*(steps or (plan_step(namespace="a"),)), **fields)


def test_the_numbers_are_those_of_the_text():
    assert loops.CYCLE_PERIODS == (2, 3, 4, 5, 6, 7, 8)
    assert (loops.CYCLE_REPEATS, loops.STALLED_CALLS, loops.EQUAL_ERRORS) == (3, 6, 3)
    assert (loops.ALIKE_CALLS, loops.FOREIGN_TURNS, loops.REFUSALS_BEFORE_STOP) == (3, 3, 3)
    assert loops.TRIES_OF_A_PLAN == 2


def alike(count, said=lambda n: "same", **fields):
    """Calls that differ in blanks only, as their likeness says."""
    before = run()
    for n in range(count):
        before = settle(before, LOOK, {"about": " " * n + "tax"}, {"said": said(n)}, **fields)
    return before


class TestSpellings:
    def test_the_fourth_is_answered_from_the_third(self):
        verdict = loop_verdict(alike(3), proposal(LOOK, {"about": "TAX"}))
        assert (verdict.kind, verdict.code, verdict.reuse) == (
            "allow",
            "repeated_call",
            {0: "q2.2"},
        )

    def test_the_third_is_not(self):
        assert loop_verdict(alike(2), proposal(LOOK, {"about": "TAX"})) == ALLOW

    def test_results_that_differ_say_that_spelling_matters(self):
        assert loop_verdict(alike(3, str), proposal(LOOK, {"about": "TAX"})) == ALLOW

    def test_items_of_a_fan_out_are_what_they_are_called(self):
        two = proposal(LOOK, {"about": "TAX"}, {"about": "rent"})
        assert loop_verdict(alike(3), two) == ALLOW
        items = run()
        for n in range(3):
            items = settle(items, LOOK, {"about": " " * n + "tax"}, parent=n)
        assert loop_verdict(items, proposal(LOOK, {"about": "TAX"})) == ALLOW

    def test_a_write_in_between_makes_it_a_new_question(self):
        before = settle(alike(3), PUT, {"n": 1}, effect="local_write")
        assert loop_verdict(before, proposal(LOOK, {"about": "TAX"})) == ALLOW

    def test_writes_are_taken_at_their_word(self):
        again = proposal(LOOK, {"about": "TAX"}, effect="local_write")
        assert loop_verdict(alike(3), again) == ALLOW

    def test_failures_and_answers_from_memory_do_not_count(self):
        failed = alike(3, error="busy").model_copy(update={"replans": 1})
        assert loop_verdict(failed, proposal(LOOK, {"about": "TAX"})) == ALLOW
        reused = alike(2, reused=True)
        reused = settle(reused, LOOK, {"about": "taX"}, {"said": "same"})
        assert loop_verdict(reused, proposal(LOOK, {"about": "TAX"})) == ALLOW

    def test_however_it_is_spelled_it_climbs_the_same_ladder(self):
        served = settle(alike(3), LOOK, {"about": "Tax"}, {"said": "same"}, reused=True)
        assert loop_verdict(served, proposal(LOOK, {"about": "TAX"})).kind == "redirect"


class TestFanOutsOfWrites:
    def fan_out(self, count=3):
        before = run(plan_step(namespace="a"), plan_step("s2", "a"))
        for n in range(count):
            before = settle(
                before, PUT, {"n": n}, proposal="p1", effect="local_write", parent=n, id=f"p1.{n}"
            )
        return before

    def test_one_is_not_made_again_by_another_step(self):
        again = proposal(PUT, {"n": 0}, {"n": 1}, step="s2", effect="local_write")
        assert loop_verdict(self.fan_out(), again).reuse == {0: "p1.0", 1: "p1.1"}

    def test_unless_something_else_was_written(self):
        other = settle(self.fan_out(), PUT, {"n": "x"}, effect="local_write", parent=9)
        again = proposal(PUT, {"n": 0}, step="s2", effect="local_write")
        assert loop_verdict(other, again) == ALLOW

    def test_what_failed_or_only_came_from_memory_wrote_nothing(self):
        before = settle(self.fan_out(), PUT, {"n": 8}, effect="local_write", error="no", parent=9)
        before = settle(before, PUT, {"n": 0}, effect="local_write", reused=True, parent=9)
        before = settle(before, LOOK, {"n": 8})
        call = ToolCall(tool=PUT, arguments={"n": 1})
        assert answering_call(before, call).id == "p1.1"

    def test_a_read_before_the_write_is_not_answered(self):
        before = settle(run(), LOOK, {"n": 1}, id="p0.0")
        before = settle(before, PUT, {"n": 1}, effect="local_write", id="p1.0")
        assert loop_verdict(before, proposal(LOOK, {"n": 1})) == ALLOW


class TestAnswersByStep:
    def test_another_step_is_given_the_known_result_once_more(self):
        before = settle(run(plan_step(namespace="a"), plan_step("s2", "a")), LOOK, {"n": 1})
        before = settle(before, LOOK, {"n": 1}, reused=True)
        assert loop_verdict(before, proposal(LOOK, {"n": 1}, step="s2")).kind == "allow"
        assert loop_verdict(before, proposal(LOOK, {"n": 1})).kind == "redirect"

    def test_new_items_are_worked_on_however_often_the_others_were_asked_for(self):
        before = settle(run(), LOOK, {"n": 1}, id="p0.0")
        for _ in range(3):
            before = settle(before, LOOK, {"n": 1}, reused=True)
        verdict = loop_verdict(before, proposal(LOOK, {"n": 1}, {"n": 2}))
        assert (verdict.kind, verdict.code) == ("allow", "")
        assert list(verdict.reuse) == [0]

    def test_other_answers_from_memory_are_not_its_own(self):
        before = settle(run(), LOOK, {"n": 1})
        before = settle(settle(before, FIND, {"n": 1}), FIND, {"n": 1}, reused=True)
        assert loop_verdict(before, proposal(LOOK, {"n": 1})).kind == "allow"


def failing(count, arguments=lambda n: {"n": n}, error=lambda n: "busy", **fields):
    before = run(**fields)
    for n in range(count):
        before = settle(before, LOOK, arguments(n), error=error(n))
    return before


class TestErrors:
    def test_one_call_that_fails_alike_between_others_is_given_up(self):
        before = run()
        for n in range(3):
            before = settle(before, LOOK, {"n": "gone"}, error="404")
            before = settle(before, FIND, {"n": n}, {"n": n})
        verdict = loop_verdict(before, proposal(LOOK, {"n": "gone"}))
        assert (verdict.kind, verdict.code) == ("replan", "loop_replan")
        assert loop_verdict(before, proposal(LOOK, {"n": "other"})) == ALLOW

    @pytest.mark.parametrize(
        "errors", [["a", "404", "404"], ["404", "404", "a"], ["404", "", "404"]]
    )
    def test_not_where_it_did_something_else_meanwhile(self, errors):
        before = run()
        for error in errors:
            before = settle(before, LOOK, {"n": "gone"}, {"n": 1}, error=error)
            before = settle(before, FIND, {"n": error}, {"n": error})
        if "" in errors:
            assert loop_verdict(before, proposal(LOOK, {"n": "gone"})).reuse
        else:
            assert loop_verdict(before, proposal(LOOK, {"n": "gone"})) == ALLOW

    def test_not_where_something_was_written_meanwhile(self):
        before = failing(2, lambda n: {"n": "gone"})
        before = settle(before, PUT, {"n": 1}, effect="local_write")
        before = settle(before, LOOK, {"n": "gone"}, error="busy")
        assert loop_verdict(before, proposal(LOOK, {"n": "gone"})) == ALLOW

    def test_not_for_a_fan_out_of_several(self):
        before = run()
        for n in range(3):
            before = settle(before, LOOK, {"n": "gone"}, error="404")
            before = settle(before, FIND, {"n": n}, {"n": n})
        assert loop_verdict(before, proposal(LOOK, {"n": "gone"}, {"n": "x"})) == ALLOW

    def test_the_second_time_is_the_end(self):
        before = failing(3, refusals={"loop_replan": 1})
        verdict = loop_verdict(before, proposal(LOOK, {"n": 9}))
        assert (verdict.kind, verdict.code) == ("stop", "loop_detected")

    def test_one_item_that_fails_again_is_no_fan_out(self):
        before = run()
        for n in range(3):
            before = settle(before, LOOK, {"n": n}, error="busy", parent=0)
        assert loop_verdict(before, proposal(LOOK, {"n": 9})).kind == "replan"

    def test_the_reason_names_the_kind_of_the_error(self):
        before = failing(3)
        timed_out = [
            call.model_copy(
                update={"outcome": call.outcome.model_copy(update={"code": "tool_timeout"})}
            )
            for call in before.settled
        ]
        before = before.model_copy(update={"settled": tuple(timed_out)})
        verdict = loop_verdict(before, proposal(LOOK, {"n": 9}))
        assert verdict.reason == "a.look failed 3 times alike (tool_timeout)."


class TestNewPlans:
    @pytest.mark.parametrize(("tries", "kind"), [(0, "allow"), (1, "allow"), (2, "stop")])
    def test_a_new_plan_has_two_tries(self, tries, kind):
        before = failing(3).model_copy(update={"replans": 1, "refusals": {"loop_replan": 1}})
        for n in range(tries):
            before = settle(before, LOOK, {"n": f"again {n}"}, error="busy")
        made = [
            call.model_copy(update={"plan": int(at >= 3)}) for at, call in enumerate(before.settled)
        ]
        before = before.model_copy(update={"settled": tuple(made)})
        assert loop_verdict(before, proposal(LOOK, {"n": 9})).kind == kind


class TestStalls:
    def stalled(self, count=6, **fields):
        before = settle(run(plan_step(namespace="a"), plan_step("s2", "a")), FIND, {}, {"e": []})
        for n in range(count):
            before = settle(before, LOOK, {"n": n}, {"e": []}, **fields)
        return before

    def test_six_calls_with_nothing_new(self):
        assert loop_verdict(self.stalled(), proposal(LOOK, {"n": 9})).kind == "replan"

    def test_a_new_plan_is_not_blamed_for_them(self):
        before = self.stalled().model_copy(update={"replans": 1})
        assert loop_verdict(before, proposal(LOOK, {"n": 9})) == ALLOW

    def test_five_are_not_enough(self):
        assert loop_verdict(self.stalled(5), proposal(LOOK, {"n": 9})) == ALLOW

    def test_another_step_starts_from_nothing(self):
        assert loop_verdict(self.stalled(), proposal(LOOK, {"n": 9}, step="s2")) == ALLOW

    def test_another_tool_may_be_tried(self):
        before = settle(self.stalled(0), LOOK, {"n": "x"}, {"e": ["x"]})
        for n in range(6):
            before = settle(before, LOOK, {"n": n}, {"e": []})
        assert loop_verdict(before, proposal(FIND, {"n": 9})) == ALLOW

    def test_writes_are_progress_however_they_answer(self):
        before = self.stalled(effect="local_write")
        assert loop_verdict(before, proposal(LOOK, {"n": 9}, effect="local_write")) == ALLOW

    def test_a_fan_out_is_one_act(self):
        before = self.stalled(0)
        for n in range(6):
            before = settle(before, LOOK, {"n": n}, {"e": []}, parent=n)
        assert loop_verdict(before, proposal(LOOK, {"n": 9})) == ALLOW


class TestCycles:
    def rounds(self, period, count):
        before = run()
        for _ in range(count):
            for n in range(period):
                before = settle(before, PUT, {"n": n}, {"n": n}, effect="local_write", parent=n)
        return before

    @pytest.mark.parametrize("period", [5, 6, 7, 8])
    def test_long_rounds_are_broken_too(self, period):
        before = self.rounds(period, 3).model_copy(update={"steps": (), "plan": None})
        again = proposal(PUT, {"n": 0}, step="s9", effect="local_write")
        verdict = loop_verdict(before, again)
        assert verdict.kind == "replan"
        assert f"The same {period} calls" in verdict.reason

    def test_its_next_call_among_others_goes_on_with_it(self):
        again = proposal(PUT, {"n": 0}, {"n": "x"}, step="s9", effect="local_write")
        assert loop_verdict(self.rounds(3, 3), again).kind == "replan"

    def test_something_else_leads_out_of_it(self):
        again = proposal(PUT, {"n": "x"}, step="s9", effect="local_write")
        assert loop_verdict(self.rounds(3, 3), again) == ALLOW

    def test_one_call_alone_is_no_round(self):
        before = run()
        for _ in range(9):
            before = settle(before, LOOK, {"n": 1}, reused=bool(before.settled))
        changed = before.model_copy(update={"writes": 1})
        assert loop_verdict(changed, proposal(LOOK, {"n": 1}, step="s9")) == ALLOW
