"""Arms side by side on the same cases: differences, what each device earns, and the bars."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.evals.figures import EVERY_KIND, Ablation, Comparison, Part
from orchestrator.evals.records import Record
from orchestrator.evals.statistics import Difference, paired, ratio_interval
from orchestrator.evals.summary_rows import decided_prompt, decisions

FULL = "ferryman"
BARE = "bare"
OPPONENTS = (BARE, FULL)
"""The arms that every other is compared with."""

Key = tuple[str, str, int]
"""A case as it was run: its suite, its id, its seed."""


def compare(
    a: Mapping[Key, Record],
    b: Mapping[Key, Record],
    *,
    arm: str,
    other: str,
    model: str,
    kind: str,
    part: Part,
) -> Comparison:
    """Compare two arms on the cases that both have a record of."""
    common = [key for key in a if key in b]
    ours, theirs = [a[key] for key in common], [b[key] for key in common]
    solved = paired([r.score.solved for r in ours], [r.score.solved for r in theirs])
    tops, bottoms = [_rate(r) for r in ours], [_rate(r) for r in theirs]
    return Comparison(
        arm=arm,
        other=other,
        model=model,
        kind=kind,
        part=part,
        solved=solved,
        solved_ratio=_over(solved.both + solved.only_a, solved.both + solved.only_b),
        tokens_ratio=_ratio(tops, bottoms),
        tokens_interval=ratio_interval(tops, bottoms),
    )


def ablations(comparisons: Iterable[Comparison]) -> tuple[Ablation, ...]:
    """Say what each device earns, from the arms that go without it."""
    return tuple(
        _ablation(found)
        for found in comparisons
        if found.arm.startswith(f"{FULL}-") and found.other == FULL and found.part == "all"
    )


def _ablation(found: Comparison) -> Ablation:
    return Ablation(
        arm=found.arm,
        without=found.arm.removeprefix(f"{FULL}-").replace("-", " "),
        model=found.model,
        kind=found.kind,
        solved=found.solved,
        tokens_ratio=found.tokens_ratio,
        says=verdict(found.solved, found.kind),
    )


def verdict(solved: Difference, kind: str) -> str:
    """Say in a sentence what a difference to the full arm means."""
    cases = "cases" if kind == EVERY_KIND else f"{kind} cases"
    points = abs(100 * solved.value)
    if solved.n == 0:
        return "Nothing to compare: no case has both records."
    if solved.high < 0:
        return f"Costs {points:.1f} points of {cases} (n {solved.n}): the device earns its place."
    if solved.low > 0:
        return f"Gains {points:.1f} points of {cases} (n {solved.n}): the device does harm."
    return f"No clear difference (n {solved.n} {cases})."


def _rate(record: Record) -> tuple[float, float]:
    return decided_prompt(record.trace), decisions(record.trace)


def _ratio(
    tops: Sequence[tuple[float, float]], bottoms: Sequence[tuple[float, float]]
) -> float | None:
    top, bottom = _total(tops), _total(bottoms)
    return _over(top, bottom) if top is not None and bottom is not None else None


def _total(parts: Sequence[tuple[float, float]]) -> float | None:
    return _over(sum(amount for amount, _ in parts), sum(count for _, count in parts))


def _over(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None
