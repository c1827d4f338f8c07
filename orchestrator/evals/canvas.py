"""One look for all pictures: a light card, plain axes, colours that colour-blind people can tell.

matplotlib is imported inside the functions only: no other part of Ferryman needs it.
"""

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2933"
FAINT = "#d5dbe1"
CARD = "#ffffff"
ARM_COLOURS = {"bare": "#D55E00", "native": "#E69F00", "ferryman": "#0072B2"}
ABLATION = "#56A0D3"
OTHER = "#6b7280"
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A900", "#6b7280")
"""After Okabe and Ito, the yellow darkened for a light ground."""
WIDTH = 7.6
"""Inches of every picture."""

STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": CARD,
    "axes.facecolor": CARD,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.09,
    "svg.fonttype": "none",
    "svg.hashsalt": "ferryman",
}


@dataclass(frozen=True)
class Drawing:
    """A figure that is ready to be written, with its title and its words.

    `alt` says what it shows, `note` how it is read.
    """

    title: str
    alt: str
    figure: "Figure"
    note: str = ""


def style() -> AbstractContextManager[None]:
    """The look of everything that is drawn and written inside.

    Raises:
        SettingsError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise SettingsError(
            "The plots of an evaluation need matplotlib, which is not installed.",
            hint="Install it with `pip install 'ferryman[eval]'`, or ask for the JSON report only.",
        ) from error
    return mpl.rc_context(STYLE)


def colour(arm: str) -> str:
    """The colour of an arm: the three main ones stand out, ablations are alike."""
    if arm in ARM_COLOURS:
        return ARM_COLOURS[arm]
    return ABLATION if arm.startswith("ferryman-") else OTHER


def panels(
    rows: int, columns: int = 1, *, height: float, share_y: bool = False
) -> tuple["Figure", Sequence["Axes"]]:
    """An empty figure in the house's look, with its axes in reading order."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    made = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
    return figure, list(made.flat)


def arm_axis(axes: "Axes", labels: Sequence[str]) -> None:
    """Name the arms from top to bottom, with faint lines to read along."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def rows_height(count: int, *, extra: float = 1.0) -> float:
    """Inches for so many arms below each other."""
    return extra + 0.32 * max(count, 2)


def svg_of(drawing: Drawing, name: str) -> str:
    """Write a figure as SVG text: the same bytes every time, ids that no other picture has."""
    out = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    drawing.figure.savefig(out, format="svg", metadata=nothing)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
