"""A catalogue with a client's tools in it: what is known of the shared tools is not made again."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.tools import ToolSpec
from orchestrator.policy.catalogue import LEXICAL, Catalogue, document
from orchestrator.ports.retrieval import Retriever, TextIndex


@dataclass(frozen=True)
class _Joined:
    """Two indexes over one list of documents; the second one's stand together at `place`."""

    shared: TextIndex
    own: TextIndex
    place: int

    def scores(self, query: str) -> Sequence[float]:
        """Score every document for the query."""
        scores = list(self.shared.scores(query))
        return [*scores[: self.place], *self.own.scores(query), *scores[self.place :]]


def with_tools(
    shared: Catalogue, tools: Sequence[ToolSpec], retrievers: Sequence[Retriever]
) -> Catalogue:
    """A catalogue of the shared tools and of others whose ids all begin alike.

    A cosine compares a query with one text, so only the new texts are read for it. What words
    weigh depends on all texts, so that index is made anew.
    """
    own = sorted(tools, key=lambda spec: spec.id)
    ids = [spec.id for spec in shared.specs]
    place = bisect_left(ids, own[0].id) if own else 0
    specs = (*shared.specs[:place], *own, *shared.specs[place:])
    by_name = {retriever.name: retriever for retriever in retrievers}
    texts = [document(spec) for spec in own]

    def index(name: str, known: TextIndex) -> TextIndex:
        if name == LEXICAL:
            return by_name[name].index([document(spec) for spec in specs])
        return _Joined(known, by_name[name].index(texts), place)

    indexes = tuple((name, index(name, known)) for name, known in shared.indexes if name in by_name)
    return Catalogue(specs=specs, indexes=indexes, priors=shared.priors)
