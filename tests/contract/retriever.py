"""What every Retriever promises, asked of each adapter and each fake alike.

A suite takes part by subclassing and giving a `retriever` fixture (any scope).
"""

from math import isfinite

import pytest

DOCUMENTS = (
    "filesystem list dir: list dir. List what is in a folder",
    "ocr extract text: extract text. Read the text in a picture",
    "email send message: send message. Send a message",
)
QUERIES = ("read the text in this picture", "list a folder", "", "?!", "漢字", "a" * 5000, "\ud800")


class RetrieverContract:
    """The promises of `orchestrator.ports.retrieval`."""

    def test_it_has_a_name(self, retriever):
        assert retriever.name.isidentifier()

    @pytest.mark.parametrize("query", QUERIES)
    def test_every_document_has_a_finite_score_whatever_the_query(self, retriever, query):
        scores = retriever.index(DOCUMENTS).scores(query)
        assert len(scores) == len(DOCUMENTS)
        assert all(isfinite(score) for score in scores)

    @pytest.mark.parametrize(
        ("query", "closest"),
        [("read the text in a picture", 1), ("list the folder", 0), ("send a message", 2)],
    )
    def test_the_closest_document_scores_highest(self, retriever, query, closest):
        scores = list(retriever.index(DOCUMENTS).scores(query))
        assert scores.index(max(scores)) == closest

    def test_the_same_query_scores_the_same_again(self, retriever):
        index = retriever.index(DOCUMENTS)
        first = list(index.scores("read a file"))
        index.scores("send a message")
        assert list(index.scores("read a file")) == first

    def test_scores_follow_the_documents_when_they_are_reordered(self, retriever):
        query = "read the text in a picture"
        forward = list(retriever.index(DOCUMENTS).scores(query))
        backward = list(retriever.index(DOCUMENTS[::-1]).scores(query))
        assert backward[::-1] == pytest.approx(forward)

    def test_equal_documents_score_the_same(self, retriever):
        first, second = retriever.index([DOCUMENTS[0], DOCUMENTS[0]]).scores("list a folder")
        assert first == second

    def test_a_caller_may_change_what_it_got(self, retriever):
        index = retriever.index(DOCUMENTS)
        for query in ("zebra", "list a folder"):
            scores = index.scores(query)
            before = list(scores)
            scores[0] = 99.0
            assert list(index.scores(query)) == before

    def test_no_documents_have_no_scores(self, retriever):
        assert list(retriever.index([]).scores("read")) == []

    def test_an_empty_document_is_a_document(self, retriever):
        assert len(retriever.index(["", "read the text"]).scores("read")) == 2

    def test_only_empty_documents_can_be_indexed(self, retriever):
        assert len(retriever.index(["", "?!"]).scores("read")) == 2

    def test_two_indexes_do_not_mix(self, retriever):
        first = retriever.index(DOCUMENTS)
        before = list(first.scores("send a message"))
        retriever.index(["send a message", "send a message"])
        assert list(first.scores("send a message")) == before
