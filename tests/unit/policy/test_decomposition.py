"""A plan with plainly too few steps is asked for again; nothing less plain is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.policy.decomposition import (
    action_verbs,
    left_out,
    missing_parts,
    parts,
    under_decomposed,
    with_missing,
)

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


CLOSEST = {"task": ("task", True), "mail": ("email", True), ".txt": ("filesystem", False)}


def closest(part):
    return next((found for word, found in CLOSEST.items() if word in part.lower()), ("", False))


def planned(*steps):
    made = [PlanStep(id=f"s{n}", intent=i, namespace=ns) for n, (i, ns) in enumerate(steps, 1)]
    return Plan(steps=tuple(made))


LISTS = ("list the files in House", "filesystem")


@pytest.mark.parametrize(
    ("goal", "steps", "lacking"),
    [
        ("List House and add a task for it.", [LISTS], ["add a task for it."]),
        ("List House and add a task for it.", [LISTS, ("add it to the tasks", "task")], []),
        ("Add a task and draft a mail.", [("add the task", "task")], ["draft a mail."]),
        (
            "Move House/abc.txt.",
            [("create the folder Old", "filesystem")],
            ["Move House/abc.txt."],
        ),
        ("Move House/a.txt.", [("put a.txt into Old", "filesystem")], []),
        ('Keep "gate code" in a file.', [("write the code of the gate", "filesystem")], []),
        ("If there are any, add a task. Otherwise draft a mail.", [LISTS], []),
        ("What is on my task list?", [LISTS], []),
        ("Delete the old mail of the plan.", [("delete the old mail", "filesystem")], []),
    ],
)
def test_a_part_that_asks_for_a_change_which_no_step_makes_is_missing(goal, steps, lacking):
    assert [missing.part for missing in missing_parts(goal, planned(*steps), closest)] == lacking


def test_what_is_missing_gets_a_step_at_the_end():
    made = with_missing("List House and add a task.", planned(LISTS), closest)
    assert [(s.id, s.intent, s.namespace, s.over) for s in made.steps][1:] == [
        ("s2", "add a task", "task", "")
    ]


def test_for_each_of_the_goal_it_goes_over_what_the_last_step_does():
    made = planned(LISTS, ("read each", "document"), ("move each away", "filesystem"))
    first, read, last = made.steps
    over = (first, read.model_copy(update={"over": "s1"}), last.model_copy(update={"over": "s2"}))
    goal = "Read each file in House, add a task for it, and move it away."
    found = with_missing(goal, Plan(steps=over), closest)
    assert [(s.namespace, s.over) for s in found.steps][3:] == [("task", "s2")]


RENAMED = Plan(
    steps=(
        PlanStep(id="s1", intent="list the files in House", namespace="filesystem"),
        PlanStep(id="s2", intent="write a short file name", namespace="text", over="s1"),
        PlanStep(id="s3", intent="rename each", namespace="filesystem", over="s2"),
        PlanStep(id="s4", intent="list the files in House/Sorted", namespace="filesystem"),
    )
)


def in_files(_part):
    return "filesystem", True


def test_a_part_whose_verb_no_step_of_its_namespace_says_is_missing():
    goal = "Rename the letters, move them into House/Sorted and list that folder at the end."
    found = with_missing(goal, RENAMED, in_files).steps
    assert [(s.id, s.intent, s.over) for s in found][2:] == [
        ("s3", "rename each", "s2"),
        ("s5", "move them into House/Sorted", "s3"),
        ("s4", "list the files in House/Sorted", ""),
    ]


def test_a_record_that_is_updated_is_moved_and_cancelling_is_deleting():
    moves = planned(("update the dentist appointment", "calendar"))
    assert not missing_parts("Move my dentist appointment.", moves, lambda _: ("calendar", True))
    assert not missing_parts("Move my appointment.", moves, lambda _: ("filesystem", False))
    ends = planned(("cancel the lessons", "calendar"))
    assert not missing_parts("Delete the lessons.", ends, lambda _: ("calendar", True))


def test_a_question_or_an_answer_lacks_no_step():
    asked = Plan(question="Which?")
    assert with_missing("Delete the old mail.", asked, closest) == asked


def test_a_part_that_names_what_it_is_about_goes_over_nothing():
    goal = "Rename each letter and add a task \u201cCall Bo\u201d for it."
    found = with_missing(goal, RENAMED.model_copy(update={"steps": RENAMED.steps[:3]}), closest)
    assert [(s.namespace, s.over) for s in found.steps][3:] == [("task", "")]


def test_parts_keep_what_is_quoted_whole():
    goal = 'Add the task "Write. And add" and draft a mail saying "No, move it." Then save it.'
    assert parts(goal) == [
        'Add the task "Write. And add"',
        'draft a mail saying "No, move it."',
        "save it.",
    ]


@given(st.text(max_size=80), st.lists(st.sampled_from(["task", "email", "filesystem"]), max_size=3))
def test_a_plan_is_only_ever_added_to(goal, namespaces):
    made = planned(*[("do it", namespace) for namespace in namespaces] or [LISTS])
    found = with_missing(goal, made, closest)
    assert found.steps[: len(made.steps)] == made.steps


def test_what_another_namespace_says_in_passing_is_not_added_by_it():
    goal = 'How much memory is there? Put "Ask about memory" on my list.'
    memory = PlanStep(id="s1", intent="get the memory", namespace="system")
    asks = PlanStep(id="s2", intent="ask about memory", namespace="system")

    def closest(words):
        return "task", False

    assert missing_parts(goal, Plan(steps=(memory, asks)), closest)[0].namespace == "task"
    for namespace, intent in [
        ("task", "new task “Ask about memory”"),
        ("x", "put “Ask about memory”"),
    ]:
        told = PlanStep(id="s2", intent=intent, namespace=namespace)
        assert missing_parts(goal, Plan(steps=(memory, told)), closest) == []
