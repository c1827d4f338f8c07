"""Faults in the form of a plan that are put right without asking for another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.policy.conditions import parse_facts
from orchestrator.policy.soundness import closer, of_another_goal, sound


def step(id_, intent="find the mails", over="", only_if="", namespace="email", **fields):
    facts = parse_facts(f"{only_if}.count > 0", default="") if only_if else ()
    return PlanStep(id=id_, intent=intent, namespace=namespace, over=over, only_if=facts, **fields)


def test_a_condition_on_itself_is_left_out_of_a_step_that_only_looks():
    assert sound([step("s1", only_if="s1")]) == [step("s1")]


def test_what_is_done_under_a_condition_is_never_done_without_it():
    deletes = step("s1", "delete the draft", only_if="s4")
    assert sound([deletes]) == [deletes]


def test_a_source_that_is_no_earlier_step_is_left_out_with_its_condition():
    (found,) = sound([step("s1", over="s3", take=2)])
    assert (found.over, found.take) == ("", None)


def test_but_never_of_a_step_that_changes_something():
    deletes = step("s1", "delete the files", over="s3", take=2)
    assert sound([deletes]) == [deletes]


def test_what_goes_over_a_step_that_was_there_twice_goes_over_the_first():
    steps = [step("s1", "find the drafts"), step("s2", "read it", over="s1")]
    again = [step("s3", "find the drafts"), step("s4", "delete the drafts", over="s3", take=1)]
    found = sound([*steps, *again])
    assert [(s.id, s.over, s.take) for s in found][2:] == [("s4", "s1", 1)]


def test_an_id_that_is_there_twice_and_that_another_means_stays_to_be_objected_to():
    steps = [step("s1", "list Kitchen"), step("s1", "list Archive")]
    found = sound([*steps, step("s2", "delete each", over="s1")])
    assert [s.id for s in found] == ["s1", "s1", "s2"]


def test_a_source_among_the_steps_done_is_kept():
    assert sound([step("s2", over="s1")], kept=["s1"]) == [step("s2", over="s1")]


def test_an_id_that_is_there_twice_is_given_anew():
    found = sound([step("s1"), step("s1", "draft a mail")])
    assert [s.id for s in found] == ["s1", "s2"]


def test_a_step_that_is_there_twice_is_left_out():
    assert sound([step("s1"), step("s2", "read it"), step("s3")]) == [
        step("s1"),
        step("s2", "read it"),
    ]


@pytest.mark.parametrize(
    ("intent", "idle"),
    [
        ("if they haven't, leave it all", True),
        ("leave the others as they are", True),
        ("do nothing", True),
        ("leave the keys with the porter", False),
        ("move the PDFs and leave the others where they are", False),
        ("delete the drafts and leave the rest", False),
        ("keep them in Papers", False),
    ],
)
def test_a_step_that_leaves_all_as_it_is_is_none(intent, idle):
    assert (len(sound([step("s1"), step("s2", intent)])) == 1) is idle


def test_a_step_that_others_build_on_stays():
    steps = [step("s1", "leave it all"), step("s2", "read it", over="s1")]
    assert sound(steps) == steps


GOAL = "Has Aster Nursery mailed about our trees? If so, add a task."
ABOUT_IT = Plan(steps=(step("s1", "find the mails of Aster Nursery"), step("s2", "add a task")))
ANOTHER = Plan(steps=(step("s1", "find the word frost in the handbook"),))


def test_of_two_plans_the_one_that_says_more_of_the_goal_is_taken():
    assert closer(GOAL, ANOTHER, ABOUT_IT) == ABOUT_IT
    assert closer(GOAL, ABOUT_IT, ANOTHER) == ABOUT_IT
    assert closer(GOAL, ABOUT_IT, None) == ABOUT_IT
    assert closer(GOAL, ANOTHER, Plan(question="Which one?")) == ANOTHER


def test_a_plan_that_says_no_word_of_the_goal_is_objected_to():
    assert of_another_goal(GOAL, ANOTHER)
    assert not of_another_goal(GOAL, ABOUT_IT)
    assert not of_another_goal("Tidy up.", ANOTHER)
    assert not of_another_goal("R\u00e4ume meinen ganzen Schreibtisch auf, bitte.", ANOTHER)
    assert not of_another_goal(GOAL, Plan(answer="No."))


ids = st.sampled_from(["s1", "s2", "s3", "s9"])
intents = st.sampled_from(["find the mails", "delete the draft", "leave it all", "read it"])


@given(st.lists(st.builds(step, ids, intents, st.sampled_from(["", "s1", "s2"])), max_size=6))
def test_what_changes_something_is_never_widened_and_what_looks_has_its_sources(steps):
    found, seen = sound(steps), set()
    for one in found:
        looks = not one.intent.startswith("delete")
        assert not looks or not one.over or one.over in seen
        seen.add(one.id)
    assert bool(found) == bool(steps)
    deletes = [s for s in steps if s.intent.startswith("delete")]
    widened = [s for s in found if s.intent.startswith("delete") and not s.over]
    assert len(widened) <= sum(not s.over for s in deletes)
