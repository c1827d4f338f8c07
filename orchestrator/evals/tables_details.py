"""The tables of what went wrong, where, and of what exactly was measured."""

from collections.abc import Iterable, Sequence

from orchestrator.core.fingerprints import digest
from orchestrator.evals.figures import Detail, EvalReport, Share
from orchestrator.evals.tables import PART_WORDS, Table
from orchestrator.evals.words import NOTHING, number, share_words


def detail_table(report: EvalReport) -> Table:
    """Distances, margins and plan lengths of every arm."""

    def told(found: Detail) -> tuple[str, ...]:
        near, margin, plans = found.distances.spread, found.calibration, found.plans
        return (
            found.model,
            found.arm,
            f"{number(near.p50)} / {number(near.p90)} / {number(near.max)} (n {near.n:,})",
            f"{number(margin.error, 3)} (n {margin.n:,})",
            share_words(plans.shorter),
            share_words(plans.equal),
            share_words(plans.longer),
            str(len(found.missing)),
        )

    return Table(
        name="details",
        caption="Examples, margins and plans (n: decisions, decisions, cases with a plan)",
        columns=(
            "model",
            "arm",
            "decision distance: median / p90 / max",
            "calibration error",
            "plans too short",
            "plans as long as needed",
            "plans longer",
            "cases missing",
        ),
        rows=tuple(map(told, report.details)),
        labels=2,
    )


def parts_table(report: EvalReport) -> Table:
    """Cases solved by difficulty and tag, an arm a column."""
    columns = [(found.model, found.arm) for found in report.details]
    names = [("difficulty", name) for name in _names(d.difficulties for d in report.details)]
    names += [("tag", name) for name in _names(d.tags for d in report.details)]
    shares = {
        (found.model, found.arm): {"difficulty": found.difficulties, "tag": found.tags}
        for found in report.details
    }
    return Table(
        name="parts",
        caption="Cases solved by difficulty and tag (share, solved of n)",
        columns=("", "cases", *(_arm(report, *column) for column in columns)),
        rows=tuple(
            (what, name, *(_brief(shares[column][what].get(name)) for column in columns))
            for what, name in names
        ),
        labels=2,
    )


def reasons_table(report: EvalReport) -> Table:
    """Why cases failed, the most frequent first."""
    return Table(
        name="reasons",
        caption="The first thing that was wrong, by kind of failure (n: failed cases of the arm)",
        columns=("model", "arm", "cases", "n", "first thing wrong"),
        rows=tuple(
            (found.model, found.arm, str(count), str(len(found.failed)), reason)
            for found in report.details
            for reason, count in found.reasons.items()
        ),
        labels=2,
    )


def failed_table(report: EvalReport) -> Table:
    """Every case that was not solved, with the journal to open."""
    return Table(
        name="failed",
        caption="Every case that was not solved or has no record",
        columns=(
            "model",
            "arm",
            "case",
            "kind",
            "split",
            "run",
            "ended as",
            "first thing wrong",
        ),
        rows=tuple(row for found in report.details for row in _failed(found)),
        labels=3,
    )


def measured_table(report: EvalReport) -> Table:
    """Exactly what was measured: digests, seeds, machine."""
    return Table(
        name="measured",
        caption="What was measured (first 12 characters of each sha256)",
        columns=(
            "arm",
            "model",
            "weights",
            "profile",
            "changed",
            "seed",
            "suite",
            "cases' digest",
            "prompts",
            "tools",
            "code",
            "version",
            "machine",
            "in parallel",
            "measurement",
        ),
        rows=tuple(
            (
                one.arm,
                one.model,
                ", ".join(dict.fromkeys(m.sha256[:12] or "unread" for m in one.models)) or NOTHING,
                one.profile or NOTHING,
                ", ".join(f"{name} = {value}" for name, value in one.settings.items()) or NOTHING,
                str(one.seed),
                one.suite,
                one.suite_digest[:12],
                digest(one.prompts)[:12],
                f"{one.tools[:12]} ({one.tool_count})",
                one.code[:12],
                one.version or NOTHING,
                one.machine or NOTHING,
                str(one.parallel),
                key[:12],
            )
            for key, one in report.measured.items()
        ),
        labels=2,
    )


def _failed(found: Detail) -> Iterable[tuple[str, ...]]:
    for case in found.failed:
        label = found.model, found.arm, case.case, case.kind, PART_WORDS[case.part]
        yield *label, case.run_id or NOTHING, case.status, case.reason
    for name in found.missing:
        yield found.model, found.arm, name, NOTHING, NOTHING, NOTHING, "no record", "No record."


def _names(parts: Iterable[dict[str, Share]]) -> Sequence[str]:
    return list(dict.fromkeys(name for part in parts for name in part))


def _arm(report: EvalReport, model: str, arm: str) -> str:
    return arm if len(report.models) == 1 else f"{arm} ({model})"


def _brief(found: Share | None) -> str:
    return share_words(found) if found else NOTHING
