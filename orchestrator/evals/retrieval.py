"""How often the right tool is in the shortlist: every labelled set, every ranking, one run.

Each figure of the shortlist's own ranking stands next to plain BM25, to the sentence embedding
alone and to their plain blend. Its weights were fitted on these sets, so that figure is
in-sample; beside it stands what weights fitted on the other families of sets alone come to.
Cross-validation covers the weights (and the priors) only: that there are synonyms, kinds in the
place of values and sentences at all was decided with these same sets in view.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field
from rich.table import Table

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import split_name
from orchestrator.evals.retrieval_ranks import (
    Compared,
    Comparison,
    Ranks,
    Score,
    compare,
    interval,
    ranks,
    recall,
)
from orchestrator.evals.retrieval_sets import LabelledSet, labelled_sets
from orchestrator.evals.retrieval_weights import fit, fit_elsewhere
from orchestrator.evals.statistics import Interval
from orchestrator.policy.catalogue import WEIGHTS, Catalogue, Scores, blend, build_catalogue, scaled
from orchestrator.policy.priors import learn_sequences
from orchestrator.ports.retrieval import Retriever

DEPTHS = (1, 5, 10, 12, 20)

BASELINE = "words"
"""The retriever that serves the plain rankings only."""

EMBEDDING = "minilm"

PLAIN = {BASELINE: 0.4, EMBEDDING: 0.6}
"""The plain blend: the best fixed fusion of two retrievers before anything was learnt."""

Learnt = Literal["", "in-sample", "cross-validated"]
Progress = Callable[[str, int, int], None]


class Bar(Frozen):
    """What a set must come to: a recall at a depth."""

    depth: int
    recall: float


BARS: dict[str, tuple[Bar, ...]] = {
    "localcowork-single": (Bar(depth=5, recall=0.96), Bar(depth=12, recall=0.99)),
    "localcowork-chains": (Bar(depth=10, recall=0.97),),
    "livemcpbench-tasks": (Bar(depth=5, recall=0.535),),
    "livemcpbench-steps": (Bar(depth=10, recall=0.86),),
    "localcowork-single-in-15k": (Bar(depth=10, recall=0.75),),
}


class Figures(Frozen):
    """One ranking of one set: the recall at each depth, and its 95 % interval.

    `learnt` says whether something in the ranking was learnt, and on what: `in-sample` on sets
    that this one is among, `cross-validated` on others (weights) or on other chains (priors).
    """

    ranking: str
    learnt: Learnt = ""
    recall: dict[int, float]
    interval: dict[int, Interval]


class SetReport(Frozen):
    """All rankings of one set."""

    name: str
    title: str
    tools: int
    queries: int
    groups: int
    bars: tuple[Bar, ...] = ()
    figures: tuple[Figures, ...]


class RetrievalReport(Frozen):
    """What a run of the retrieval suite came to.

    `weights` are those of the shortlist, `fitted` what a fit on all families comes to now, and
    `elsewhere` what a fit without each family does.
    """

    schema_version: Literal[1] = 1
    retrievers: tuple[str, ...]
    weights: dict[str, float]
    fitted: dict[str, float] = Field(default_factory=dict)
    elsewhere: dict[str, dict[str, float]] = Field(default_factory=dict)
    sets: tuple[SetReport, ...]


def run_retrieval(
    data: Path,
    retrievers: Sequence[Retriever],
    *,
    sets: Collection[str] | None = None,
    on_progress: Progress = lambda _set, _done, _total: None,
) -> RetrievalReport:
    """Measure every ranking on the sets of a data folder.

    Args:
        data: The folder of the evaluation data.
        retrievers: The ways of comparing, at best with the plain one named `words` among them.
        sets: Names of sets; None measures all that are there.
        on_progress: Told the title of the set, questions done, and questions in it.
    """
    return measure(tuple(labelled_sets(data, sets)), retrievers, on_progress)


def measure(
    sets: Sequence[LabelledSet],
    retrievers: Sequence[Retriever],
    on_progress: Progress = lambda _set, _done, _total: None,
) -> RetrievalReport:
    """Measure every ranking on some sets; what is learnt is learnt on the small ones of them."""
    compared = list(_compared(sets, retrievers, on_progress))
    parts = [part for part in WEIGHTS if any(part in c.parts for c in _all(compared))]
    small = [each for each in compared if "-in-" not in each.name]
    families = dict.fromkeys(each.family for each in compared)
    elsewhere = {family: fit_elsewhere(small, parts, family) for family in families}
    return RetrievalReport(
        retrievers=tuple(retriever.name for retriever in retrievers),
        weights={part: WEIGHTS[part] for part in parts},
        fitted=fit(small, parts),
        elsewhere=elsewhere,
        sets=tuple(
            _set_report(labelled, each, elsewhere[each.family])
            for labelled, each in zip(sets, compared, strict=True)
        ),
    )


def retrieval_table(report: RetrievalReport) -> Table:
    """Lay the report out for a terminal; a bar that is met is marked with a tick."""
    table = Table("set", "tools", "queries", "ranking", title="Recall of the right tool")
    for depth in DEPTHS:
        table.add_column(f"@{depth}", justify="right")
    table.add_column("bar")
    for each in report.sets:
        for row, figures in enumerate(each.figures):
            head = (each.title, f"{each.tools:,}", str(each.queries)) if not row else ("", "", "")
            learnt = f" ({figures.learnt})" if figures.learnt else ""
            cells = [f"{figures.recall[depth]:.3f}" for depth in DEPTHS]
            table.add_row(*head, figures.ranking + learnt, *cells, _verdict(each, figures))
        table.add_section()
    return table


def _verdict(each: SetReport, figures: Figures) -> str:
    """Say for our own rankings how they stand to the bars of their set."""
    if not figures.learnt:
        return ""
    return ", ".join(
        f"@{bar.depth} {bar.recall:.3f} {'✓' if figures.recall[bar.depth] >= bar.recall else '✗'}"
        for bar in each.bars
    )


def _all(compared: Sequence[Compared]) -> Iterator[Comparison]:
    for each in compared:
        yield from each.comparisons


def _compared(
    sets: Sequence[LabelledSet], retrievers: Sequence[Retriever], on_progress: Progress
) -> Iterator[Compared]:
    """Compare the sets in turn; sets of the same tools share their indexes."""
    indexed: tuple[object, Catalogue, Catalogue] | None = None
    for labelled in sets:
        if indexed is None or indexed[0] is not labelled.tools:
            indexed = (labelled.tools, *_catalogues(labelled, retrievers))
        done, total = 0, len(labelled.questions)

        def count(title: str = labelled.title, total: int = total) -> None:
            nonlocal done
            done += 1
            on_progress(title, done, total)

        yield compare(labelled, indexed[1], indexed[2], count)


def _catalogues(
    labelled: LabelledSet, retrievers: Sequence[Retriever]
) -> tuple[Catalogue, Catalogue]:
    """Index the tools once; the plain rankings and the shortlist's own share the embedding."""
    whole = build_catalogue(labelled.tools, retrievers)
    own = tuple(pair for pair in whole.indexes if pair[0] != BASELINE)
    plain = tuple(pair for pair in whole.indexes if pair[0] in PLAIN)
    return Catalogue(whole.specs, own), Catalogue(whole.specs, plain)


