"""The seam to text comparison: how close is a query to each document."""

from collections.abc import Sequence
from typing import Protocol


class TextIndex(Protocol):
    """An index over a fixed list of documents.

    Scores come in the documents' order, higher is closer, on a scale of the index's own:
    compare scores of one query only.
    """

    def scores(self, query: str) -> Sequence[float]:
        """Score every document for the query."""
        ...


class Retriever(Protocol):
    """A way of comparing texts that can index a catalogue."""

    @property
    def name(self) -> str:
        """What the scores are called when they are explained, such as `bm25`."""
        ...

    def index(self, documents: Sequence[str]) -> TextIndex:
        """Prepare the documents for queries."""
        ...
