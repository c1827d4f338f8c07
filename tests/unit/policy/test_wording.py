"""Words that a goal quotes for something stand in the step that makes it."""

import pytest

from orchestrator.core.plans import PlanStep
from orchestrator.policy.selection import parse_where
from orchestrator.policy.wording import in_its_year, with_a_title, with_words_given

GOAL = 'Write coach Ruben a draft with a summary of season.md, subject "Our season".'


def intents(goal, *intents_, namespace="email"):
    steps = [PlanStep(id=f"s{n}", intent=i, namespace=namespace) for n, i in enumerate(intents_, 1)]
    return [step.intent for step in with_words_given(goal, steps)]


def test_a_subject_that_no_step_says_is_given_to_the_step_that_drafts():
    found = intents(GOAL, "read season.md", "create a draft to coach Ruben with that text")
    assert found[1] == "create a draft to coach Ruben with that text, subject “Our season”"


def test_what_a_step_says_already_is_not_said_again():
    said = "draft a mail with the subject “Our season”"
    assert intents(GOAL, said) == [said]
    assert (
        intents(GOAL, "name it Our Season, and draft a mail to coach Ruben")[0].count("eason") == 1
    )


def test_of_two_that_make_something_it_is_the_one_spoken_of_before():
    goal = (
        'Add a task with the title "Call Bo", and a note about the boat under the title "Mooring".'
    )
    found = intents(goal, "add a note about the boat", "add a task")
    assert found == ["add a note about the boat, title “Mooring”", "add a task, title “Call Bo”"]


def test_words_are_given_to_nothing_that_only_reads_or_is_another_thing():
    assert intents(GOAL, "read the draft") == ["read the draft"]
    assert intents(GOAL, "create an event") == ["create an event"]
    text = intents(GOAL, "write a draft for coach Ruben", namespace="text")
    assert text == ["write a draft for coach Ruben"]


def test_what_is_said_becomes_the_text():
    found = intents('Draft Bo a mail saying "See you".', "draft a mail to Bo")
    assert found == ["draft a mail to Bo, text “See you”"]


def test_an_intent_does_not_grow_without_end():
    goal = f'Draft Bo a mail saying "{"long " * 90}".'
    assert intents(goal, "draft a mail to Bo") == ["draft a mail to Bo"]


def titled(goal, *intents_):
    read = PlanStep(id="s1", intent="read each photo", namespace="ocr", over="s9")
    rest = [
        PlanStep(id=f"s{n}", intent=i, namespace="knowledge", over="s1")
        for n, i in enumerate(intents_, 2)
    ]
    return [step.intent for step in with_a_title(goal, [read, *rest])][1:]


def test_a_title_that_the_goal_asks_for_is_spoken_of_by_the_step_that_makes_the_thing():
    goal = "Read the photos and put a note about each, with a short title that fits."
    assert titled(goal, "create a note for each") == ["create a note for each, with a short title"]
    assert titled(goal, "create a note with that title") == ["create a note with that title"]
    assert titled("Put a note about each.", "create a note") == ["create a note"]
    assert titled('Add it with the title "Bikes".', "create a note") == ["create a note"]
    assert titled(goal, "create a note", "add a task") == ["create a note", "add a task"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("cancel the 3 June 2027 event", "cancel the 3 June 2026 event"),
        ("list the events of 2027-06-03", "list the events of 2026-06-03"),
        ("read Papers/2025/a.txt", "read Papers/2025/a.txt"),
        ("read scan-2025.png and 2024.txt", "read scan-2025.png and 2024.txt"),
    ],
)
def test_a_step_is_in_the_year_of_the_goal(said, meant):
    step = PlanStep(id="s1", intent=said, namespace="calendar")
    goal = "Squash on 3 June 2026 is cancelled."
    assert in_its_year(goal, [step])[0].intent == meant
    assert in_its_year("Squash is cancelled.", [step]) == [step]
    assert in_its_year(f"{goal} It was on 3 June 2025, too.", [step]) == [step]
    assert in_its_year("Move the invoices of 2025 and files over 2000 bytes.", [step]) == [step]


def test_so_is_its_condition():
    where = parse_where("title contains 3 June 2027")
    step = PlanStep(id="s2", intent="cancel it", namespace="calendar", over="s1", where=where)
    made = in_its_year("Cancel squash on 3 June 2026.", [step])[0]
    assert made.where == parse_where("title contains 3 June 2026")


def test_a_folder_that_is_called_what_the_mail_is_to_be_called_says_nothing():
    goal = 'Sum up Choir trip/report.md and draft that to Marek under the subject "Choir trip".'
    found = intents(goal, "summarize report.md from Choir trip", "draft the summary to Marek")
    assert found[1] == "draft the summary to Marek, subject “Choir trip”"
    quoted = intents(goal, "find the mail “Choir trip”", "draft the summary to Marek")
    assert quoted[1] == "draft the summary to Marek"


def test_the_title_of_one_text_is_made_as_well():
    reads = PlanStep(id="s1", intent="read the text on the clipboard", namespace="clipboard")
    notes = PlanStep(id="s2", intent="write a note with that text", namespace="notes", over="s1")
    goal = "Make a note of the clipboard and give it a short title that fits."
    assert with_a_title(goal, [reads, notes])[1].intent.endswith(", with a short title")
