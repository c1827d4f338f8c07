"""The tools in scope as something that can be asked: which come closest to these words?"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.priors import NOTHING_LEARNT, Priors
from orchestrator.policy.queries import essence, related, sentences
from orchestrator.ports.retrieval import Retriever, TextIndex

LEXICAL = "bm25"
"""The retriever that knows words only, and is therefore asked for their synonyms as well."""

SYNONYMS = "synonyms"
"""What the scores of the synonyms are called among the parts."""

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {LEXICAL: 0.2, SYNONYMS: 0.1, "minilm": 0.4, "wordllama": 0.3}
)
"""Shares in the blend, of scores scaled to 0..1 per query; what is not there leaves its share to
the others. They are what `evals.retrieval_weights` fits on the labelled sets together, rounded to
tenths; with any one family of sets left out it comes to within a tenth of them. A comparison
without a share of its own counts like the embedding."""

_QUERIES = 32
_NO_HINTS: Mapping[str, str] = MappingProxyType({})

_PARTS = re.compile(r"[_\W]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_PARAMETERS = 15

MEANING = "minilm"
"""The retriever whose scores are cosines of meanings."""

Scores = NDArray[np.floating[Any]]
Order = NDArray[np.intp]


class Ranked(Frozen):
    """A tool with its place in a ranking and the reason for it.

    `score` and `parts` (a score for each retriever) are scaled to 0..1 for one query.
    """

    tool: str
    score: float
    parts: dict[str, float]
    why: str = ""


@dataclass(frozen=True)
class Ranking:
    """All tools compared with one query: scores in the catalogue's order, and who comes first."""

    score: Scores
    parts: dict[str, Scores]
    order: Order


@dataclass(frozen=True)
class Catalogue:
    """The tools in scope, sorted by id, with an index of their texts for each retriever.

    `priors` are what earlier runs have taught about which tool comes next.
    """

    specs: tuple[ToolSpec, ...]
    indexes: tuple[tuple[str, TextIndex], ...]
    priors: Priors = NOTHING_LEARNT

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each tool stands in `specs`."""
        return {spec.id: position for position, spec in enumerate(self.specs)}

    @cached_property
    def namespaces(self) -> dict[str, Order]:
        """Where the tools of each namespace stand in `specs`."""
        found: dict[str, list[int]] = {}
        for position, spec in enumerate(self.specs):
            found.setdefault(spec.namespace, []).append(position)
        return {name: np.array(positions, dtype=np.intp) for name, positions in found.items()}

    @cached_property
    def outputs(self) -> tuple[frozenset[str], ...]:
        """The property names that each tool's output schema mentions, in a common spelling."""
        return tuple(frozenset(_properties(spec.output_schema)) for spec in self.specs)

    def nearest(self, query: str) -> float:
        """How close the closest tool comes to a query in meaning, -1 to 1; 1 with no embedding.

        Unlike a ranking's scores it can be compared between queries: a low one says that none
        of the tools is for this at all.
        """
        meaning = dict(self.indexes).get(MEANING)
        return float(max(meaning.scores(query), default=-1.0)) if meaning else 1.0

    def compare(self, query: str) -> Ranking:
        """Score all tools for a query; ties go to the smaller id."""
        return self._comparisons(query)

    @cached_property
    def _comparisons(self) -> Callable[[str], Ranking]:
        """A step asks again when it is unsure or repaired: the same words are compared once."""
        return lru_cache(maxsize=_QUERIES)(self._compare)

    def _compare(self, query: str) -> Ranking:
        """Compare the gist of the query, not its values; of several sentences also the best one.

        A request that needs several tools says so sentence by sentence, and a tool that one of
        them asks for is as right as one that the whole resembles.
        """
        gist = essence(query)
        parts, pieces = dict(self._parts(gist)), sentences(gist)
        if len(pieces) > 1:
            parts = _with_best(parts, [dict(self._parts(piece)) for piece in pieces])
        score = blend(parts, WEIGHTS) if parts else np.zeros(len(self.specs))
        return Ranking(score, parts, np.argsort(-score, kind="stable"))

    def _parts(self, gist: str) -> Iterator[tuple[str, Scores]]:
        """Compare a text by every retriever there is."""
        for name, index in self.indexes:
            scores = np.asarray(index.scores(gist), dtype=np.float64)
            yield name, scaled(scores)
            if name == LEXICAL and (words := related(gist)):
                others = np.asarray(index.scores(words), dtype=np.float64)
                yield SYNONYMS, _beside(others, scores)

    def rank(self, query: str) -> list[Ranked]:
        """List all tools, the closest to the query first."""
        ranking = self.compare(query)
        return [self.entry(ranking, int(at)) for at in ranking.order]

    def entry(self, ranking: Ranking, at: int, why: str = "") -> Ranked:
        """Name the tool at a position together with its scores."""
        parts = {name: float(part[at]) for name, part in ranking.parts.items()}
        return Ranked(tool=self.specs[at].id, score=float(ranking.score[at]), parts=parts, why=why)


