"""An answer is made of facts: invented numbers, files and deeds are found, true ones stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.plans import Plan
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.policy.claims import (
    FACT_CHARACTERS,
    LISTED,
    fact_text,
    facts,
    not_done,
    own_words,
    unsupported,
)
from tests.fakes.states import close, plan_step, settle, state

RENAMED = {"old_name": "shot.png", "new_name": "invoice-4711.png"}


def renamed(count=2):
    """A run that listed a folder and renamed some files of it."""
    run = state(
        plan_step("s1", intent="list the files on the Desktop"),
        plan_step("s2", intent="rename each screenshot", over="s1"),
        request=RunRequest(goal="Rename the 2 screenshots of order 99."),
    )
    run = close(settle(run, "filesystem.list_dir", data={"entries": [{"name": "shot.png"}]}), "s1")
    for n in range(count):
        made = RENAMED if n == 0 else {"old_name": f"{n}.png", "new_name": f"new-{n}.png"}
        run = settle(
            run,
            "filesystem.rename_file",
            {"n": n},
            made,
            effect="local_write",
            step="s2",
            parent=n,
        )
    return close(run, "s2")


class TestFacts:
    def test_every_step_says_how_far_it_came(self):
        lines = facts(renamed())
        assert "list the files on the Desktop: done" in lines
        assert "rename each screenshot: done for 2 of 2" in lines

    def test_a_change_is_old_and_new(self):
        assert "  shot.png is now invoice-4711.png" in facts(renamed())

    def test_what_a_later_step_went_over_is_not_listed(self):
        assert not any("entries" in line for line in facts(renamed()))

    def test_a_failed_item_shows_in_the_count(self):
        run = settle(
            renamed(1), "filesystem.rename_file", {"n": 9}, error="no", step="s2", parent=9
        )
        assert "rename each screenshot: done for 1 of 2" in facts(run)

    def test_a_note_is_part_of_it(self):
        run = renamed()
        noted = run.steps[1].model_copy(update={"note": "1 of 3 failed."})
        run = run.model_copy(update={"steps": (run.steps[0], noted)})
        assert "rename each screenshot: done for 2 of 2 (1 of 3 failed.)" in facts(run)

    def test_long_lists_are_cut(self):
        assert sum(" is now " in line for line in facts(renamed(40))) == LISTED
        assert len(fact_text(renamed(40))) <= FACT_CHARACTERS

    def test_an_answer_without_tools_is_a_fact(self):
        run = RunState(plan=Plan(answer="Forty-two."))
        assert facts(run) == ["No tool was needed: Forty-two."]

    def test_own_words_count_the_steps(self):
        assert own_words(renamed()).startswith("2 of 2 steps were done.\n")

    def test_what_was_not_done_is_said_with_its_reason(self):
        run = close(renamed(), "s2", "failed")
        noted = run.steps[1].model_copy(update={"note": "The disk is full."})
        run = run.model_copy(update={"steps": (run.steps[0], noted)})
        assert not_done(run) == ["Not done: rename each screenshot. The disk is full."]
        assert not_done(renamed()) == []


class TestClaims:
    @pytest.mark.parametrize(
        "said",
        [
            "The screenshots were renamed.",
            "shot.png is now invoice-4711.png.",
            "2 files were renamed.",
            "Both screenshots of order 99 have new names.",
            "Nothing was deleted.",
            "I did not send any mail.",
            "",
        ],
    )
    def test_what_the_journal_holds_may_be_said(self, said):
        assert unsupported(said, renamed()) == []

    @pytest.mark.parametrize(
        "said",
        [
            "17 files were renamed.",
            "I found invoice-9999.pdf.",
            "I deleted the old files.",
            "The report was sent to Ana.",
            "All files were copied.",
            "I moved them to the trash.",
            "A new folder was created.",
            "The total is 12.50.",
        ],
    )
    def test_what_it_does_not_hold_is_found(self, said):
        run = renamed()
        if "moved" in said:
            run = state(plan_step(), request=run.request)
        assert unsupported(said, run) == [said]

    def test_only_the_sentence_that_invents_is_refused(self):
        said = "The screenshots were renamed. I also sent 5 mails! Nothing else was touched."
        assert unsupported(said, renamed()) == ["I also sent 5 mails!"]

    def test_a_read_is_no_deed(self):
        run = close(settle(state(plan_step()), "filesystem.rename_preview"), "s1")
        assert unsupported("The file was renamed.", run)

    def test_a_failed_deed_is_no_deed(self):
        run = settle(state(plan_step()), "filesystem.rename_file", effect="local_write", error="no")
        assert unsupported("The file was renamed.", run)

    def test_a_step_that_failed_is_not_claimed(self):
        run = close(renamed(), "s1", "failed")
        assert unsupported("I list the files on your Desktop below.", run)
        assert unsupported("The files on the Desktop could not be listed: it failed.", run) == []

    def test_the_goals_own_words_are_known(self):
        assert unsupported("Order 99 is done.", renamed()) == []
        assert unsupported("Order 98 is done.", RunState()) == ["Order 98 is done."]


@settings(max_examples=40)
@given(st.text())
def test_what_is_refused_is_part_of_what_was_said(said):
    assert all(sentence in said for sentence in unsupported(said, renamed()))


@settings(max_examples=40)
@given(st.integers(100, 10**9))
def test_a_number_out_of_nowhere_is_always_found(number):
    assert unsupported(f"There are {number} of them.", renamed()) or str(number) in "4711"
