"""What the user's own successful runs say about which tool comes next: a nudge, never a shove.

The counts come from journals; from them follows how much more likely than by chance a tool is,
given the namespace of the call before. The bonus is zero where nothing was learnt, never
negative, and below `MOST_BONUS`, so a tool that is clearly closer to the step stays ahead.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from orchestrator.core.chat import Frozen
from orchestrator.core.runs import RunState
from orchestrator.core.tools import split_name

MOST_BONUS = 0.1
"""The bonus that none reaches, on the 0..1 scale of a ranking's scores."""

SMOOTHING = 4.0
"""Uses that chance is believed to have seen before the first journal, spread over all tools."""

_START = ""
_DONE = frozenset({"completed"})


class Priors(Frozen):
    """Counts of successful steps.

    `uses` counts a tool once a step, however many items the step went over; `moves` counts the
    tools that followed a namespace, with the empty name for the first step of a run.
    """

    uses: dict[str, int] = Field(default_factory=dict)
    moves: dict[str, dict[str, int]] = Field(default_factory=dict)

    def bonus(self, tools: Sequence[str], last_namespace: str | None) -> NDArray[np.float64]:
        """Give each tool its bonus, 0 to `MOST_BONUS`, in the order of the tools.

        The likelihood of a tool after a namespace is its share of the moves from there,
        smoothed by its share of all uses, which is smoothed by chance (Laplace). The bonus grows
        with the number of times that it beats chance, in doublings.
        """
        if not tools or not self.uses:
            return np.zeros(len(tools))
        moves = self.moves.get(last_namespace or _START, {})
        usual = _smoothed(self.uses, tools, np.full(len(tools), 1 / len(tools)))
        likely = _smoothed(moves, tools, usual)
        doublings = np.array([max(0.0, log2(share * len(tools))) for share in likely])
        return MOST_BONUS * doublings / (1.0 + doublings)


NOTHING_LEARNT = Priors()
"""The priors before the first journal: no tool has a bonus."""


def learn(runs: Iterable[RunState]) -> Priors:
    """Count the tools of successful steps, and what they followed, in runs that were completed."""
    uses: Counter[str] = Counter()
    moves: dict[str, Counter[str]] = {}
    for run in runs:
        if run.status in _DONE:
            _count(_tools(run), uses, moves)
    return _priors(uses, moves)


def learn_sequences(sequences: Iterable[Sequence[str]]) -> Priors:
    """Count tools that are known to have followed each other successfully, one list a run."""
    uses: Counter[str] = Counter()
    moves: dict[str, Counter[str]] = {}
    for tools in sequences:
        _count(tools, uses, moves)
    return _priors(uses, moves)


def _tools(run: RunState) -> list[str]:
    """List the tools of the steps that are done, in the order of their last successful call."""
    done = {state.step.id for state in run.steps if state.status == "done"}
    last = {
        call.step: call.tool
        for call in run.settled
        if call.outcome.ok and not call.reused and call.step in done
    }
    return list(last.values())


def _count(tools: Sequence[str], uses: Counter[str], moves: dict[str, Counter[str]]) -> None:
    before = _START
    for tool in tools:
        uses[tool] += 1
        moves.setdefault(before, Counter())[tool] += 1
        before = split_name(tool)[0]


def _priors(uses: Counter[str], moves: dict[str, Counter[str]]) -> Priors:
    return Priors(uses=dict(uses), moves={name: dict(counts) for name, counts in moves.items()})


def _smoothed(
    counts: dict[str, int], tools: Sequence[str], expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give shares that lean on what was expected as long as little was counted."""
    seen = np.array([counts.get(tool, 0) for tool in tools], dtype=np.float64)
    shares: NDArray[np.float64] = (seen + SMOOTHING * expected) / (seen.sum() + SMOOTHING)
    return shares
