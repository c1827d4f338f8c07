"""Pictures of what was solved: by kind and arm, and what each device adds."""

from typing import TYPE_CHECKING

from orchestrator.evals.canvas import Drawing, arm_axis, colour, panels, rows_height
from orchestrator.evals.figures import EVERY_KIND, Ablation, EvalReport, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_KINDS = 3
ROOM = 1.55
"""Where the axis of a share ends: beyond 1 there is room for the figures."""


def success(report: EvalReport, model: str) -> Drawing | None:
    """Cases solved, a panel for each kind, an arm a line, with 95 % intervals."""
    rows = {(r.arm, r.kind): r for r in report.rows if r.model == model and r.part == "all"}
    if not rows:
        return None
    arms = [arm for arm in report.arms if any(arm == found for found, _ in rows)]
    kinds = _kinds(report)
    figure, all_axes = panels(1, len(kinds), height=rows_height(len(arms)), share_y=True)
    for axes, kind in zip(all_axes, kinds, strict=True):
        _success(axes, kind, [rows.get((arm, kind)) for arm in arms])
        arm_axis(axes, arms)
    return Drawing(
        title="Cases solved, by kind and arm",
        alt="Share of cases solved with 95 % Wilson intervals. " + _spoken(rows, arms, kinds),
        figure=figure,
        note="Whiskers: 95 % Wilson intervals. In brackets: solved of n.",
    )


def ablation_forest(report: EvalReport, model: str) -> Drawing | None:
    """What happens to the cases solved when one thing is changed: points with 95 % intervals."""
    found = [a for a in report.ablations if a.model == model]
    kinds = [kind for kind in _kinds(report) if any(a.kind == kind for a in found)]
    if not found:
        return None
    names = list(dict.fromkeys(a.without for a in found))
    height = rows_height(len(names), extra=1.3)
    figure, all_axes = panels(1, len(kinds), height=height, share_y=True)
    reach = max(abs(end) for a in found for end in (a.solved.low, a.solved.high)) * 112
    for axes, kind in zip(all_axes, kinds, strict=True):
        _forest(axes, [a for a in found if a.kind == kind], names, reach)
    figure.supxlabel("points of cases solved, changed minus ferryman as it is", fontsize=9.5)
    return Drawing(
        title="What each device earns",
        alt="Difference to ferryman in points of cases solved. "
        + " ".join(f"{a.without}, {a.kind}: {a.says}" for a in found),
        figure=figure,
        note="Left of zero: without the device fewer cases are solved. Filled and orange: the "
        "95 % interval leaves zero out. Hollow and grey: no clear difference.",
    )


def _kinds(report: EvalReport) -> list[str]:
    named = [kind for kind in report.kinds if kind != EVERY_KIND]
    return named if 0 < len(named) <= SHOWN_KINDS else [EVERY_KIND]


def _success(axes: "Axes", kind: str, rows: list[Row | None]) -> None:
    for at, row in enumerate(rows):
        if row is None or row.solved.value is None:
            continue
        value, ends = row.solved.value, row.solved.interval
        errors = [[max(0.0, value - ends.low)], [max(0.0, ends.high - value)]]
        axes.barh(at, value, height=0.62, color=colour(row.arm), alpha=0.28)
        axes.errorbar(value, at, xerr=errors, fmt="o", color=colour(row.arm), capsize=3)
        label = f"{100 * value:.0f} % ({row.solved.k}/{row.solved.n})"
        axes.text(max(ends.high, value) + 0.03, at, label, va="center", fontsize=8)
    axes.set_xlim(0, ROOM)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.set_title(f"{kind} cases")


def _forest(axes: "Axes", found: list[Ablation], names: list[str], reach: float) -> None:
    axes.axvline(0, color="#1f2933", linewidth=1)
    for one in found:
        at, solved = names.index(one.without), one.solved
        value, low, high = 100 * solved.value, 100 * solved.low, 100 * solved.high
        clear = high < 0 or low > 0
        axes.errorbar(
            value,
            at,
            xerr=[[value - low], [high - value]],
            fmt="o" if clear else "s",
            color="#D55E00" if clear else "#6b7280",
            markerfacecolor=None if clear else "white",
            capsize=3,
        )
        axes.annotate(
            f"{value:+.0f}", (value, at), xytext=(0, 6), textcoords="offset points",
            ha="center", fontsize=8,
        )  # fmt: skip
    arm_axis(axes, names)
    axes.set_xlim(-reach, reach)
    axes.set_title(f"{found[0].kind} cases (n {found[0].solved.n})" if found else "")


def _spoken(rows: dict[tuple[str, str], Row], arms: list[str], kinds: list[str]) -> str:
    return " ".join(
        f"{arm}, {kind}: {row.solved.k} of {row.solved.n}."
        for kind in kinds
        for arm in arms
        if (row := rows.get((arm, kind))) is not None
    )