def blend(parts: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """Average the parts of a comparison by their weights; a part without one counts like MiniLM.

    Without any weight every score is zero.
    """
    shares = {name: weights.get(name, WEIGHTS["minilm"]) for name in parts}
    total = sum(shares.values()) or 1.0
    weighted = [share / total * parts[name] for name, share in shares.items()]
    return np.asarray(sum(weighted))


def build_catalogue(
    specs: Iterable[ToolSpec],
    retrievers: Sequence[Retriever],
    hints: Mapping[str, str] = _NO_HINTS,
    priors: Priors = NOTHING_LEARNT,
) -> Catalogue:
    """Index the tools in scope once for a run; the order in which they come does not matter.

    Args:
        specs: The tools.
        retrievers: The ways of comparing them.
        hints: For some tools, by id, when to use them: written once, kept with the manifest.
        priors: What the user's own runs have taught.
    """
    ordered = tuple(sorted(specs, key=lambda spec: spec.id))
    documents = [document(spec, hints) for spec in ordered]
    indexes = tuple((retriever.name, retriever.index(documents)) for retriever in retrievers)
    return Catalogue(specs=ordered, indexes=indexes, priors=priors)


def document(spec: ToolSpec, hints: Mapping[str, str] = _NO_HINTS) -> str:
    """Write the text by which a tool is found: namespace, name (twice, so it weighs), words.

    Parameter names stand in for a missing description only: next to one they cost recall with
    the embedding (`path`, `query` and `limit` are everybody's) and win nothing with BM25.
    """
    name = _spoken(spec.name)
    parameters = list(spec.input_schema.get("properties", {}))[:_PARAMETERS]
    about = spec.description.strip() or " ".join(_spoken(parameter) for parameter in parameters)
    hint = hints.get(spec.id, "").strip()
    return f"{_spoken(spec.namespace)} {name}: {name}. {about} {hint}".rstrip()


def producers(catalogue: Catalogue, parameter: str) -> tuple[str, ...]:
    """Find the tools whose results have a property named like a missing argument.

    Case, underscores and a plural make no difference: `paths` produces `path`.
    """
    wanted = _common(parameter)
    found = zip(catalogue.specs, catalogue.outputs, strict=True)
    return tuple(spec.id for spec, names in found if wanted in names)


def scaled(values: Scores) -> Scores:
    """Stretch scores to 0..1; all zero when they are all the same."""
    if not values.size:
        return values
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _with_best(whole: dict[str, Scores], pieces: Sequence[dict[str, Scores]]) -> dict[str, Scores]:
    """Average the scores of a text with the best that any of its sentences has."""
    return {
        name: (part + np.maximum.reduce([piece.get(name, part) for piece in pieces])) / 2
        for name, part in whole.items()
    }


def _beside(others: Scores, own: Scores) -> Scores:
    """Scale the scores of synonyms by the words' own best: where words agree, they matter less."""
    high = max((float(scores.max()) for scores in (others, own) if scores.size), default=0.0)
    return others / high if high > 0 else np.zeros_like(others)


def _spoken(identifier: str) -> str:
    """Write an identifier as words: `extract_textFromPDF` -> `extract text from pdf`."""
    return " ".join(part.lower() for part in _PARTS.split(identifier) if part)


def _common(name: str) -> str:
    """Spell a property name without case, underscores and plural."""
    return _spoken(name).replace(" ", "").removesuffix("s")


def _properties(schema: Any) -> Iterator[str]:
    """Walk a JSON schema and yield the names of all its properties."""
    nodes = [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            properties = node.get("properties")
            yield from map(_common, properties if isinstance(properties, dict) else ())
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
