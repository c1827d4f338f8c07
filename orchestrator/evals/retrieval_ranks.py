"""Where the gold tools of a question come in a ranking, and how often that is early enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from orchestrator.evals.retrieval_sets import LabelledSet, Question
from orchestrator.evals.statistics import BOOTSTRAP_DRAWS, BOOTSTRAP_SEED, Interval
from orchestrator.policy.catalogue import Catalogue, Scores

Score = Callable[["Comparison"], Scores]
"""Makes one score of a question's comparison."""

Ranks = tuple[int, ...]
"""For each gold tool of a question the place, from 0, of its best alternative."""


@dataclass(frozen=True)
class Comparison:
    """A question, compared with all tools of its set.

    `parts` are the scores that the shortlist blends, `plain` those of the query as it stands;
    `gold` holds positions in the catalogue.
    """

    question: Question
    parts: Mapping[str, Scores]
    plain: Mapping[str, Scores]
    gold: tuple[frozenset[int], ...]


@dataclass(frozen=True)
class Compared:
    """A labelled set with its questions compared."""

    name: str
    family: str
    catalogue: Catalogue
    comparisons: tuple[Comparison, ...]


def compare(
    labelled: LabelledSet,
    catalogue: Catalogue,
    baseline: Catalogue,
    on_question: Callable[[], None] = lambda: None,
) -> Compared:
    """Compare every question of a set with all its tools.

    Args:
        labelled: The set.
        catalogue: Its tools, as a run would rank them.
        baseline: The same tools with the indexes of the plain rankings.
        on_question: Told after every question.
    """
    position = catalogue.position
    found = []
    for question in labelled.questions:
        gold = tuple(
            frozenset(position[tool] for tool in some if tool in position) for some in question.gold
        )
        parts = {
            name: scores.astype(np.float32)
            for name, scores in catalogue.compare(question.query).parts.items()
        }
        plain = {
            name: np.asarray(index.scores(question.query), dtype=np.float32)
            for name, index in baseline.indexes
        }
        found.append(Comparison(question, parts, plain, gold))
        on_question()
    return Compared(labelled.name, labelled.family, catalogue, tuple(found))


def ranks(compared: Compared, score: Score) -> list[Ranks]:
    """Rank all tools for every question; ties go to the smaller id."""
    found = []
    for comparison in compared.comparisons:
        place = np.empty(len(compared.catalogue.specs), dtype=np.intp)
        order = np.argsort(-score(comparison), kind="stable")
        place[order] = np.arange(order.size)
        never = order.size
        found.append(
            tuple(min((int(place[at]) for at in some), default=never) for some in comparison.gold)
        )
    return found


def recall(found: Sequence[Ranks], depth: int) -> float:
    """Give the mean share of the gold tools that are among the first `depth`."""
    return fmean(_shares(found, depth)) if found else 0.0


def interval(found: Sequence[Ranks], groups: Sequence[str], depth: int) -> Interval:
    """Give the 95 % interval of a recall by drawing groups of questions again and again.

    The steps of one chain are no independent questions, so a group is drawn whole.
    """
    if not found:
        return Interval(low=0.0, high=1.0)
    names = sorted(set(groups))
    at = np.array([names.index(group) for group in groups])
    sums = np.bincount(at, weights=_shares(found, depth), minlength=len(names))
    sizes = np.bincount(at, minlength=len(names))
    draws = np.random.default_rng(BOOTSTRAP_SEED).integers(
        len(names), size=(BOOTSTRAP_DRAWS, len(names))
    )
    means: NDArray[np.float64] = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    return Interval(low=low, high=high)


def _shares(found: Sequence[Ranks], depth: int) -> list[float]:
    return [fmean(place < depth for place in places) for places in found]
