"""The answer is made from the journal: a sentence that the journal does not hold is taken out."""

import pytest

from orchestrator.core.events import AnswerGiven, ModelCalled
from tests.fakes.office import (
    LIST,
    Office,
    Writer,
    act,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio


async def answer_to(said, *script):
    office = Office(images=screenshots(2))
    orchestrator = office.orchestrator([*script] or screenshot_script(), Writer(said))
    entries = await entries_of(orchestrator.stream(office.request()))
    [answer] = events(entries, AnswerGiven)
    return answer, entries


LISTING = (plan(step("s1", "list the files", "filesystem")), *act(LIST, path="$folder.Desktop"))


async def test_a_true_answer_is_given_as_it_was_said():
    said = "Both screenshots were renamed after what they show."
    answer, _ = await answer_to(said)
    assert (answer.text, answer.refused, answer.by) == (said, (), "synthesizer")


async def test_an_invented_sentence_is_taken_out_and_the_rest_stays():
    answer, _ = await answer_to("The screenshots were renamed. I also emailed 17 people.")
    assert answer.text == "The screenshots were renamed."
    assert answer.refused == ("I also emailed 17 people.",)


async def test_an_action_that_nobody_took_is_not_claimed():
    answer, _ = await answer_to("I renamed all the files.", *LISTING)
    assert answer.by == "journal"
    assert answer.refused == ("I renamed all the files.",)


async def test_a_file_that_nobody_met_is_not_named():
    answer, _ = await answer_to("The list holds secrets.txt.", *LISTING)
    assert answer.refused == ("The list holds secrets.txt.",)


async def test_what_was_not_done_may_be_said():
    answer, _ = await answer_to("Nothing was renamed.", *LISTING)
    assert (answer.text, answer.by) == ("Nothing was renamed.", "synthesizer")


async def test_an_answer_of_nothing_but_claims_is_replaced_by_the_journals_own_words():
    answer, entries = await answer_to("I deleted 99 files!", *LISTING)
    assert answer.by == "journal"
    assert answer.text.startswith("1 of 1 steps were done.")
    assert entries[-1].event.status == "completed"


async def test_an_answer_that_was_cut_short_is_replaced_too():
    answer, _ = await answer_to("word " * 400, *LISTING)
    assert answer.by == "journal"


async def test_the_answer_is_not_part_of_the_planners_transcript():
    _, entries = await answer_to("It is done.")
    last = events(entries, ModelCalled)[-1]
    assert (last.role, last.purpose, last.keep) == ("synthesizer", "answer", False)
