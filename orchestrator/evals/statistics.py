"""How sure a figure is: intervals, paired differences, quantiles and calibration. All pure."""

import math
from collections.abc import Sequence

from orchestrator.core.chat import Frozen

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
BOOTSTRAP_SEED = 20_251_115
"""The seed of every bootstrap: two reports on the same records show the same intervals."""
BOOTSTRAP_DRAWS = 2000
BINS = 10


class Interval(Frozen):
    """The two ends of a 95 % interval."""

    low: float
    high: float


class Difference(Frozen):
    """Two arms over the same cases: how far their shares lie apart, and how sure that is.

    `value` and its interval are shares (-1 to 1), the first arm's minus the second's. `only_a`
    and `only_b` count the cases that one of them solved alone; `p` is McNemar's, exact.
    """

    n: int
    both: int
    only_a: int
    only_b: int
    value: float
    low: float
    high: float
    p: float


class Bin(Frozen):
    """The decisions whose margin lies in [low, high): how sure they were, how often right."""

    low: float
    high: float
    n: int
    confidence: float
    right: float
    interval: Interval


def wilson(k: int, n: int, z: float = Z_95) -> Interval:
    """Give the Wilson score interval of `k` out of `n`; (0, 1) when there is nothing.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if n == 0:
        return Interval(low=0.0, high=1.0)
    share, square = k / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    reach = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    # The ends are exact at the borders, where rounding could put them beside the share.
    low = 0.0 if k == 0 else max(0.0, middle - reach)
    high = 1.0 if k == n else min(1.0, middle + reach)
    return Interval(low=low, high=high)


def mcnemar(only_a: int, only_b: int) -> float:
    """Give the exact two-sided p of McNemar's test on the cases that tell two arms apart.

    Source: Q. McNemar, Psychometrika 12 (1947) 153, with the binomial in place of chi-squared.
    """
    n = only_a + only_b
    tail: int = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / (1 << n))


def paired(a: Sequence[bool], b: Sequence[bool]) -> Difference:
    """Compare two arms, case by case; the sequences are in the same order.

    The interval is Newcombe's square-and-add one for paired shares (Stat. Med. 17 (1998) 2635,
    method 10), which stays within -1 and 1 and does not collapse where all cases agree.
    """
    counts = [sum(x and y for x, y in zip(a, b, strict=True))]
    counts += [sum(x and not y for x, y in zip(a, b, strict=True))]
    counts += [sum(y and not x for x, y in zip(a, b, strict=True))]
    both, only_a, only_b = counts
    value, interval = _newcombe(both, only_a, only_b, len(a))
    return Difference(
        n=len(a),
        both=both,
        only_a=only_a,
        only_b=only_b,
        value=value,
        low=interval.low,
        high=interval.high,
        p=mcnemar(only_a, only_b),
    )


def _newcombe(both: int, only_a: int, only_b: int, n: int) -> tuple[float, Interval]:
    if n == 0:
        return 0.0, Interval(low=-1.0, high=1.0)
    share_a, share_b = (both + only_a) / n, (both + only_b) / n
    ends_a, ends_b = wilson(both + only_a, n), wilson(both + only_b, n)
    related = _correlation(both, only_a, only_b, n - both - only_a - only_b)
    down = _added(share_a - ends_a.low, ends_b.high - share_b, related)
    up = _added(ends_a.high - share_a, share_b - ends_b.low, related)
    value = share_a - share_b
    return value, Interval(low=max(-1.0, value - down), high=min(1.0, value + up))


def _added(x: float, y: float, related: float) -> float:
    return math.sqrt(max(0.0, x * x + y * y - 2 * related * x * y))


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """The phi coefficient, drawn towards zero for few cases as Newcombe has it."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    crossed = float(both * neither - only_a * only_b)
    if crossed > 0:
        crossed = max(crossed - (both + only_a + only_b + neither) / 2, 0.0)
    return crossed / math.sqrt(margins)


def ratio_interval(
    tops: Sequence[tuple[float, float]],
    bottoms: Sequence[tuple[float, float]],
    seed: int = BOOTSTRAP_SEED,
) -> Interval | None:
    """Give the bootstrap interval of one rate over another, drawn over the same cases.

    Args:
        tops: For each case (amount, count) under the first arm; its rate is sum over sum.
        bottoms: The same cases under the second arm.
        seed: Of the draws.

    Returns:
        The percentile interval of the draws in which both rates exist; None without any.
    """
    import numpy as np

    if not tops:
        return None
    values = np.array([[*top, *bottom] for top, bottom in zip(tops, bottoms, strict=True)])
    share = np.full(len(values), 1 / len(values))
    draws = np.random.default_rng(seed).multinomial(len(values), share, size=BOOTSTRAP_DRAWS)
    sums = draws @ values
    usable = sums[(sums[:, 1] > 0) & (sums[:, 2] > 0) & (sums[:, 3] > 0)]
    if not len(usable):
        return None
    ratios = (usable[:, 0] / usable[:, 1]) / (usable[:, 2] / usable[:, 3])
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(low=float(low), high=float(high))


def quantile(values: Sequence[float], q: float) -> float | None:
    """Give the q-quantile (0 to 1), between two values by their distance; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def mean(values: Sequence[float]) -> float | None:
    """Give the arithmetic mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def reliability(pairs: Sequence[tuple[float, bool]], bins: int = BINS) -> tuple[Bin, ...]:
    """Part decisions (margin, right) into bins of equal width; empty bins are left out."""
    parts: dict[int, list[tuple[float, bool]]] = {}
    for margin, right in pairs:
        parts.setdefault(min(int(margin * bins), bins - 1), []).append((margin, right))
    return tuple(_bin(at, bins, parts[at]) for at in sorted(parts))


def calibration_error(found: Sequence[Bin]) -> float | None:
    """Give the expected calibration error: how far margin and rightness lie apart, by n.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015.
    """
    total = sum(part.n for part in found)
    if total == 0:
        return None
    return math.fsum(part.n * abs(part.right - part.confidence) for part in found) / total


def _bin(at: int, bins: int, pairs: Sequence[tuple[float, bool]]) -> Bin:
    right = sum(correct for _, correct in pairs)
    return Bin(
        low=at / bins,
        high=(at + 1) / bins,
        n=len(pairs),
        confidence=math.fsum(margin for margin, _ in pairs) / len(pairs),
        right=right / len(pairs),
        interval=wilson(right, len(pairs)),
    )
