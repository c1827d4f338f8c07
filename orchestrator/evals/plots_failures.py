"""Pictures of where it failed, and of whether the margin knew."""

from typing import TYPE_CHECKING

from orchestrator.evals.canvas import (
    INK,
    SERIES,
    Drawing,
    arm_axis,
    colour,
    panels,
    rows_height,
)
from orchestrator.evals.figures import Detail, EvalReport, Share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_REASONS = 7
OTHERS = "other reasons"
FEW = 7
"""Arms whose names and figures fit upright into a heatmap."""
HARDNESS = {"easy": 0, "medium": 1, "hard": 2}


def calibration(report: EvalReport, model: str) -> Drawing | None:
    """How often a decision is right, by its margin: on the diagonal the margin is honest."""
    found = [d for d in report.details if d.model == model and d.calibration.n]
    chosen = next((d for d in found if d.arm == "ferryman"), found[0] if found else None)
    if chosen is None:
        return None
    figure, (above, below) = panels(2, height=4.6)
    _reliability(above, chosen)
    middles = [(part.low + part.high) / 2 for part in chosen.calibration.bins]
    counts = [part.n for part in chosen.calibration.bins]
    below.bar(middles, counts, width=0.085, color=colour(chosen.arm), alpha=0.5)
    below.set_xlim(0, 1)
    below.set_ylabel("decisions")
    below.set_xlabel("margin of the choice (0: a tie, 1: no doubt)")
    error = chosen.calibration.error or 0.0
    alt = f"Share of right decisions by margin, expected calibration error {error:.3f}."
    note = "Above the dashed line decisions are right more often than their margin says."
    return Drawing(f"Is the margin worth something? ({chosen.arm})", alt, figure, note)


def failures(report: EvalReport, model: str) -> Drawing | None:
    """Why cases failed, arm by arm, the most frequent reasons stacked."""
    found = [d for d in report.details if d.model == model]
    if not any(d.failed for d in found):
        return None
    reasons = _frequent(found)
    height = rows_height(len(found), extra=1.2 + 0.2 * (len(reasons) + 1))
    figure, (axes,) = panels(1, height=height)
    most = max(len(d.failed) for d in found)
    for at, one in enumerate(found):
        _stack(axes, at, one, reasons, room=0.01 * most)
    for name, tint in zip(reasons, SERIES, strict=False):
        axes.barh(0, 0, color=tint, label=name)
    arm_axis(axes, [d.arm for d in found])
    axes.set_xlim(0, most * 1.22)
    axes.set_xlabel("cases not solved")
    figure.legend(loc="outside lower left", fontsize=8, ncols=1)
    said = " ".join(f"{d.arm}: {len(d.failed)} failed." for d in found)
    alt = f"Failed cases by the first thing wrong. {said}"
    note = "Each failed case counts once, by the first thing that was wrong; … stands for a name."
    return Drawing("Why cases failed", alt, figure, note)


def heatmap(report: EvalReport, model: str) -> Drawing | None:
    """Share of cases solved by difficulty and tag, an arm a column."""
    found = [d for d in report.details if d.model == model]
    shares = [{**_hardness(d.difficulties), **d.tags} for d in found]
    names = list(dict.fromkeys(name for part in shares for name in part))
    if not names:
        return None
    figure, (axes,) = panels(1, height=rows_height(len(names), extra=1.5))
    for column, part in enumerate(shares):
        for at, name in enumerate(names):
            _cell(axes, column, at, part.get(name), wide=len(found) <= FEW)
    arm_axis(axes, names)
    axes.grid(visible=False)
    axes.set_xlim(-0.5, len(found) - 0.5)
    labels = [d.arm.replace("-", "\n", 1).replace("-", " ") for d in found]
    few = len(found) <= FEW
    axes.set_xticks(range(len(found)), labels, rotation=0 if few else 60, fontsize=8.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
    said = ", ".join(names)
    return Drawing("Cases solved by difficulty and tag", f"Share solved for: {said}.", figure)


def _reliability(axes: "Axes", chosen: Detail) -> None:
    bins = chosen.calibration.bins
    axes.plot([0, 1], [0, 1], color="#6b7280", linewidth=1, linestyle="--")
    axes.text(0.64, 0.52, "margin = share right", color="#6b7280", fontsize=8)
    axes.errorbar(
        [part.confidence for part in bins],
        [part.right for part in bins],
        yerr=[
            [max(0.0, part.right - part.interval.low) for part in bins],
            [max(0.0, part.interval.high - part.right) for part in bins],
        ],
        fmt="o-",
        color=colour(chosen.arm),
        capsize=3,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.04)
    axes.set_ylabel("share right")
    axes.grid(visible=True)
    n, error = chosen.calibration.n, chosen.calibration.error or 0.0
    axes.set_title(f"expected calibration error {error:.3f} (n {n:,} decisions)")


def _frequent(found: list[Detail]) -> list[str]:
    totals: dict[str, int] = {}
    for one in found:
        for name, count in one.reasons.items():
            totals[name] = totals.get(name, 0) + count
    names = sorted(totals, key=lambda name: (-totals[name], name))
    return names if len(names) <= SHOWN_REASONS else [*names[:SHOWN_REASONS], OTHERS]


def _stack(axes: "Axes", at: int, one: Detail, reasons: list[str], room: float) -> None:
    left = 0
    for name, tint in zip(reasons, SERIES, strict=False):
        count = one.reasons.get(name, 0)
        if name == OTHERS:
            count = len(one.failed) - left
        axes.barh(at, count, left=left, height=0.62, color=tint)
        left += count
    n = sum(one.statuses.values())
    axes.text(left + room, at, f"{len(one.failed)} of {n}", va="center", fontsize=8)


def _hardness(shares: dict[str, Share]) -> dict[str, Share]:
    """Difficulties with a word that says what they are, easy ones first."""
    order = sorted(shares, key=lambda name: (HARDNESS.get(name, len(HARDNESS)), name))
    return {f"difficulty: {name}": shares[name] for name in order}


def _cell(axes: "Axes", column: int, at: int, found: Share | None, *, wide: bool) -> None:
    import matplotlib as mpl

    if found is None or found.value is None:
        axes.text(column, at, "-", ha="center", va="center", color="#6b7280")
        return
    red, green, blue, _ = mpl.colormaps["cividis"](found.value)
    axes.barh(at, 0.96, left=column - 0.48, height=0.92, color=(red, green, blue))
    ink = INK if found.value > 0.5 else "white"  # noqa: PLR2004 - the light half of the scale
    parts = f"{100 * found.value:.0f} %", f"n {found.n}"
    label = ", ".join(parts) if wide else "\n".join(parts)
    size = 8 if wide else 6.5
    axes.text(column, at, label, ha="center", va="center", fontsize=size, color=ink)
