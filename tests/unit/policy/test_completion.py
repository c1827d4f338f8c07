"""A run is not over while a part of its goal was nobody's step."""

import pytest

from orchestrator.core.plans import Plan
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.policy.completion import parts_not_done
from orchestrator.policy.selection import parse_where
from tests.fakes.states import close, plan_step, settle, state


def run(goal, *steps):
    return state(*steps, request=RunRequest(goal=goal))


def task(words):
    return "task", True


LISTING = plan_step("s1", "task", intent="list all tasks that have garden in their title")
GARDEN = "Tick off all the tasks that have garden in their title."


def test_a_change_that_only_was_looked_for_is_not_done():
    assert parts_not_done(run(GARDEN, LISTING), task) == [GARDEN.rstrip(".")]


def test_a_change_that_a_step_was_for_is_told_by_that_step():
    ticks = plan_step("s2", "task", over="s1", intent="tick off each task")
    assert parts_not_done(run(GARDEN, LISTING, ticks), task) == []


@pytest.mark.parametrize(
    "goal",
    [
        "Read report.docx and make a list of the names.",
        "Write a summary of report.docx.",
        "Count the mails in the inbox, archive and trash.",
    ],
)
def test_words_are_done_where_the_text_tools_make_them(goal):
    reads = plan_step("s1", "document", intent="read report.docx and the mails")
    writes = plan_step("s2", "text", over="s1", intent="make a list of the names, write a summary")
    assert parts_not_done(run(goal, reads, writes), lambda words: ("document", False)) == []


def test_words_that_the_text_tools_made_are_no_task():
    goal = 'Read a.txt and add "Be home" for that day.'
    text = plan_step("s2", "text", over="s1", intent='add "Be home" for that day')
    assert parts_not_done(run(goal, plan_step("s1", intent="read a.txt"), text), task)


def test_what_is_asked_under_a_condition_that_no_step_looks_at_is_open():
    goal = 'Compare a.md with b.md. If it became dearer, put "Ring them" on my list.'
    compares = plan_step("s1", "document", intent="compare a.md with b.md")
    assert parts_not_done(run(goal, compares), task) == [
        'If it became dearer, put "Ring them" on my list'
    ]
    rings = plan_step("s2", "task", intent='add "Ring them"')
    assert parts_not_done(run(goal, compares, rings), task) == []


def test_what_a_condition_names_counts_as_said_and_asks_for_nothing():
    goal = 'If there is a file called "budget.txt", add a task for it.'
    lists = plan_step("s1", intent="list the files")
    adds = plan_step("s2", "task", over="s1", intent="add a task for it")
    assert parts_not_done(run(goal, lists, adds), task) == []
    goal = 'List them. If one says "booked", add the task "Book hotel".'
    books = plan_step("s2", "task", intent="add a task", where=parse_where("title is Book hotel"))
    assert parts_not_done(run(goal, lists, books), task) == []


@pytest.mark.parametrize(
    ("goal", "undone"),
    [
        ("Find the mail about the trip and add an event for it.", ["add the event of the trip"]),
        ("Find mails about any trip and add an event for them.", []),
        ("Add an event for each mail about a trip.", []),
        ("If there is a mail about the trip, add an event for it.", []),
    ],
)
def test_what_could_not_be_made_for_want_of_anything_is_not_done(goal, undone):
    finds = plan_step("s1", "email", intent="find the mail about the trip")
    adds = plan_step("s2", "calendar", over="s1", intent="add the event of the trip")
    made = close(settle(run(goal, finds, adds), "email.search", data={"messages": []}), "s1")
    steps = [
        s if s.step.id == "s1" else s.model_copy(update={"status": "skipped", "why": "no_items"})
        for s in made.steps
    ]
    ended = made.model_copy(update={"steps": tuple(steps)})
    assert parts_not_done(ended, lambda words: ("calendar", True)) == undone


def test_a_run_without_a_plan_and_one_that_answers_or_asks_lack_nothing():
    request = RunRequest(goal=GARDEN)
    assert parts_not_done(RunState(), task) == []
    for plan in (Plan(answer="It cannot be done."), Plan(question="Which garden?")):
        assert parts_not_done(RunState(request=request, plan=plan), task) == []
