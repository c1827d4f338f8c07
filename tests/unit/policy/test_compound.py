"""Steps that are two in one, or that the text tools could not carry out."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plans import PlanStep
from orchestrator.policy.compound import parted, where_it_is_done


def step(id_, intent, namespace="calendar", **fields):
    return PlanStep(id=id_, intent=intent, namespace=namespace, **fields)


def split(*steps):
    made = parted(steps, (f"s{n}" for n in count(7)))
    return [(s.id, s.intent, s.over) for s in made]


def test_what_is_found_and_changed_is_found_first_and_the_change_keeps_the_id():
    assert split(step("s1", "find the viewing and change its start to 16:30")) == [
        ("s7", "find the viewing", ""),
        ("s1", "change its start to 16:30", "s7"),
    ]


def test_a_step_that_goes_over_some_is_left_alone():
    over = step("s2", "look up each, then cancel it", over="s1")
    assert split(step("s1", "list it"), over)[1] == ("s2", over.intent, "s1")
    itself = step("s1", "find the viewing and move it", over="s1")
    assert [made[2] for made in split(itself)] == ["", "s7"]


@pytest.mark.parametrize(
    "intent",
    [
        "find the events and the tasks",
        'find the note "find and delete"',
        "change the start and move the end",
        "list the events of today",
        "check the inbox and trash for mails from the bank",
        "get the title and file of each note",
        "list the Documents folder and trash",
        "search the inbox and archive for mails from Petra",
    ],
)
def test_one_thing_is_one_step(intent):
    assert split(step("s1", intent)) == [("s1", intent, "")]


def test_the_text_tools_are_left_alone_and_so_is_a_step_where_no_id_is_free():
    text = step("s1", "find the date and add it", "text")
    assert parted([text], iter(["s7"])) == [text]
    both = step("s1", "find the date and add it")
    assert parted([both], iter(())) == [both]


@given(st.lists(st.text(max_size=40), max_size=4))
def test_no_step_is_lost_and_every_id_stands_once(intents):
    steps = [step(f"s{at}", said or "x") for at, said in enumerate(intents, start=1)]
    made = parted(steps, (f"s{n}" for n in count(7)))
    ids = [s.id for s in made]
    assert {s.id for s in steps} <= set(ids)
    assert len(ids) == len(set(ids))


def places(namespace, *, clear=True):
    return lambda words: (namespace, clear)


GOAL = 'When do they come? Add "Be home", due that day.'


def moved(said, namespace, closest, goal=GOAL):
    made = where_it_is_done([step("s1", said, namespace)], goal, closest)[0]
    return made.namespace, made.intent


def test_what_changes_something_is_not_made_by_the_text_tools():
    said = "add “Be home” to the meter file"
    found = moved(said, "text", places("task", clear=False))
    assert found == ("task", 'Add "Be home", due that day')


def test_a_day_that_the_step_has_found_out_stays():
    said = "add “Be home” for 2026-06-09"
    assert moved(said, "text", places("task")) == ("task", said)


def test_where_no_namespace_plainly_makes_it_and_none_at_all_the_step_stays():
    said = "add a stamp"
    assert moved(said, "text", places("task", clear=False)) == ("text", said)
    assert moved(said, "text", places("")) == ("text", said)


@pytest.mark.parametrize(
    "said",
    [
        "write a line about it",
        "add up the amounts",
        "put together a list",
        "add a greeting to the text",
        "enter the title at the top",
    ],
)
def test_words_are_made_by_the_text_tools(said):
    assert moved(said, "text", places("task")) == ("text", said)
