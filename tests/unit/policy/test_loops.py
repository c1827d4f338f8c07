"""The breaker stops what repeats and never what makes progress."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.tools import ToolCall
from orchestrator.core.verdicts import ALLOW
from orchestrator.policy.loops import (
    CYCLE_REPEATS,
    FOREIGN_TURNS,
    REFUSALS_BEFORE_STOP,
    STALLED_CALLS,
    answering_call,
    loop_verdict,
)
from tests.fakes.states import plan_step, proposal, settle, state

SEARCH, LIST, READ, MOVE = "filesystem.search", "filesystem.list", "ocr.read", "filesystem.move"
HERE = {"path": "/d"}


def run(*steps, **fields):
    return state(*(steps or (plan_step(),)), **fields)


class TestIdenticalCalls:
    def test_a_first_call_is_allowed(self):
        assert loop_verdict(run(), proposal(LIST, HERE)) == ALLOW

    def test_the_second_is_answered_from_the_first(self):
        verdict = loop_verdict(settle(run(), LIST, HERE), proposal(LIST, HERE))
        assert (verdict.kind, verdict.code) == ("allow", "repeated_call")
        assert verdict.reuse == {0: "q0.0"}

    def test_the_third_is_refused_and_its_tool_hidden(self):
        once = settle(run(), LIST, HERE)
        twice = settle(once, LIST, HERE, reused=True)
        verdict = loop_verdict(twice, proposal(LIST, HERE))
        assert (verdict.kind, verdict.code, verdict.mask) == (
            "redirect",
            "repeated_call",
            (LIST,),
        )

    @pytest.mark.parametrize(
        ("refusals", "kind"),
        [
            ({"repeated_call": REFUSALS_BEFORE_STOP - 1}, "redirect"),
            ({"repeated_call": REFUSALS_BEFORE_STOP}, "replan"),
            ({"repeated_call": REFUSALS_BEFORE_STOP, "loop_replan": 1}, "stop"),
        ],
    )
    def test_then_a_new_plan_and_then_the_end(self, refusals, kind):
        before = run(refusals=refusals)
        twice = settle(settle(before, LIST, HERE), LIST, HERE, reused=True)
        verdict = loop_verdict(twice, proposal(LIST, HERE))
        assert verdict.kind == kind
        assert verdict.code == {"stop": "loop_detected", "replan": "loop_replan"}.get(
            kind, "repeated_call"
        )

    def test_the_order_of_arguments_makes_no_difference(self):
        before = settle(run(), LIST, {"path": "/d x", "deep": 1.0})
        verdict = loop_verdict(before, proposal(LIST, {"deep": 1, "path": "/d x"}))
        assert verdict.reuse

    def test_names_that_differ_in_blanks_are_different_files(self):
        before = settle(run(), LIST, {"path": "/d  x"})
        assert loop_verdict(before, proposal(LIST, {"path": "/d x"})) == ALLOW

    def test_other_arguments_are_another_call(self):
        before = settle(run(), LIST, HERE)
        assert loop_verdict(before, proposal(LIST, {"path": "/e"})) == ALLOW

    def test_a_write_in_between_makes_it_a_new_question(self):
        before = settle(settle(run(), LIST, HERE), MOVE, {"a": "b"}, effect="local_write")
        assert loop_verdict(before, proposal(LIST, HERE)) == ALLOW

    def test_a_failed_write_in_between_changes_nothing(self):
        before = settle(
            settle(run(), LIST, HERE), MOVE, {"a": "b"}, effect="local_write", error="no"
        )
        assert loop_verdict(before, proposal(LIST, HERE)).reuse

    def test_a_write_answers_its_own_repeat(self):
        before = settle(run(), MOVE, {"a": "b"}, effect="local_write")
        verdict = loop_verdict(before, proposal(MOVE, {"a": "b"}, effect="local_write"))
        assert verdict.reuse == {0: "q0.0"}

    def test_a_failed_call_answers_nothing(self):
        before = settle(run(), LIST, HERE, error="offline")
        assert answering_call(before, ToolCall(tool=LIST, arguments=HERE)) is None
        assert loop_verdict(before, proposal(LIST, HERE)) == ALLOW

    def test_of_a_fan_out_only_what_is_known_is_answered(self):
        before = settle(run(), READ, {"n": 1}, step="s1")
        verdict = loop_verdict(before, proposal(READ, {"n": 1}, {"n": 2}))
        assert verdict.kind == "allow"
        assert verdict.reuse == {0: "q0.0"}


class TestCycles:
    def cycle(self, period, rounds, data=None):
        before = run(plan_step(namespace="a"))
        for turn in range(rounds):
            for place in range(period):
                said = data(turn, place) if data else {"place": place}
                before = settle(before, f"a.t{place}", {"n": place}, said)
        return before

    @pytest.mark.parametrize("period", [2, 3, 4])
    def test_it_is_broken_after_three_equal_rounds(self, period):
        before = self.cycle(period, CYCLE_REPEATS)
        before = before.model_copy(update={"writes": 1})
        verdict = loop_verdict(before, proposal("a.t0", {"n": 0}))
        assert (verdict.kind, verdict.code) == ("replan", "loop_replan")
        assert f"The same {period} calls came 3 times" in verdict.reason

    @pytest.mark.parametrize("period", [2, 3, 4])
    def test_two_rounds_are_none(self, period):
        before = self.cycle(period, 2).model_copy(update={"writes": 1})
        assert loop_verdict(before, proposal("a.t0", {"n": 0})).kind == "allow"

    def test_new_results_are_progress(self):
        before = self.cycle(2, 4, lambda turn, place: {"place": place, "turn": turn})
        before = before.model_copy(update={"writes": 1})
        assert loop_verdict(before, proposal("a.t0", {"n": 0})) == ALLOW


class TestStalls:
    def errors(self, count, **fields):
        before = run(plan_step(namespace="ocr"))
        for n in range(count):
            before = settle(before, READ, {"n": n}, error="offline", **fields)
        return before

    def test_three_equal_errors_bring_a_new_plan(self):
        verdict = loop_verdict(self.errors(3), proposal(READ, {"n": 9}))
        assert verdict.kind == "replan"
        assert verdict.reason == "ocr.read failed 3 times alike (tool_failed)."
        assert "offline" not in verdict.reason

    def test_two_do_not(self):
        assert loop_verdict(self.errors(2), proposal(READ, {"n": 9})) == ALLOW

    def test_different_errors_do_not(self):
        before = run(plan_step(namespace="ocr"))
        for n in range(3):
            before = settle(before, READ, {"n": n}, error=f"line {n} is broken")
        assert loop_verdict(before, proposal(READ, {"n": 9})) == ALLOW

    def test_errors_of_the_items_of_one_fan_out_are_one_act(self):
        before = run(plan_step(namespace="ocr"))
        for n in range(5):
            before = settle(before, READ, {"n": n}, error="no image", parent=n)
        assert loop_verdict(before, proposal(READ, {"n": 9})) == ALLOW

    def test_calls_that_bring_nothing_new_bring_a_new_plan(self):
        before = settle(run(), LIST, HERE, {"entries": []})
        for n in range(STALLED_CALLS):
            before = settle(before, SEARCH, {"n": n}, {"entries": []})
        verdict = loop_verdict(before, proposal(SEARCH, {"n": 9}))
        assert verdict.kind == "replan"
        assert "brought nothing new" in verdict.reason

    def test_one_new_result_among_them_is_progress(self):
        before = settle(run(), LIST, HERE, {"entries": []})
        for n in range(STALLED_CALLS):
            before = settle(before, SEARCH, {"n": n}, {"entries": ["x"] if n == 3 else []})
        assert loop_verdict(before, proposal(SEARCH, {"n": 9})) == ALLOW

    @pytest.mark.parametrize("tool", ["clock.now", "ocr.read_table"])
    def test_after_the_new_plan_another_tool_may_be_called(self, tool):
        before = self.errors(3).model_copy(update={"refusals": {"loop_replan": 1}})
        assert loop_verdict(before, proposal(tool, HERE)) == ALLOW


class TestForeignNamespaces:
    def calls(self, count, **fields):
        before = run(plan_step(namespace="ocr"), **fields)
        for n in range(count):
            before = settle(before, SEARCH, {"n": n}, {"n": n})
        return before

    def test_it_is_closed_for_a_turn_after_three_calls(self):
        verdict = loop_verdict(self.calls(FOREIGN_TURNS), proposal(SEARCH, HERE))
        assert (verdict.kind, verdict.code) == ("redirect", "namespace_fixation")
        assert verdict.close_namespace == "filesystem"

    def test_fewer_are_a_detour(self):
        assert loop_verdict(self.calls(FOREIGN_TURNS - 1), proposal(SEARCH, HERE)) == ALLOW

    def test_the_steps_own_namespace_is_never_foreign(self):
        assert loop_verdict(self.calls(9), proposal(READ, HERE)).code != "namespace_fixation"

    def test_calls_for_other_steps_do_not_count(self):
        before = self.calls(FOREIGN_TURNS)
        other = plan_step("s2", "ocr")
        both = state(plan_step(namespace="ocr"), other, settled=before.settled)
        assert loop_verdict(both, proposal(SEARCH, HERE, step="s2")).code != "namespace_fixation"

    def test_a_fixation_that_goes_on_brings_a_new_plan(self):
        fixed = self.calls(FOREIGN_TURNS, refusals={"namespace_fixation": REFUSALS_BEFORE_STOP})
        assert loop_verdict(fixed, proposal(SEARCH, HERE)).kind == "replan"

    def test_without_a_plan_nothing_is_foreign(self):
        assert loop_verdict(state(), proposal(SEARCH, HERE)) == ALLOW


def benign(count, tool, arguments, data, **fields):
    """A corpus of honest work: nothing in it may ever be stopped."""
    before = run(plan_step(namespace=tool.partition(".")[0]))
    for n in range(count):
        verdict = loop_verdict(before, proposal(tool, arguments(n), **fields))
        yield verdict
        before = settle(before, tool, arguments(n), data(n), **fields)


class TestHonestWork:
    def test_renaming_a_hundred_files(self):
        verdicts = benign(100, MOVE, lambda n: {"n": n}, lambda n: {"new": n}, effect="local_write")
        assert all(verdict == ALLOW for verdict in verdicts)

    def test_polling_a_job_whose_progress_changes(self):
        """Polling goes on only in a changing world; the breaker cannot know that time passed."""
        before = run(plan_step(namespace="job"))
        for n in range(30):
            before = settle(before, "job.status", {"id": 1}, {"percent": n})
            before = settle(before, "job.touch", {"n": n}, {"n": n}, effect="local_write")
            assert loop_verdict(before, proposal("job.status", {"id": 1})) == ALLOW

    def test_paging_through_fifty_pages(self):
        verdicts = benign(50, "web.page", lambda n: {"page": n}, lambda n: {"rows": [n]})
        assert all(verdict == ALLOW for verdict in verdicts)

    def test_editing_and_testing_with_changing_errors(self):
        before = run(plan_step(namespace="code"))
        for n in range(10):
            assert loop_verdict(before, proposal("code.test", HERE)) == ALLOW
            before = settle(before, "code.test", HERE, error=f"{10 - n} tests fail")
            before = settle(before, "code.edit", {"n": n}, {"n": n}, effect="local_write")

    def test_reading_a_file_again_after_writing_it(self):
        before = settle(run(), "filesystem.read", HERE, {"text": "old"})
        before = settle(before, "filesystem.write", HERE, {"bytes": 3}, effect="local_write")
        assert loop_verdict(before, proposal("filesystem.read", HERE)) == ALLOW

    def test_trying_again_after_a_busy_server(self):
        before = settle(run(), LIST, HERE, error="busy")
        assert loop_verdict(before, proposal(LIST, HERE)) == ALLOW

    @pytest.mark.parametrize("tool", ["task.add", "filesystem.trash"])
    def test_a_fan_out_whose_items_all_answer_alike(self, tool):
        second = plan_step("s2", tool.partition(".")[0])
        before = run(plan_step(), second)
        for n in range(10):
            before = settle(
                before, "filesystem.trash", {"n": n}, {"ok": True}, effect="local_write", parent=n
            )
        assert loop_verdict(before, proposal(tool, {"n": "x"}, step="s2")) == ALLOW


TOOLS = [LIST, SEARCH, READ]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(TOOLS), st.integers(0, 1)), max_size=25))
def test_no_read_is_ever_executed_twice_in_an_unchanged_world(wishes):
    before = run()
    seen = set()
    for tool, n in wishes:
        verdict = loop_verdict(before, proposal(tool, {"n": n}))
        if verdict.kind != "allow":
            break
        if 0 in verdict.reuse:
            before = settle(before, tool, {"n": n}, {"n": n, "tool": tool}, reused=True)
            continue
        assert (tool, n) not in seen
        seen.add((tool, n))
        before = settle(before, tool, {"n": n}, {"n": n, "tool": tool})


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=12))
def test_a_repeat_only_ever_climbs_the_ladder(answers):
    """However often it is refused, the same call in the same world is never carried out again."""
    before = settle(run(), LIST, HERE)
    for _ in answers:
        verdict = loop_verdict(before, proposal(LIST, HERE))
        assert verdict.reuse or verdict.kind in {"redirect", "replan", "stop"}
        if verdict.reuse:
            before = settle(before, LIST, HERE, reused=True)
        else:
            counts = {**before.refusals, verdict.code: before.refusals.get(verdict.code, 0) + 1}
            before = before.model_copy(update={"refusals": counts})
