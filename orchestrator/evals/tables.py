"""The tables of a report, once for every place that shows them: page, Markdown, terminal."""

from collections.abc import Callable, Iterable

from orchestrator.core.chat import Frozen
from orchestrator.evals.figures import (
    PARTS,
    Ablation,
    Comparison,
    Criterion,
    EvalReport,
    Part,
    Row,
)
from orchestrator.evals.words import (
    NOTHING,
    mean_words,
    number,
    percent,
    points,
    ratio,
    seconds,
    share_words,
)

PART_WORDS: dict[Part, str] = {"all": "all cases", "tuned": "tuned on", "held_out": "held out"}

MODEL = "model"


class Table(Frozen):
    """Rows of words under columns; the first `labels` columns say what a row is about."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1

    def plain(self) -> "Table":
        """Leave the model out where there is one only: the front of the report names it."""
        at = self.columns.index(MODEL) if MODEL in self.columns else -1
        if at < 0 or self.name == "measured" or len({row[at] for row in self.rows}) > 1:
            return self
        return self.model_copy(
            update={
                "columns": (*self.columns[:at], *self.columns[at + 1 :]),
                "rows": tuple((*row[:at], *row[at + 1 :]) for row in self.rows),
                "labels": self.labels - (at < self.labels),
            }
        )


def criteria_table(report: EvalReport) -> Table:
    """The bars, with what was measured and whether they are met."""
    met = {True: "met", False: "not met", None: "not measured"}

    def told(found: Criterion) -> tuple[str, ...]:
        return found.name, found.model, found.bar, found.value, str(found.n), met[found.met]

    return Table(
        name="criteria",
        caption="What Ferryman is held to (n: cases that both arms have)",
        columns=("criterion", "model", "bar", "measured", "n", ""),
        rows=tuple(map(told, report.criteria)),
    )


def solved_table(report: EvalReport) -> Table:
    """Cases solved, by arm and kind, for the whole suite and each half."""
    return Table(
        name="solved",
        caption="Cases solved (share, Wilson 95 % interval, solved of n)",
        columns=("model", "arm", "kind", "all cases", "tuned on", "held out"),
        rows=tuple(_solved_rows(report)),
        labels=3,
    )


def quality_table(report: EvalReport) -> Table:
    """How the calls compare with the gold."""
    columns: dict[str, Callable[[Row], str]] = {
        "n": lambda r: str(r.solved.n),
        "first tool right": lambda r: share_words(r.first_tool),
        "gold tools": lambda r: mean_words(r.tools, percent),
        "gold arguments": lambda r: mean_words(r.arguments, percent),
        "in order": lambda r: share_words(r.in_order),
        "crossings": lambda r: mean_words(r.crossings, percent),
        "valid arguments": lambda r: mean_words(r.valid, percent),
        "called exactly if needed": lambda r: share_words(r.call_or_not),
    }
    return _of_rows(report, "quality", "Decisions against the gold (n: cases with it)", columns)


def waste_table(report: EvalReport) -> Table:
    """Calls that nobody needed, and how much was decided."""
    columns: dict[str, Callable[[Row], str]] = {
        "n": lambda r: str(r.solved.n),
        "cases with a fixation": lambda r: share_words(r.fixated),
        "fixations": lambda r: str(r.fixations),
        "identical calls": lambda r: str(r.identical),
        "wasted calls": lambda r: str(r.wasted),
        "refused by the guard": lambda r: str(r.refused),
        "decisions per case": lambda r: number(r.decisions.value, 1),
        "model calls per case": lambda r: number(r.model_calls.value, 1),
    }
    return _of_rows(report, "waste", "Calls that were not needed (totals over n cases)", columns)


def tokens_table(report: EvalReport) -> Table:
    """What decisions cost in tokens."""
    columns: dict[str, Callable[[Row], str]] = {
        "decisions": lambda r: f"{r.tokens.decisions:,}",
        "prompt per decision": lambda r: number(r.tokens.per_decision),
        "with planning": lambda r: number(r.tokens.with_plan),
        "computed (not cached)": lambda r: number(r.tokens.computed),
        "all tokens per run": lambda r: mean_words(r.tokens.per_run, number),
        "all tokens per solved case": lambda r: mean_words(r.tokens.per_solved, number),
        "cached": lambda r: percent(r.tokens.cached.value),
        "cached, no tool disclosed": lambda r: (
            f"{percent(r.tokens.settled.value)} (n {r.tokens.settled.calls:,})"
        ),
    }
    caption = "Tokens (n: runs, solved cases, model calls of decisions that disclosed no tool)"
    return _of_rows(report, "tokens", caption, columns)


def seconds_table(report: EvalReport) -> Table:
    """How long decisions and cases take."""
    columns: dict[str, Callable[[Row], str]] = {
        "decisions": lambda r: f"{r.decision_seconds.n:,}",
        "decision, median": lambda r: seconds(r.decision_seconds.p50),
        "decision, p95": lambda r: seconds(r.decision_seconds.p95),
        "n": lambda r: str(r.case_seconds.n),
        "case, median": lambda r: seconds(r.case_seconds.p50),
        "case, p95": lambda r: seconds(r.case_seconds.p95),
    }
    return _of_rows(report, "seconds", "Seconds of model time per decision, and per case", columns)


def comparison_table(report: EvalReport) -> Table:
    """Every arm against the bare loop and against everything on, on the same cases."""

    def told(found: Comparison) -> tuple[str, ...]:
        solved = found.solved
        return (
            found.model,
            f"{found.arm} against {found.other}",
            found.kind,
            PART_WORDS[found.part],
            str(solved.n),
            points(solved),
            f"{solved.p:.2g}",
            f"{solved.only_a} / {solved.only_b}",
            ratio(found.solved_ratio),
            ratio(found.tokens_ratio, found.tokens_interval),
        )

    return Table(
        name="comparisons",
        caption="Arms on the same n cases: points with Newcombe's 95 % interval, McNemar's exact p",
        columns=(
            "model",
            "arms",
            "kind",
            "split",
            "n",
            "solved",
            "p",
            "solved alone",
            "solved, ratio",
            "prompt tokens per decision, ratio",
        ),
        rows=tuple(map(told, report.comparisons)),
        labels=4,
    )


def ablation_table(report: EvalReport) -> Table:
    """What each device earns."""

    def told(found: Ablation) -> tuple[str, ...]:
        sure = f"{found.solved.p:.2g}"
        n, tokens = str(found.solved.n), ratio(found.tokens_ratio)
        label = found.model, found.without, found.kind
        return (*label, n, points(found.solved), sure, tokens, found.says)

    return Table(
        name="ablations",
        caption="Ferryman with one thing changed, against Ferryman as it is, on the same n cases",
        columns=(
            "model",
            "changed",
            "kind",
            "n",
            "solved",
            "p",
            "prompt tokens per decision",
            "what it says",
        ),
        rows=tuple(map(told, report.ablations)),
        labels=3,
    )


def _solved_rows(report: EvalReport) -> Iterable[tuple[str, ...]]:
    found = {(r.model, r.arm, r.kind, r.part): r for r in report.rows}
    for model, arm, kind in dict.fromkeys((r.model, r.arm, r.kind) for r in report.rows):
        parts = [found.get((model, arm, kind, part)) for part in PARTS]
        yield model, arm, kind, *(share_words(r.solved, sure=True) if r else NOTHING for r in parts)


def _of_rows(
    report: EvalReport, name: str, caption: str, columns: dict[str, Callable[[Row], str]]
) -> Table:
    rows = [r for r in report.rows if r.part == "all"]
    return Table(
        name=name,
        caption=caption,
        columns=("model", "arm", "kind", *columns),
        rows=tuple((r.model, r.arm, r.kind, *(tell(r) for tell in columns.values())) for r in rows),
        labels=3,
    )
