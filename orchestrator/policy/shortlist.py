"""Which tools a step may choose from: ranked by its intent, few, and never one namespace only."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import ToolSpec
from orchestrator.ports.retrieval import Retriever, TextIndex

MOST = 12
"""Tools that a decision may offer at most; longer lists cost small models their accuracy."""

OUTSIDE_SHARE = 4
"""One place in so many (2 of 8) is kept for tools outside the plan's namespace."""

WEIGHTS = {"bm25": 0.4, "minilm": 0.6}
"""Shares in the blend, of scores scaled to 0..1 per query: the best fusion measured, ahead of
reciprocal ranks. Comparisons without a share of their own count like the embedding."""

_DOCUMENTED_PARAMETERS = 15


class Ranked(Frozen):
    """A tool with its place in a ranking and the reason for it.

    `score` and `parts` are scaled to 0..1 for one query; `why` is a phrase for people.
    """

    tool: str
    score: float
    parts: dict[str, float]
    why: str = ""


class Shortlist(Frozen):
    """The tools a step may choose from, best first; `notes` say what could not be honoured."""

    entries: tuple[Ranked, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        """The ids, best first."""
        return tuple(entry.tool for entry in self.entries)


class Explained(Frozen):
    """One row of the table that explains a shortlist."""

    rank: int
    tool: str
    namespace: str
    score: float
    parts: dict[str, float]
    why: str
