"""Where the weights of the blend come from: fitted on labelled sets, judged on the others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestrator.evals.retrieval_ranks import Compared, Comparison
from orchestrator.policy.catalogue import blend

CANDIDATES = 60
"""Tools per question that the fit looks at: the gold ones and the closest others."""

QUESTIONS = 250
"""Questions of one set that the fit looks at, evenly spread: no set outshouts the others."""

_ROUNDS = 300
_STEP = 0.05
_SHARPNESS = 12.0

Matrix = NDArray[np.float64]


def fit(sets: Sequence[Compared], parts: Sequence[str]) -> dict[str, float]:
    """Find the weights under which the gold tools stand out most; they sum to one.

    Empty where no question has a gold tool in its catalogue.

    Maximizes the log-likelihood of the gold tools under a softmax over the candidates of each
    question (a listwise loss, Cao et al. 2007) by gradient ascent on the logarithms of the
    weights, so none is negative. Every family of sets counts the same.
    """
    families = [each.family for each in sets]
    batches = [
        (*_batch(questions, parts), 1 / families.count(each.family))
        for each in sets
        if (questions := [one for one in each.comparisons if any(one.gold)])
    ]
    if not batches:
        return {}
    logs = np.full(len(parts), np.log(_SHARPNESS / len(parts)))
    for _ in range(_ROUNDS):
        weights = np.exp(logs)
        slope = sum(share * _slope(x, gold, weights) for x, gold, share in batches)
        logs += _STEP * np.clip(weights * slope, -1.0, 1.0)
    weights = np.exp(logs)
    return dict(zip(parts, (weights / weights.sum()).tolist(), strict=True))


def fit_elsewhere(sets: Sequence[Compared], parts: Sequence[str], family: str) -> dict[str, float]:
    """Fit on all families but one; empty where there is no other."""
    return fit([each for each in sets if each.family != family], parts)


def _slope(x: Matrix, gold: Matrix, weights: Matrix) -> Matrix:
    """Give the mean gradient of the log-likelihood of one batch."""
    scores = x @ weights
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    whole = odds / odds.sum(axis=1, keepdims=True)
    right = odds * gold / (odds * gold).sum(axis=1, keepdims=True)
    slope: Matrix = np.einsum("qc,qcp->p", right - whole, x) / len(x)
    return slope


def _batch(comparisons: Sequence[Comparison], parts: Sequence[str]) -> tuple[Matrix, Matrix]:
    """Lay the candidates of a set's questions out as question x candidate x part."""
    every = max(1, len(comparisons) // QUESTIONS)
    rows = [_candidates(each, parts) for each in comparisons[::every]]
    width = min(len(gold) for _, gold in rows)
    x = np.stack([features[:width] for features, _ in rows])
    return x, np.stack([gold[:width] for _, gold in rows])


def _candidates(comparison: Comparison, parts: Sequence[str]) -> tuple[Matrix, Matrix]:
    """Choose a question's candidates, the gold ones first."""
    scores = blend({name: comparison.parts[name] for name in parts if name in comparison.parts}, {})
    gold = sorted(set().union(*comparison.gold))
    closest = np.argsort(-scores, kind="stable")[: CANDIDATES + len(gold)]
    chosen = list(dict.fromkeys([*gold, *closest.tolist()]))[:CANDIDATES]
    features = [comparison.parts.get(part, np.zeros_like(scores))[chosen] for part in parts]
    right = np.array([1.0 if at in set(gold) else 0.0 for at in chosen])
    return np.stack(features, axis=1).astype(np.float64), right
