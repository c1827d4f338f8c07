"""A plan with plainly too few steps is asked for again; nothing less plain is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.policy.decomposition import action_verbs, left_out, under_decomposed

VERBS = ["read", "rename", "delete", "summarise", "send", "schedule", "convert", "create", "then"]


def plan_of(count):
    steps = (
        PlanStep(id=f"s{n}", intent=f"do the {n}th", namespace="x") for n in range(1, count + 1)
    )
    return Plan(steps=tuple(steps))


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("Read the text of each screenshot and rename it after what it shows.", 1),
        ("Read every invoice, summarise it and send the summary to Ana.", 1),
        ("Read every invoice, summarise it and send the summary to Ana.", 2),
        ("Convert the scan to text and send it to Bob.", 1),
        ("Rename all pictures, then create a note with their names.", 1),
    ],
)
def test_several_kinds_of_action_in_too_few_steps_are_objected_to(goal, steps):
    said = under_decomposed(goal, plan_of(steps))
    assert f"the plan has {steps} step" in said
    assert "Give each action its own step." in said


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("Rename the screenshots after what they show.", 1),
        ("Read the text of each screenshot and rename it.", 2),
        ("Read, summarise and send it.", 2),
        ("Write a mail to Ana and send it.", 1),
        ("Create an event and schedule it for Monday.", 1),
        ("Mark the mail as read and move it.", 1),
        ("Read my schedule.", 1),
        ("Read the copy of the contract.", 1),
        ('Send "read and rename this" to Ana.', 1),
        ("Send the file without renaming and don't delete it.", 1),
        ("What time is it?", 1),
    ],
)
def test_what_is_not_plain_is_let_be(goal, steps):
    assert under_decomposed(goal, plan_of(steps)) == ""


@pytest.mark.parametrize("plan", [Plan(answer="It is noon."), Plan(question="Which?")])
def test_an_answer_or_a_question_has_no_steps_to_lack(plan):
    assert under_decomposed("Read it and send it.", plan) == ""


def test_each_kind_is_told_by_the_word_that_the_goal_uses():
    assert action_verbs("Extract the text, then Move it and delete it") == ["extract", "move"]


def test_going_over_items_is_told_where_the_goal_does():
    assert "finds the items" in under_decomposed("Read each and rename it", plan_of(1))
    assert "finds the items" not in under_decomposed("Read it and rename it", plan_of(1))


GOALS = st.lists(
    st.sampled_from([*VERBS, "each", "all", "file", "the", "'a", "without"]), max_size=12
).map(" ".join)


@given(GOALS, st.integers(1, 12))
def test_a_plan_with_a_step_for_each_verb_is_never_objected_to(goal, more):
    verbs = sum(word in VERBS for word in goal.split())
    assert under_decomposed(goal, plan_of(min(12, max(1, verbs) + more - 1))) == ""


@pytest.mark.parametrize(
    ("goal", "intents", "lacking"),
    [
        ("File House/a.txt under House/Old.", ["create the folder House/Old"], "a.txt"),
        ("File House/a.txt under House/Old.", ["create House/Old", "move a.txt to it"], ""),
        ("File House/a.txt under Old.", ["read what is in House", "move it"], ""),
        ("Compare p.txt and q.txt.", ["compare the two"], "p.txt"),
        ("Rename p.txt to q.txt.", ["rename the file"], ""),
        ("Mail ana@sea.example about www.sea.example.", ["draft a mail to Ana"], ""),
        ("What is an apple.pie?", [], ""),
    ],
)
def test_a_file_of_the_goal_that_no_step_speaks_of_is_named(goal, intents, lacking):
    steps = [PlanStep(id=f"s{n}", intent=i, namespace="files") for n, i in enumerate(intents, 1)]
    made = Plan(steps=tuple(steps)) if steps else Plan(answer="A file.")
    found = left_out(goal, made)
    assert lacking in found
    assert bool(found) is bool(lacking)