def _set_report(labelled: LabelledSet, each: Compared, other: dict[str, float]) -> SetReport:
    groups = [question.group for question in labelled.questions]
    figures = [
        _figures(name, learnt, ranks(each, score), groups)
        for name, learnt, score in _rankings(each, other)
    ]
    return SetReport(
        name=labelled.name,
        title=labelled.title,
        tools=len(labelled.tools),
        queries=len(labelled.questions),
        groups=len(set(groups)),
        bars=BARS.get(labelled.name, ()),
        figures=tuple(figures),
    )


def _figures(name: str, learnt: Learnt, found: list[Ranks], groups: list[str]) -> Figures:
    return Figures(
        ranking=name,
        learnt=learnt,
        recall={depth: recall(found, depth) for depth in DEPTHS},
        interval={depth: interval(found, groups, depth) for depth in DEPTHS},
    )


def _rankings(each: Compared, other: dict[str, float]) -> Iterator[tuple[str, Learnt, Score]]:
    """Name the rankings that this set can be measured with."""
    first = next(iter(each.comparisons), None)
    if first is None:
        return
    for name, title in ((BASELINE, "BM25"), (EMBEDDING, "MiniLM")):
        if name in first.plain:
            yield title, "", partial(_plain, weights={name: 1.0})
    if len(first.plain) > 1:
        yield "plain blend", "", partial(_plain, weights=PLAIN)
    yield "shortlist", "in-sample", partial(_own, weights=dict(WEIGHTS))
    if other:
        yield "shortlist", "cross-validated", partial(_own, weights=other)
    if any(comparison.question.last_tool for comparison in each.comparisons):
        weights = other or dict(WEIGHTS)
        yield "shortlist + priors", "cross-validated", _with_priors(each, weights)


def _plain(comparison: Comparison, weights: dict[str, float]) -> Scores:
    parts = {name: scaled(comparison.plain[name]) for name in weights}
    return blend(parts, weights)


def _own(comparison: Comparison, weights: dict[str, float]) -> Scores:
    return blend(dict(comparison.parts), weights)


def _with_priors(each: Compared, weights: dict[str, float]) -> Score:
    """Add the priors that the other chains teach: a chain's own steps are never among them."""
    chains: dict[str, list[str]] = {}
    for comparison in each.comparisons:
        taken = chains.setdefault(comparison.question.group, [])
        taken += [each.catalogue.specs[min(some)].id for some in comparison.gold[-1:] if some]
    tools = [spec.id for spec in each.catalogue.specs]
    priors = {
        group: learn_sequences(steps for name, steps in chains.items() if name != group)
        for group in chains
    }

    def score(comparison: Comparison) -> Scores:
        question = comparison.question
        after = split_name(question.last_tool)[0] if question.last_tool else None
        bonus = priors[question.group].bonus(tools, after)
        return np.asarray(_own(comparison, weights) + bonus, dtype=np.float64)

    return score
