"""Where an arm went wrong, how far its examples lay, and what its margins are worth."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from orchestrator.evals.figures import (
    Calibration,
    Detail,
    Distances,
    FailedCase,
    PlanLengths,
    Share,
)
from orchestrator.evals.records import Record
from orchestrator.evals.statistics import calibration_error, reliability
from orchestrator.evals.summary_rows import share, spread

EDGES = (50, 100, 200, 400, 800, 1600, 3200, 6400)
"""Decision distances (tokens) at which the next bar of the histogram begins."""
REASON_WORDS = 6
_QUOTED = re.compile(r"(['\"`]).*?\1|“.*?”")
_PATH = re.compile(r"(?:\S*/\S+|\S+\.\w+\[?\S*)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def detail(records: Sequence[Record], *, arm: str, model: str, missing: Sequence[str]) -> Detail:
    """Tell what the runs of one arm with one model did, over all cases."""
    failed = [record for record in records if not record.score.solved]
    return Detail(
        arm=arm,
        model=model,
        calibration=_calibration(records),
        distances=_distances(records),
        plans=_plans(records),
        reasons=_counted(reason(first_failure(record)) for record in failed),
        statuses=_counted(record.trace.status for record in records),
        tags=_solved_by(records, lambda record: record.tags),
        difficulties=_solved_by(records, lambda record: (record.difficulty,)),
        failed=tuple(_failed(record) for record in failed),
        missing=tuple(missing),
    )


def first_failure(record: Record) -> str:
    """Say what was wrong first: with the world, or with the run itself."""
    said = next(iter(record.score.failures), "")
    return said or record.trace.error or f"Ended as {record.trace.status}."


def reason(text: str) -> str:
    """Reduce a failure to the kind of failure: its first words, without names and numbers."""
    plain = _NUMBER.sub("N", _PATH.sub("…", _QUOTED.sub("…", text)))
    words = plain.split()
    kept = " ".join(words[:REASON_WORDS]).rstrip(".,:;")
    return f"{kept} …" if len(words) > REASON_WORDS and not kept.endswith("…") else kept


def _calibration(records: Sequence[Record]) -> Calibration:
    pairs = [pair for record in records for pair in _judged(record)]
    bins = reliability(pairs)
    return Calibration(n=len(pairs), error=calibration_error(bins), bins=bins)


def _judged(record: Record) -> list[tuple[float, bool]]:
    """The margins of a run's decisions that are known to be right or wrong.

    Without a word on every decision, the first one is judged by the first call's tool.
    """
    known = dict(record.score.right)
    if not known and record.score.first_tool is not None:
        known = {0: record.score.first_tool}
    return [
        (use.margin, known[use.decision])
        for use in record.trace.model
        if use.margin is not None and use.decision in known
    ]


def _distances(records: Sequence[Record]) -> Distances:
    known = [u.distance for r in records for u in r.trace.model if u.distance is not None]
    counts = Counter(sum(distance >= edge for edge in EDGES) for distance in known)
    return Distances(
        spread=spread(known),
        edges=EDGES,
        counts=tuple(counts[at] for at in range(len(EDGES) + 1)),
    )


def _plans(records: Sequence[Record]) -> PlanLengths:
    known = [length for r in records if (length := r.score.plan_length) is not None]
    return PlanLengths(
        shorter=share(length < 1 for length in known),
        equal=share(length == 1 for length in known),
        longer=share(length > 1 for length in known),
    )


def _solved_by(
    records: Sequence[Record], names: Callable[[Record], Sequence[str]]
) -> dict[str, Share]:
    parts: dict[str, list[bool]] = {}
    for record in records:
        for name in names(record):
            parts.setdefault(name, []).append(record.score.solved)
    return {name: share(parts[name]) for name in sorted(parts) if name}


def _failed(record: Record) -> FailedCase:
    return FailedCase(
        case=record.case,
        kind=record.kind,
        part=record.split,
        run_id=record.run_id,
        status=record.trace.status,
        reason=first_failure(record),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, the most frequent first."""
    found = Counter(names)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
