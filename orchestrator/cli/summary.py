"""What is printed when a run is over: the answer, what changed, what it cost, what is missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.cli.output import table
from orchestrator.core.runs import RunState
from orchestrator.evals.report import Report

STYLES = {
    "completed": "green",
    "planned": "cyan",
    "incomplete": "yellow",
    "stopped": "yellow",
    "waiting_approval": "yellow",
    "waiting_tools": "yellow",
    "needs_input": "yellow",
    "cancelled": "yellow",
    "failed": "red",
}
Listing = Sequence[tuple[str, str]]


def show(
    console: Console, report: Report, *, listing: Listing = (), journal: Path | None = None
) -> None:
    """Print a report for people."""
    for part in _parts(report, listing, journal):
        console.print(part)


def _parts(report: Report, listing: Listing, journal: Path | None) -> Iterator[RenderableType]:
    if report.answer:
        yield Panel(
            Text(report.answer),
            title="Answer",
            title_align="left",
            border_style="green",
            padding=(0, 1),
        )
    if listing:
        yield changes(report, listing)
    elif report.renames:
        yield renames(report)
    if report.missing:
        yield Text("Missing", style="bold yellow")
        for line in report.missing:
            yield Text(f"  {line}", style="yellow")
        yield Text()
    yield costs(report, journal)


def show_plan(console: Console, state: RunState) -> None:
    """Print a plan for people, or what came in its place."""
    plan = state.plan
    if plan is None:
        return
    if plan.answer or plan.question:
        console.print(Text(plan.answer or plan.question))
        return
    made = table("step", "namespace", "intent", "for each of", "where", title="Plan")
    for step in plan.steps:
        where = " and ".join(condition.written() for condition in step.where)
        first = f"{where} (first {step.take})".strip() if step.take else where
        made.add_row(*map(Text, (step.id, step.namespace, step.intent, step.over, first)))
    console.print(made)


def renames(report: Report) -> Table:
    """Old and new names, with the words that the new one is made of."""
    made = table("old name", "new name", "words it used", title="Renamed")
    for rename in report.renames:
        made.add_row(Text(rename.old), Text(rename.new), Text(" ".join(rename.because)))
    return made


def changes(report: Report, listing: Listing) -> Table:
    """A folder before and after, the changed files first."""
    because = {rename.new: " ".join(rename.because) for rename in report.renames}
    made = table("before", "after", "words it used", title="The Desktop")
    for old, new in sorted(listing, key=lambda row: (row[0] == row[1], row[0])):
        if old == new:
            made.add_row(Text(old, style="dim"), Text(new, style="dim"), Text())
        else:
            made.add_row(Text(old), Text(new, style="bold green"), Text(because.get(new, "")))
    return made


def costs(report: Report, journal: Path | None) -> Table:
    """The run in figures."""
    made = table("run", "", title="Run summary")
    made.show_header = False
    for name, value in _figures(report):
        made.add_row(Text(name, style="cyan"), value)
    if journal is not None:
        made.add_row(Text("journal", style="cyan"), Text(str(journal)))
    return made


def _figures(report: Report) -> Iterator[tuple[str, Text]]:
    status = Text(report.status.replace("_", " "), style=f"bold {STYLES.get(report.status, '')}")
    if report.error:
        status.append(f": {report.error}", style="not bold")
    yield "status", status
    yield "model", Text(_model(report))
    scope = report.scope
    yield (
        "tools",
        Text(
            f"{scope.tools} in {scope.namespaces} namespaces in scope; at most "
            f"{report.shown_max} to choose from at any decision"
        ),
    )
    yield "namespaces", Text(" → ".join(report.crossings) or "none")
    again = f", {report.replans} new plan{'s' if report.replans != 1 else ''}"
    yield "decisions", Text(f"{report.decisions}{again if report.replans else ''}")
    yield "model calls", Text(str(report.model_calls))
    tokens = report.tokens
    share = f" ({tokens.cached / tokens.prompt:.0%})" if tokens.prompt else ""
    yield (
        "tokens",
        Text(
            f"{tokens.prompt:,} prompt, {tokens.cached:,} of them cached{share}, "
            f"{tokens.generated:,} generated"
        ),
    )
    yield "calls executed", Text(_executed(report))
    yield (
        "loop breaker and guard",
        Text(f"{report.calls.refused} refused, {report.calls.from_cache} answered from cache"),
    )
    if report.decision_distance:
        distance = report.decision_distance
        yield (
            "decision distance",
            Text(f"median {distance.median:g}, at most {distance.max} tokens"),
        )
    if report.untouched is not None:
        yield "other files", Text("untouched" if report.untouched else "NOT all untouched")
    for name, why in report.unavailable.items():
        yield "unavailable", Text(f"{name}: {why}", style="yellow")
    yield "time at work", Text(f"{report.seconds:.1f} s")
    yield "run id", Text(report.run_id)


def _model(report: Report) -> str:
    digest = f" (sha256 {report.model.sha256[:12]}…)" if report.model.sha256 else ""
    return f"{report.model.name} on {report.backend}{digest}"


def _executed(report: Report) -> str:
    failed = f", {report.calls.failed} of them failed" if report.calls.failed else ""
    again = report.calls.identical_executed
    return f"{report.calls.executed}{failed}; {again} identical"
