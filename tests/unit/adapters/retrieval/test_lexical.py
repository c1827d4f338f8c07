"""How texts fall apart into words, and that rare words weigh more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.retrieval.lexical import LexicalRetriever, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ocr.extract_text", ["ocr", "extract", "text"]),
        ("extractTextFromPDF", ["extract", "text", "from", "pdf"]),
        ("XMLParser", ["xml", "parser"]),
        ("merging the PDFs", ["merging", "merg", "pdfs", "pdf"]),
        ("mp3 to Base64", ["mp", "3", "base", "64"]),
        ("Café für Zoë", ["café", "für", "zoë"]),
        ("the of and", []),
        ("~/Desktop/Shots 1.png", ["desktop", "shots", "shot", "1", "png"]),
    ],
)
def test_a_text_falls_apart_into_words_and_their_stems(text, expected):
    assert words(text) == expected


@given(st.text())
def test_any_text_has_words_without_marks_between(text):
    assert all(word and "_" not in word and " " not in word for word in words(text))


def test_a_rare_word_weighs_more_than_a_common_one():
    documents = ["file list", "file read", "file move", "file trash", "picture read"]
    scores = LexicalRetriever().index(documents).scores("file picture")
    assert max(scores) == scores[4]


def test_a_document_without_a_shared_word_scores_nothing():
    assert LexicalRetriever().index(["alpha beta", "gamma"]).scores("gamma")[0] == 0


def test_an_inflected_word_meets_its_other_forms_but_its_own_more():
    documents = ["searching files", "search files", "move files"]
    scores = LexicalRetriever().index(documents).scores("searching")
    assert scores[0] > scores[1] > scores[2] == 0
