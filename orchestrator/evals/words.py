"""Figures in words: the same rounding wherever a report shows them."""

from collections.abc import Callable

from orchestrator.evals.figures import Mean, Share
from orchestrator.evals.statistics import Difference, Interval

NOTHING = "-"
"""Stands where there is no figure."""


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def number(value: float | None, digits: int = 0) -> str:
    """A number with so many digits after the point."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def seconds(value: float | None) -> str:
    """Seconds, to two digits where they are few."""
    return NOTHING if value is None else f"{value:.{2 if value < 10 else 1}f} s"  # noqa: PLR2004


def share_words(found: Share, *, sure: bool = False) -> str:
    """A share with what it counts, and its interval where it is asked for."""
    if found.value is None:
        return f"{NOTHING} (n 0)"
    ends = found.interval
    interval = f" [{100 * ends.low:.1f}, {100 * ends.high:.1f}]" if sure else ""
    return f"{percent(found.value)}{interval} ({found.k}/{found.n})"


def counted(count: int, name: str) -> str:
    """A count with what it counts: 1 case, 2 cases."""
    return f"{count} {name}" if count == 1 else f"{count:,} {name}s"


def mean_words(found: Mean, tell: Callable[[float | None], str]) -> str:
    """An average with the number of things that it is over."""
    return f"{tell(found.value)} (n {found.n:,})"


def points(found: Difference) -> str:
    """A difference of two shares in points, with its interval."""
    ends = f"[{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
    return f"{100 * found.value:+.1f} {ends}"


def ratio(value: float | None, ends: Interval | None = None) -> str:
    """One amount over another, with the interval where it is known."""
    if value is None:
        return NOTHING
    sure = f" [{_rounded(ends.low)}, {_rounded(ends.high)}]" if ends else ""
    return f"{_rounded(value)}{sure}"


def _rounded(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"
