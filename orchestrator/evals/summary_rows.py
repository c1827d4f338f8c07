"""One row of a report: what the runs of one arm came to and what they cost."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from orchestrator.core.chat import Usage
from orchestrator.evals.figures import Cached, Mean, Part, Row, Share, Spread, Tokens
from orchestrator.evals.records import Record, Score
from orchestrator.evals.statistics import mean, quantile, wilson
from orchestrator.evals.traces import ModelUse, Trace

T = TypeVar("T")
DECIDING = frozenset({"choose", "arguments", "search", "round"})
"""The purposes of the model calls that decide what is called next."""
SETTLED = frozenset({"choose", "arguments", "round"})
"""The purposes whose prompts can be served from cache where no tool has to be described."""


def row(records: Sequence[Record], *, arm: str, model: str, kind: str, part: Part) -> Row:
    """Count what records came to that are all of one arm, model, kind and part."""
    scores, traces = [r.score for r in records], [r.trace for r in records]
    return Row(
        arm=arm,
        model=model,
        kind=kind,
        part=part,
        solved=share(s.solved for s in scores),
        first_tool=share(_known(scores, lambda s: s.first_tool)),
        tools=average(_known(scores, lambda s: s.tools)),
        arguments=average(_known(scores, lambda s: s.arguments)),
        in_order=share(_known(scores, lambda s: s.in_order)),
        crossings=average(_known(scores, lambda s: s.crossings)),
        valid=average(_known(scores, lambda s: s.valid)),
        call_or_not=share(s.call_or_not for s in scores),
        fixated=share(s.fixations > 0 for s in scores),
        fixations=sum(s.fixations for s in scores),
        identical=sum(s.identical for s in scores),
        wasted=sum(s.wasted for s in scores),
        refused=sum(t.refused for t in traces),
        decisions=average(decisions(t) for t in traces),
        model_calls=average(len(t.model) for t in traces),
        tokens=_tokens(records),
        decision_seconds=spread(s for t in traces for s in decision_seconds(t)),
        case_seconds=spread(t.seconds for t in traces),
    )


def share(values: Iterable[bool]) -> Share:
    """Count how many of some truths hold."""
    found = list(values)
    return share_of(sum(found), len(found))


def share_of(k: int, n: int) -> Share:
    """Say what `k` of `n` is, and how sure that is."""
    return Share(k=k, n=n, value=k / n if n else None, interval=wilson(k, n))


def average(values: Iterable[float]) -> Mean:
    """Average figures and keep how many there were."""
    found = list(values)
    return Mean(value=mean(found), n=len(found))


def spread(values: Iterable[float]) -> Spread:
    """Say how figures are spread."""
    found = sorted(values)
    return Spread(
        n=len(found),
        p50=quantile(found, 0.5),
        p90=quantile(found, 0.9),
        p95=quantile(found, 0.95),
        max=found[-1] if found else None,
    )


def deciding(trace: Trace) -> list[ModelUse]:
    """The model calls of a run that decided what to call next."""
    return [use for use in trace.model if use.purpose in DECIDING]


def decisions(trace: Trace) -> int:
    """Count the decisions of a run; calls that belong to no numbered one count by themselves."""
    uses = deciding(trace)
    numbered = {use.decision for use in uses if use.decision >= 0}
    return len(numbered) + sum(use.decision < 0 for use in uses)


def decision_seconds(trace: Trace) -> list[float]:
    """The seconds that the model took for each decision of a run."""
    taken: dict[int, float] = {}
    for at, use in enumerate(deciding(trace)):
        key = use.decision if use.decision >= 0 else -1 - at
        taken[key] = taken.get(key, 0.0) + use.seconds
    return list(taken.values())


def decided_prompt(trace: Trace) -> int:
    """The prompt tokens of a run's decisions, cached or not."""
    return _sum(deciding(trace)).prompt


def _tokens(records: Sequence[Record]) -> Tokens:
    traces = [record.trace for record in records]
    uses = [use for trace in traces for use in deciding(trace)]
    spent, count = _sum(uses), sum(decisions(trace) for trace in traces)
    planning = _sum(use for t in traces for use in t.model if use.purpose == "plan")
    everything = sum(_all(trace) for trace in traces)
    solved = sum(record.score.solved for record in records)
    settled = [use for trace in traces for use in _undisclosing(trace)]
    return Tokens(
        decisions=count,
        per_decision=_rate(spent.prompt, count),
        with_plan=_rate(spent.prompt + planning.prompt, count),
        computed=_rate(spent.prompt - spent.cached, count),
        per_run=Mean(value=_rate(everything, len(records)), n=len(records)),
        per_solved=Mean(value=_rate(everything, solved), n=solved),
        cached=_cached([use for trace in traces for use in trace.model]),
        settled=_cached(settled),
    )


def _undisclosing(trace: Trace) -> list[ModelUse]:
    """The calls of the decisions for which no tool had to be described."""
    uses = deciding(trace)
    told = {use.decision for use in uses if use.disclosed and use.decision >= 0}
    settled = [use for use in uses if use.purpose in SETTLED and not use.disclosed]
    return [use for use in settled if use.decision not in told]


def _cached(uses: Sequence[ModelUse]) -> Cached:
    spent = _sum(uses)
    return Cached(
        calls=len(uses),
        prompt=spent.prompt,
        cached=spent.cached,
        value=_rate(spent.cached, spent.prompt),
    )


def _sum(uses: Iterable[ModelUse]) -> Usage:
    usages = [use.usage for use in uses]
    return Usage(
        prompt=sum(usage.prompt for usage in usages),
        cached=sum(usage.cached for usage in usages),
        generated=sum(usage.generated for usage in usages),
    )


def _all(trace: Trace) -> int:
    spent = _sum(trace.model)
    return spent.prompt + spent.generated


def _rate(amount: float, count: int) -> float | None:
    return amount / count if count else None


def _known(scores: Sequence[Score], tell: Callable[[Score], T | None]) -> list[T]:
    return [value for score in scores if (value := tell(score)) is not None]
