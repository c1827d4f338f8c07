"""The values that a report of an evaluation is made of; each knows how many cases it rests on."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from orchestrator.core.chat import Frozen
from orchestrator.evals.records import Measured
from orchestrator.evals.statistics import Bin, Difference, Interval

REPORT_VERSION: Final = 1
Part = Literal["all", "tuned", "held_out"]
"""The split that a figure is for: the whole suite or one half."""
PARTS: tuple[Part, ...] = ("all", "tuned", "held_out")
EVERY_KIND = "all"
"""Stands for all kinds of cases together."""


class Share(Frozen):
    """`k` of `n`; `value` is None of nothing, the interval is Wilson's 95 %."""

    k: int
    n: int
    value: float | None
    interval: Interval


class Mean(Frozen):
    """An average over the `n` cases (or decisions, or calls) that have the figure."""

    value: float | None
    n: int


class Spread(Frozen):
    """How figures are spread over `n` cases, decisions or calls; None of nothing."""

    n: int
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    max: float | None = None


class Cached(Frozen):
    """Prompt tokens that a backend served from its cache, over `calls` model calls."""

    calls: int
    prompt: int
    cached: int
    value: float | None


class Tokens(Frozen):
    """What runs cost in tokens.

    `per_decision` holds the prompts of decisions only (choosing a tool, filling its arguments,
    searching, rounds of a loop), `with_plan` those of planning as well; `computed` is
    `per_decision` without what was served from cache. `per_run` and `per_solved` hold every
    token of every call, prompt and generated.
    """

    decisions: int
    per_decision: float | None
    with_plan: float | None
    computed: float | None
    per_run: Mean
    per_solved: Mean
    cached: Cached
    settled: Cached
    """Of the decisions for which no tool had to be described."""


class Row(Frozen):
    """One arm with one model on the cases of one kind and one part of the suite.

    `first_tool`, `in_order` and `call_or_not` count cases; `tools`, `arguments`, `crossings`
    and `valid` average the shares of cases; `fixated` counts cases with any fixation,
    `fixations` the calls.
    """

    arm: str
    model: str
    kind: str
    part: Part
    solved: Share
    first_tool: Share
    tools: Mean
    arguments: Mean
    in_order: Share
    crossings: Mean
    valid: Mean
    call_or_not: Share
    fixated: Share
    fixations: int
    identical: int
    wasted: int
    refused: int
    decisions: Mean
    model_calls: Mean
    tokens: Tokens
    decision_seconds: Spread
    case_seconds: Spread


class Calibration(Frozen):
    """What the margin of a decision is worth: `error` is the expected calibration error."""

    n: int
    error: float | None
    bins: tuple[Bin, ...] = ()


class Distances(Frozen):
    """Tokens between the worked example and the decision; `counts` has one more than `edges`."""

    spread: Spread
    edges: tuple[int, ...]
    counts: tuple[int, ...]


class PlanLengths(Frozen):
    """Steps planned over steps needed, by case: fewer, as many, more."""

    shorter: Share
    equal: Share
    longer: Share


class FailedCase(Frozen):
    """A case that was not solved, where its journal is, and the first thing that was wrong."""

    case: str
    kind: str
    part: Part
    run_id: str
    status: str
    reason: str


class Detail(Frozen):
    """What one arm with one model did, over all cases. `missing` are cases without a record."""

    arm: str
    model: str
    calibration: Calibration
    distances: Distances
    plans: PlanLengths
    reasons: dict[str, int] = Field(default_factory=dict)
    statuses: dict[str, int] = Field(default_factory=dict)
    tags: dict[str, Share] = Field(default_factory=dict)
    difficulties: dict[str, Share] = Field(default_factory=dict)
    failed: tuple[FailedCase, ...] = ()
    missing: tuple[str, ...] = ()


class Comparison(Frozen):
    """An arm against another on the cases that both have; ratios are the arm's over the other's."""

    arm: str
    other: str
    model: str
    kind: str
    part: Part
    solved: Difference
    solved_ratio: float | None
    tokens_ratio: float | None
    tokens_interval: Interval | None


class Ablation(Frozen):
    """What one device of Ferryman earns: the arm without it against the arm with everything."""

    arm: str
    without: str
    model: str
    kind: str
    solved: Difference
    tokens_ratio: float | None
    says: str


class Criterion(Frozen):
    """A bar that an evaluation is held to; `met` is None where nothing was measured."""

    name: str
    model: str
    bar: str
    value: str
    n: int
    met: bool | None


class EvalReport(Frozen):
    """Everything that an evaluation found, from its records alone.

    `measured` holds, by digest, exactly what was measured; `command` is what made the report.
    `notes` say what a reader must know before comparing anything.
    """

    schema_version: Literal[1] = REPORT_VERSION
    suite: str
    command: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    arms: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    cases: int = 0
    records: int = 0
    seeds: tuple[int, ...] = ()
    bootstrap_seed: int
    bootstrap_draws: int
    measured: dict[str, Measured] = Field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    details: tuple[Detail, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    notes: tuple[str, ...] = ()
