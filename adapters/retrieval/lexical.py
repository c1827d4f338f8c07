"""Comparison by words: BM25, which needs no model and answers in microseconds."""

import re
from array import array
from collections.abc import Sequence

import bm25s
from bm25s.stopwords import STOPWORDS_EN

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_STOPWORDS = frozenset(STOPWORDS_EN)
_NO_WORDS = [""]  # bm25s refuses an empty document; no query has this token


def words(text: str) -> list[str]:
    """Part a text into the words that are compared.

    Identifiers fall apart at case, underscore and dot, so that `ocr.extractText` meets
    "extract the text". Words are not stemmed: folding plurals, or `-ing` and `-ed` as well,
    moved recall by one query up on one labelled set and one down on another.
    """
    found = (match.lower() for match in _WORD.findall(_CAMEL.sub(" ", text)))
    return [word for word in found if word not in _STOPWORDS]


class LexicalIndex:
    """BM25 over a fixed list of documents."""

    def __init__(self, documents: Sequence[str]) -> None:
        self._bm25 = bm25s.BM25()
        self._zeros = array("f", bytes(4 * len(documents)))
        if documents:
            tokens = [words(document) or _NO_WORDS for document in documents]
            self._bm25.index(tokens, show_progress=False)

    def scores(self, query: str) -> Sequence[float]:
        """Score every document, 0 where no word is shared."""
        known = self._bm25.vocab_dict if self._zeros else {}
        tokens = [word for word in words(query) if word in known]
        if not tokens:
            return self._zeros[:]
        return array("f", self._bm25.get_scores(tokens).tobytes())


class LexicalRetriever:
    """Compares texts by the words they share."""

    name = "bm25"

    def index(self, documents: Sequence[str]) -> LexicalIndex:
        """Count the words of the documents."""
        return LexicalIndex(documents)
