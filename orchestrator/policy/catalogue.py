"""The tools in scope as something that can be asked: which come closest to these words?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import ToolSpec
from orchestrator.ports.retrieval import Retriever, TextIndex

WEIGHTS = {"bm25": 0.4, "minilm": 0.6}
"""Shares in the blend, of scores scaled to 0..1 per query: the best fusion measured, ahead of
reciprocal ranks. A comparison without a share of its own counts like the embedding."""

_PARTS = re.compile(r"[_\W]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_PARAMETERS = 15

Scores = NDArray[np.float64]
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
    """The tools in scope, sorted by id, with an index of their texts for each retriever."""

    specs: tuple[ToolSpec, ...]
    indexes: tuple[tuple[str, TextIndex], ...]

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

    def compare(self, query: str) -> Ranking:
        """Score all tools for a query; ties go to the smaller id."""
        parts = {name: _scaled(index.scores(query)) for name, index in self.indexes}
        shares = {name: WEIGHTS.get(name, WEIGHTS["minilm"]) for name in parts}
        score = np.zeros(len(self.specs))
        for name, part in parts.items():
            score += shares[name] / sum(shares.values()) * part
        return Ranking(score, parts, np.argsort(-score, kind="stable"))

    def rank(self, query: str) -> list[Ranked]:
        """List all tools, the closest to the query first."""
        ranking = self.compare(query)
        return [self.entry(ranking, int(at)) for at in ranking.order]

    def entry(self, ranking: Ranking, at: int, why: str = "") -> Ranked:
        """Name the tool at a position together with its scores."""
        parts = {name: float(part[at]) for name, part in ranking.parts.items()}
        return Ranked(tool=self.specs[at].id, score=float(ranking.score[at]), parts=parts, why=why)


def build_catalogue(specs: Iterable[ToolSpec], retrievers: Sequence[Retriever]) -> Catalogue:
    """Index the tools in scope once for a run; the order in which they come does not matter."""
    ordered = tuple(sorted(specs, key=lambda spec: spec.id))
    documents = [document(spec) for spec in ordered]
    indexes = tuple((retriever.name, retriever.index(documents)) for retriever in retrievers)
    return Catalogue(specs=ordered, indexes=indexes)


def document(spec: ToolSpec) -> str:
    """Write the text by which a tool is found: namespace, name (twice, so it weighs), words.

    Parameter names stand in for a missing description only: next to one they cost recall with
    the embedding (`path`, `query` and `limit` are everybody's) and win nothing with BM25.
    """
    name = _spoken(spec.name)
    parameters = list(spec.input_schema.get("properties", {}))[:_PARAMETERS]
    about = spec.description.strip() or " ".join(_spoken(parameter) for parameter in parameters)
    return f"{_spoken(spec.namespace)} {name}: {name}. {about}"


def producers(catalogue: Catalogue, parameter: str) -> tuple[str, ...]:
    """Find the tools whose results have a property named like a missing argument.

    Case, underscores and a plural make no difference: `paths` produces `path`.
    """
    wanted = _common(parameter)
    found = zip(catalogue.specs, catalogue.outputs, strict=True)
    return tuple(spec.id for spec, names in found if wanted in names)


def _scaled(scores: Sequence[float]) -> Scores:
    """Stretch scores to 0..1; all zero when they are all the same."""
    values = np.asarray(scores, dtype=np.float64)
    if not values.size:
        return values
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


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
