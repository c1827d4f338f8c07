"""The pictures of a report: which there are, and how each is written as SVG."""

import re
from collections.abc import Callable, Iterator

from orchestrator.core.chat import Frozen
from orchestrator.evals import plots_cost, plots_failures, plots_success
from orchestrator.evals.canvas import Drawing, style, svg_of
from orchestrator.evals.figures import EvalReport


class Picture(Frozen):
    """An SVG with what it shows: `name` is its file's, `alt` says it to who cannot see it.

    `note` says how it is read. `kind` is the name without the model's, which is
    added where there are several.
    """

    name: str
    kind: str
    title: str
    alt: str
    note: str
    svg: str


Draw = Callable[[EvalReport, str], Drawing | None]
_DRAWN: dict[str, Draw] = {
    "success": plots_success.success,
    "ablations": plots_success.ablation_forest,
    "tokens": plots_cost.tokens,
    "latency": plots_cost.latency,
    "distance": plots_cost.distance,
    "calibration": plots_failures.calibration,
    "failures": plots_failures.failures,
    "difficulty": plots_failures.heatmap,
}


def pictures(report: EvalReport) -> tuple[Picture, ...]:
    """Draw everything that a report has figures for, model by model.

    Raises:
        SettingsError: matplotlib is not installed.
    """
    with style():
        return tuple(_pictures(report))


def _pictures(report: EvalReport) -> Iterator[Picture]:
    for name, draw in _DRAWN.items():
        for model in report.models:
            drawing = draw(report, model)
            if drawing is None:
                continue
            several = len(report.models) > 1
            unique = f"{name}-{_slug(model)}" if several else name
            yield Picture(
                name=unique,
                kind=name,
                title=f"{drawing.title}, {model}" if several else drawing.title,
                alt=drawing.alt,
                note=drawing.note,
                svg=svg_of(drawing, unique),
            )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
