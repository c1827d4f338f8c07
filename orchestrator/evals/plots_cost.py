"""Pictures of what decisions cost: tokens, seconds, and how far away their example lay."""

from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.evals.canvas import INK, Drawing, arm_axis, colour, panels, rows_height
from orchestrator.evals.figures import EVERY_KIND, Detail, EvalReport, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 10
"""Where the axis of tokens begins: a log scale has no zero."""


def tokens(report: EvalReport, model: str) -> Drawing | None:
    """Prompt tokens per decision on a log scale: all of them, and those really computed."""
    rows = [row for row in _rows(report, model) if row.tokens.per_decision]
    if not rows:
        return None
    figure, (axes,) = panels(1, height=rows_height(len(rows), extra=1.3))
    for at, row in enumerate(rows):
        _token_bar(axes, at, row)
    most = max(row.tokens.per_decision or 0 for row in rows)
    axes.set_xscale("log")
    axes.set_xlim(FEWEST, most * 12)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("prompt tokens per decision (log scale)")
    arm_axis(axes, [row.arm for row in rows])
    axes.plot([], [], "s", color="#6b7280", alpha=0.45, label="in the prompt")
    axes.plot([], [], "D", color=INK, markersize=5, label="of these computed, not from cache")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8.5)
    said = " ".join(f"{r.arm}: {r.tokens.per_decision:,.0f}." for r in rows)
    alt = f"Prompt tokens per decision. {said}"
    note = "A decision's prompts are added up: choosing the tool, filling its arguments."
    return Drawing("Prompt tokens per decision", alt, figure, note)


def latency(report: EvalReport, model: str) -> Drawing | None:
    """Seconds of model time per decision: the median, and what one in twenty exceeds."""
    rows = [row for row in _rows(report, model) if row.decision_seconds.p50 is not None]
    if not rows:
        return None
    figure, (axes,) = panels(1, height=rows_height(len(rows), extra=1.3))
    longest = max(row.decision_seconds.p95 or 0 for row in rows) or 1.0
    for at, row in enumerate(rows):
        _latency(axes, at, row, longest)
    axes.set_xlim(0, longest * 1.4)
    axes.set_xlabel("seconds of model time per decision")
    arm_axis(axes, [row.arm for row in rows])
    axes.plot([], [], "o", color=INK, label="median")
    axes.plot([], [], "|", color=INK, markersize=11, markeredgewidth=2, label="95th percentile")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8.5)
    said = " ".join(f"{r.arm}: median {r.decision_seconds.p50:.2f} s." for r in rows)
    return Drawing("Latency of a decision", f"Seconds per decision. {said}", figure)


def distance(report: EvalReport, model: str) -> Drawing | None:
    """How many tokens lie between the worked example and the decision, an arm a line."""
    found = [d for d in report.details if d.model == model and d.distances.spread.n]
    if not found:
        return None
    figure, (axes,) = panels(1, height=rows_height(len(found), extra=1.4))
    edges = found[0].distances.edges
    for at, one in enumerate(found):
        _distance(axes, at, one)
    labels = [f"< {edges[0]}"]
    labels += [f"{low:,}-{high:,}" for low, high in pairwise(edges)]
    labels += [f"≥ {edges[-1]:,}"]
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right", fontsize=8)
    axes.set_xlabel("tokens between example and decision")
    arm_axis(axes, [f"{d.arm} (n {d.distances.spread.n:,})" for d in found])
    axes.grid(visible=False)
    said = " ".join(f"{d.arm}: median {d.distances.spread.p50:,.0f}." for d in found)
    alt = f"Share of decisions by decision distance, in tokens. {said}"
    note = (
        "The darker, the larger a share of the arm's decisions. Arms without examples are left out."
    )
    return Drawing("Decision distance", alt, figure, note)


def _rows(report: EvalReport, model: str) -> list[Row]:
    return [
        row for row in report.rows if (row.model, row.kind, row.part) == (model, EVERY_KIND, "all")
    ]


def _token_bar(axes: "Axes", at: int, row: Row) -> None:
    full, computed = row.tokens.per_decision or 0.0, row.tokens.computed or 0.0
    axes.barh(at, full, height=0.62, color=colour(row.arm), alpha=0.45)
    axes.plot(max(computed, FEWEST), at, "D", color=INK, markersize=5)
    label = f"{full:,.0f} (n {row.tokens.decisions:,} decisions)"
    axes.text(full * 1.08, at, label, va="center", fontsize=8)


def _latency(axes: "Axes", at: int, row: Row, longest: float) -> None:
    middle, late = row.decision_seconds.p50 or 0.0, row.decision_seconds.p95 or 0.0
    axes.plot([middle, late], [at, at], color=colour(row.arm), linewidth=3, alpha=0.5)
    axes.plot(middle, at, "o", color=colour(row.arm), markersize=7)
    axes.plot(late, at, "|", color=colour(row.arm), markersize=12, markeredgewidth=2.5)
    label = f"{middle:.2f} / {late:.2f} s (n {row.decision_seconds.n:,})"
    axes.text(late + longest * 0.02, at, label, va="center", fontsize=8)


def _distance(axes: "Axes", at: int, one: Detail) -> None:
    total = one.distances.spread.n
    for column, count in enumerate(one.distances.counts):
        if count:
            share = count / total
            axes.barh(at, 0.94, left=column - 0.47, height=0.8, color=colour(one.arm), alpha=share)
            ink = "white" if share > 0.6 else INK  # noqa: PLR2004 - where white reads better
            axes.text(column, at, f"{100 * share:.0f} %", ha="center", va="center",
                      fontsize=8, color=ink)  # fmt: skip
    axes.set_xlim(-0.5, len(one.distances.counts) - 0.5)
