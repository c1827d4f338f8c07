"""What a query says about its tool: kinds for values, and synonyms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.policy.queries import essence, related, sentences
from orchestrator.policy.synonyms import GROUPS, NEIGHBOURS


@pytest.mark.parametrize(
    ("query", "gist"),
    [
        ("Rename plan-v1.docx to plan-final.docx", "Rename docx file to docx file"),
        ("read ~/Desktop/notes.txt", "read txt file"),
        ("list what is in /var/log", "list what is in folder"),
        ("open https://example.org/a?b=c now", "open url now"),
        ("look at example.com", "look at url"),
        ("write to ana@example.org", "write to email address"),
        ('write "see you on Monday" to a file', "write to a file"),
        ("papers about 'MCP'", "papers about 'MCP'"),
        ("upgrade to version 3.11 today", "upgrade to version 3.11 today"),
        ("don't move it, it's mine", "don't move it, it's mine"),
        ("notes.txt", "txt file"),
        ('"all of it is content"', '"all of it is content"'),
    ],
)
def test_kinds_stand_in_for_values(query, gist):
    assert essence(query) == gist


@given(st.text())
def test_any_query_has_a_gist_unless_it_is_blank(query):
    assert bool(essence(query).strip()) or not query.strip()


def test_a_request_falls_apart_into_the_sentences_that_say_something():
    assert sentences("Find the invoice. Ok. Then mail it to Ana!\nBook a room") == (
        "Find the invoice.",
        "Then mail it to Ana!",
        "Book a room",
    )


@given(st.text())
def test_there_are_never_more_than_eight_sentences(query):
    assert len(sentences(query)) <= 8


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("trash it", {"delete", "remove", "erase"}),
        ("copies of images", {"duplicate", "picture", "photo"}),
        ("planning a trip", {"schedule", "travel"}),
        ("Scheduled meetings", {"book", "event"}),
    ],
)
def test_an_inflected_word_has_the_synonyms_of_its_base(query, words):
    assert words <= set(related(query).split())


def test_words_of_the_query_are_not_repeated():
    assert "delete" not in related("delete or remove").split()


def test_a_word_of_no_group_has_no_synonyms():
    assert related("zebra") == ""


@given(st.text())
def test_synonyms_come_from_the_table_alone(query):
    assert set(related(query).split()) <= set(NEIGHBOURS)


def test_every_group_has_at_least_two_words_in_lower_case():
    groups = [group.split() for group in GROUPS]
    assert all(len(set(words)) == len(words) > 1 for words in groups)
    assert all(word == word.lower() for words in groups for word in words)


def test_synonyms_go_both_ways():
    assert all(word in NEIGHBOURS[other] for word, others in NEIGHBOURS.items() for other in others)
