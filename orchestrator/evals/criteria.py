"""The bars that Ferryman is held to, evaluated from the figures of a report."""

from collections.abc import Iterable, Sequence

from orchestrator.evals.figures import EVERY_KIND, Comparison, Criterion, Row
from orchestrator.evals.summary_pairs import BARE, FULL
from orchestrator.evals.words import percent

CHAIN = "chain"
SINGLE = "single"
CHAIN_FACTOR = 3.0
CHAIN_SHARE = 0.5
SINGLE_POINTS = 0.20
SINGLE_SHARE = 0.90
TOKEN_SHARE = 0.10
CACHED_SHARE = 0.90


def criteria(
    rows: Sequence[Row], comparisons: Sequence[Comparison], models: Sequence[str]
) -> tuple[Criterion, ...]:
    """Hold every model's figures against every bar; what was not measured is not met or missed."""
    return tuple(made for model in models for made in _of_model(model, rows, comparisons))


def _of_model(
    model: str, rows: Sequence[Row], comparisons: Sequence[Comparison]
) -> Iterable[Criterion]:
    pairs = {
        found.kind: found
        for found in comparisons
        if (found.model, found.arm, found.other, found.part) == (model, FULL, BARE, "all")
    }
    own = {r.kind: r for r in rows if (r.model, r.arm, r.part) == (model, FULL, "all")}
    yield _chains(model, pairs.get(CHAIN))
    yield _single(model, pairs.get(SINGLE))
    yield _tokens(model, pairs.get(EVERY_KIND))
    yield _fixations(model, own.get(EVERY_KIND))
    yield _cached(model, own.get(CHAIN) or own.get(EVERY_KIND))


def _chains(model: str, pair: Comparison | None) -> Criterion:
    name = "chains completed, against bare"
    bar = f"≥ {CHAIN_FACTOR:g} times as many; ≥ {CHAIN_SHARE * 100:.0f} % where bare completes none"
    if pair is None or not pair.solved.n:
        return _unmeasured(name, model, bar)
    ours, theirs = _solved(pair)
    if theirs:
        met = ours / theirs >= CHAIN_FACTOR
        value = f"{ours / theirs:.2f} times ({ours} against {theirs})"
        return _criterion(name, model, bar, value, pair.solved.n, met=met)
    share = ours / pair.solved.n
    value = f"{percent(share)} ({ours}), bare none"
    return _criterion(name, model, bar, value, pair.solved.n, met=share >= CHAIN_SHARE)


def _single(model: str, pair: Comparison | None) -> Criterion:
    name = "single steps solved, against bare"
    bar = f"≥ {SINGLE_POINTS * 100:.0f} points more, or ≥ {SINGLE_SHARE * 100:.0f} %"
    if pair is None or not pair.solved.n:
        return _unmeasured(name, model, bar)
    ours, theirs = _solved(pair)
    n = pair.solved.n
    value = (
        f"{pair.solved.value * 100:+.1f} points ({percent(ours / n)} against {percent(theirs / n)})"
    )
    met = pair.solved.value >= SINGLE_POINTS or ours / n >= SINGLE_SHARE
    return _criterion(name, model, bar, value, n, met=met)


def _tokens(model: str, pair: Comparison | None) -> Criterion:
    name = "prompt tokens per decision, against bare"
    bar = f"≤ {TOKEN_SHARE * 100:.0f} %"
    if pair is None or pair.tokens_ratio is None:
        return _unmeasured(name, model, bar)
    ends = pair.tokens_interval
    sure = f" ({percent(ends.low)} to {percent(ends.high)})" if ends else ""
    value = f"{percent(pair.tokens_ratio)}{sure}"
    met = pair.tokens_ratio <= TOKEN_SHARE
    return _criterion(name, model, bar, value, pair.solved.n, met=met)


def _fixations(model: str, own: Row | None) -> Criterion:
    name, bar = "fixations (a call repeated with the same result)", "0"
    if own is None or not own.solved.n:
        return _unmeasured(name, model, bar)
    met = own.fixations == 0
    return _criterion(name, model, bar, str(own.fixations), own.solved.n, met=met)


def _cached(model: str, own: Row | None) -> Criterion:
    where = f"{own.kind} cases" if own and own.kind != EVERY_KIND else "all cases"
    name = f"prompt tokens from cache in decisions that disclosed no tool, {where}"
    bar = f"≥ {CACHED_SHARE * 100:.0f} %"
    if own is None or own.tokens.settled.value is None:
        return _unmeasured(name, model, bar)
    settled = own.tokens.settled
    value = f"{percent(settled.value)} of {settled.prompt:,} tokens in {settled.calls} calls"
    met = (settled.value or 0.0) >= CACHED_SHARE
    return _criterion(name, model, bar, value, own.solved.n, met=met)


def _solved(pair: Comparison) -> tuple[int, int]:
    return pair.solved.both + pair.solved.only_a, pair.solved.both + pair.solved.only_b


def _criterion(name: str, model: str, bar: str, value: str, n: int, *, met: bool) -> Criterion:
    return Criterion(name=name, model=model, bar=bar, value=value, n=n, met=met)


def _unmeasured(name: str, model: str, bar: str) -> Criterion:
    return Criterion(name=name, model=model, bar=bar, value="not measured", n=0, met=None)
