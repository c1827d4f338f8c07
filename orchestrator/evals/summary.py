"""From the records of an evaluation to its report. Pure: the same records, the same report."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.evals.criteria import criteria
from orchestrator.evals.figures import EVERY_KIND, PARTS, Comparison, Detail, EvalReport, Part, Row
from orchestrator.evals.records import Measured, Record
from orchestrator.evals.statistics import BOOTSTRAP_DRAWS, BOOTSTRAP_SEED
from orchestrator.evals.summary_details import detail
from orchestrator.evals.summary_pairs import FULL, OPPONENTS, Key, ablations, compare
from orchestrator.evals.summary_rows import row
from orchestrator.evals.words import counted

FIRST_ARMS = ("bare", "native", FULL)
"""Arms are told in this order; the ablations follow, then whatever else there is."""
SHOWN_MISSING = 5

Runs = dict[tuple[str, str], dict[Key, Record]]
"""The records of each arm and model, by case."""


def summarize(
    records: Sequence[Record],
    measured: Mapping[str, Measured],
    *,
    expected: Iterable[str] = (),
    command: str = "",
) -> EvalReport:
    """Fold the records of one suite into a report; nothing is left out silently.

    Args:
        records: One of each case, arm, model and seed; of several, the latest counts.
        measured: What was measured, by the digest that the records name.
        expected: The ids of the suite's cases. Whatever has no record is listed as missing, and
            so is a case that another arm has.
        command: What made the report, shown in it.
    """
    runs = _runs(records, measured)
    models = tuple(sorted({model for _, model in runs}))
    arms = tuple(sorted({arm for arm, _ in runs}, key=_rank))
    every = [record for part in runs.values() for record in part.values()]
    kinds = _kinds(every)
    rows = tuple(_rows(runs, arms, models, kinds))
    comparisons = tuple(_comparisons(runs, arms, models, kinds))
    details = tuple(_details(runs, arms, models, list(expected)))
    return EvalReport(
        suite=", ".join(sorted({m.suite for m in measured.values()})),
        command=command,
        began=min((record.at for record in every), default=None),
        ended=max((record.at for record in every), default=None),
        arms=arms,
        models=models,
        kinds=kinds,
        cases=len({key[:2] for part in runs.values() for key in part}),
        records=len(every),
        seeds=tuple(sorted({record.seed for record in every})),
        bootstrap_seed=BOOTSTRAP_SEED,
        bootstrap_draws=BOOTSTRAP_DRAWS,
        measured=dict(sorted(measured.items(), key=lambda item: (_rank(item[1].arm), item[0]))),
        rows=rows,
        details=details,
        comparisons=comparisons,
        ablations=ablations(comparisons),
        criteria=criteria(rows, comparisons, models),
        notes=tuple(_notes(records, every, measured, details)),
    )


def _runs(records: Sequence[Record], measured: Mapping[str, Measured]) -> Runs:
    found: Runs = {}
    for record in sorted(records, key=lambda record: record.at):
        known = measured.get(record.measured)
        key = (known.suite if known else "", record.case, record.seed)
        found.setdefault((record.arm, record.model), {})[key] = record
    return {arm: dict(sorted(runs.items())) for arm, runs in found.items()}


def _rank(arm: str) -> tuple[int, str]:
    if arm in FIRST_ARMS:
        return FIRST_ARMS.index(arm), arm
    return len(FIRST_ARMS) + (not arm.startswith(FULL)), arm


def _kinds(records: Sequence[Record]) -> tuple[str, ...]:
    """The kinds that there are, easy ones first, and all together where there are several."""
    order = {"single": 0, "chain": 1}
    found = sorted({record.kind for record in records}, key=lambda kind: (order.get(kind, 2), kind))
    return (*found, EVERY_KIND) if len(found) != 1 else (found[0], EVERY_KIND)


def _rows(
    runs: Runs, arms: Sequence[str], models: Sequence[str], kinds: Sequence[str]
) -> Iterable[Row]:
    for model in models:
        for arm in arms:
            for kind in kinds:
                for part in PARTS:
                    chosen = _chosen(runs.get((arm, model), {}), kind, part)
                    if chosen:
                        records = list(chosen.values())
                        yield row(records, arm=arm, model=model, kind=kind, part=part)


def _comparisons(
    runs: Runs, arms: Sequence[str], models: Sequence[str], kinds: Sequence[str]
) -> Iterable[Comparison]:
    pairs = [(arm, other) for other in OPPONENTS for arm in arms if arm != other]
    for model in models:
        for arm, other in pairs:
            for kind in kinds:
                for part in PARTS:
                    ours = _chosen(runs.get((arm, model), {}), kind, part)
                    theirs = _chosen(runs.get((other, model), {}), kind, part)
                    if ours and theirs:
                        yield compare(
                            ours, theirs, arm=arm, other=other, model=model, kind=kind, part=part
                        )


def _chosen(runs: Mapping[Key, Record], kind: str, part: Part) -> dict[Key, Record]:
    return {
        key: record
        for key, record in runs.items()
        if kind in {EVERY_KIND, record.kind} and part in {"all", record.split}
    }


def _details(
    runs: Runs, arms: Sequence[str], models: Sequence[str], expected: Sequence[str]
) -> Iterable[Detail]:
    wanted = {*expected, *(key[1] for part in runs.values() for key in part)}
    for model in models:
        for arm in arms:
            found = runs.get((arm, model))
            if found is not None:
                missing = sorted(wanted - {key[1] for key in found})
                yield detail(list(found.values()), arm=arm, model=model, missing=missing)


def _notes(
    records: Sequence[Record],
    every: Sequence[Record],
    measured: Mapping[str, Measured],
    details: Sequence[Detail],
) -> Iterable[str]:
    if len(records) > len(every):
        old = counted(len(records) - len(every), "record")
        yield f"Left out for later ones of the same case: {old}."
    yield from _without_record(details)
    unknown = {record.measured for record in every} - measured.keys()
    if unknown:
        yield f"What was measured is unknown for {counted(len(unknown), 'digest')}."
    yield from _mixed(every, measured)


def _without_record(details: Sequence[Detail]) -> Iterable[str]:
    arms: dict[tuple[str, ...], list[str]] = {}
    for found in details:
        if found.missing:
            arms.setdefault(found.missing, []).append(f"{found.arm} ({found.model})")
    for missing, names in arms.items():
        shown = ", ".join(missing[:SHOWN_MISSING])
        more = ", …" if len(missing) > SHOWN_MISSING else ""
        cases = counted(len(missing), "case")
        yield f"No record of {cases} ({shown}{more}) under {', '.join(names)}."


def _mixed(every: Sequence[Record], measured: Mapping[str, Measured]) -> Iterable[str]:
    """Say where one arm holds records of different code, prompts, tools or cases."""
    digests: dict[tuple[str, str], set[str]] = {}
    for record in every:
        digests.setdefault((record.arm, record.model), set()).add(record.measured)
    for (arm, model), found in sorted(digests.items()):
        if len(found) > 1:
            yield f"{arm} ({model}) holds records of {len(found)} different measurements."
    used = [measured[digest] for found in digests.values() for digest in found & measured.keys()]
    for what in ("suite_digest", "code", "tools", "machine"):
        if len({getattr(one, what) for one in used}) > 1:
            yield f"The arms differ in {what.replace('_', ' ')}: compare them with care."
