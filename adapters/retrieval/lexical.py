"""Comparison by words: BM25, which needs no model and answers in microseconds."""

import re
from array import array
from collections.abc import Sequence
from functools import lru_cache

import bm25s
import snowballstemmer
from bm25s.stopwords import STOPWORDS_EN

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_STOPWORDS = frozenset(STOPWORDS_EN)
_STEMMER = snowballstemmer.stemmer("english")
_FORMS = 65_536
_PLURAL = re.compile(r"^([^\Waeiouys]{2,})s$")
_NO_WORDS = [""]  # bm25s refuses an empty document; no query has this token


def words(text: str, *, stems: bool = True) -> list[str]:
    """Part a text into the words that are compared, each followed by its stem if that differs.

    Identifiers fall apart at case, underscore and dot, so that `ocr.extractText` meets
    "extracting the text". Both forms count: words that agree to the letter agree more.
    """
    found = (match.lower() for match in _WORD.findall(_CAMEL.sub(" ", text)))
    kept = (word for word in found if word not in _STOPWORDS)
    return [form for word in kept for form in forms(word)] if stems else list(kept)


@lru_cache(maxsize=_FORMS)
def forms(word: str) -> tuple[str, ...]:
    """Give an English word and its stem (Snowball, "Porter 2").

    To Snowball a word without a vowel has no ending; here the plural of `pdfs` goes too.
    """
    stem = _PLURAL.sub(r"\1", _STEMMER.stemWord(word))
    return (word,) if stem == word else (word, stem)


class LexicalIndex:
    """BM25 over a fixed list of documents."""

    def __init__(self, documents: Sequence[str], *, stems: bool = True) -> None:
        self._stems = stems
        self._bm25 = bm25s.BM25()
        self._zeros = array("f", bytes(4 * len(documents)))
        if documents:
            tokens = [words(document, stems=stems) or _NO_WORDS for document in documents]
            self._bm25.index(tokens, show_progress=False)

    def scores(self, query: str) -> Sequence[float]:
        """Score every document, 0 where no word is shared."""
        known = self._bm25.vocab_dict if self._zeros else {}
        tokens = [word for word in words(query, stems=self._stems) if word in known]
        if not tokens:
            return self._zeros[:]
        return array("f", self._bm25.get_scores(tokens).tobytes())


class LexicalRetriever:
    """Compares texts by the words they share.

    Args:
        stems: Whether other forms of a word count as well; without, it is the plain BM25 that an
            evaluation compares with, under the name `words`.
    """

    def __init__(self, *, stems: bool = True) -> None:
        self.name = "bm25" if stems else "words"
        self._stems = stems

    def index(self, documents: Sequence[str]) -> LexicalIndex:
        """Count the words of the documents."""
        return LexicalIndex(documents, stems=self._stems)
