"""What `ferryman eval` knows without a model: suites, records, reports, data."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.text import Text

from orchestrator.cli.output import progress, results, table, write_json
from orchestrator.cli.setup import UNSET
from orchestrator.core.errors import SettingsError
from orchestrator.evals.arms import ARMS
from orchestrator.evals.cases import Suite
from orchestrator.evals.desk_suite import DeskSuite
from orchestrator.evals.external.fetching import fetch
from orchestrator.evals.external.suites import external_suites
from orchestrator.evals.figures import EvalReport
from orchestrator.evals.keeping import RECORDS, EvaluationFolder, latest
from orchestrator.evals.records import Measured, Record
from orchestrator.evals.summary import summarize
from orchestrator.evals.workbench import Workbench
from orchestrator.settings import Settings

OWN_SUITES = {
    "desk": "tasks on the sample office, executed by its real servers",
    "retrieval": "how often the right tool is in the shortlist; no model",
}


def suite_named(name: str, settings: Settings, workbench: Workbench, *, data: Path | None) -> Suite:
    """Load a suite.

    Raises:
        SettingsError: There is none of that name, or its data is not here.
    """
    check_suite(name)
    if name == "desk":
        return DeskSuite(workbench.office_tools)
    return external_suites()[name](data, settings.cache_dir / "evals")


def check_suite(name: str) -> None:
    """See that a suite is known, before any model is loaded for it.

    Raises:
        SettingsError: There is none of that name.
    """
    known = (*OWN_SUITES, *external_suites())
    if name not in known:
        raise SettingsError(
            f"There is no suite named {name!r}.", hint=f"The suites are: {', '.join(known)}."
        )


def data_folder_of(options: argparse.Namespace) -> Path | None:
    """The folder of external data that the options name."""
    found: Path | None = options.data
    if found is not None and not found.is_dir():
        raise SettingsError(f"--data {found} is not a folder.")
    return found


def listed(options: argparse.Namespace) -> int:
    """Print the suites and the arms."""
    del options
    suites = table("suite", "about", title="Suites")
    for name, about in OWN_SUITES.items():
        suites.add_row(name, about)
    for name in external_suites():
        suites.add_row(name, "external: needs its data")
    results().print(suites)
    arms = table("arm", "about", title="Arms")
    for arm in ARMS.values():
        arms.add_row(arm.name, arm.about)
    results().print(arms)
    return 0


def reported(options: argparse.Namespace) -> int:
    """Print tables, or write a page or Markdown, of one or more evaluations."""
    if options.page is None and options.markdown is None:
        return tables(options.folders, as_json=options.json)
    report = report_of(options.folders)
    from orchestrator.evals.page import write_markdown, write_page

    if options.page is not None:
        path = write_page(report, options.page)
        results().print(str(path), soft_wrap=True)
    if options.markdown is not None:
        path = write_markdown(report, options.markdown)
        results().print(str(path), soft_wrap=True)
    return 0


def tables(folders: Sequence[Path], *, as_json: bool) -> int:
    """Print what was measured."""
    report = report_of(folders)
    if as_json:
        write_json(report.model_dump(mode="json"))
    else:
        from orchestrator.evals.page import terminal_tables

        for made in terminal_tables(report):
            results().print(made)
    return 0


def report_of(folders: Sequence[Path]) -> EvalReport:
    """Fold the newest measurement of each arm into a report.

    Raises:
        SettingsError: A folder holds no evaluation.
    """
    records: list[Record] = []
    measured: dict[str, Measured] = {}
    for path in folders:
        folder = _kept(path)
        newest, what = latest(folder.records(), folder.measured())
        records += newest
        measured |= what
    return summarize(records, measured, command=f"ferryman {' '.join(sys.argv[1:])}")


def _kept(path: Path) -> EvaluationFolder:
    if not (path / RECORDS).is_file():
        raise SettingsError(
            f"{path} holds no evaluation.", hint="Make one with `ferryman eval run`."
        )
    return EvaluationFolder(path)


def shown(options: argparse.Namespace) -> int:
    """Print a case's score and calls, and its run's journal where there is one.

    Raises:
        SettingsError: The folder holds no evaluation, or none of this case under this arm.
    """
    folder = _kept(options.folder)
    newest, _ = latest(folder.records(), folder.measured())
    found = [r for r in newest if r.case == options.case and r.arm == options.arm]
    if not found:
        raise SettingsError(
            f"{options.folder} has no record of {options.case} under {options.arm}.",
            hint="`ferryman eval report DIR --json` lists the cases.",
        )
    for record in found:
        _show(record)
        if record.run_id:
            asyncio.run(_journal(options, record))
    return 0


def _show(record: Record) -> None:
    made = table("", "", title=f"{record.case} under {record.arm}, {record.model}")
    for name, value in _facts(record).items():
        made.add_row(Text(name, style="cyan"), Text(value))
    results().print(made)
    calls = table("decision", "tool", "arguments", "came to", title="Calls")
    for call in record.trace.calls:
        came = "ok" if call.ok else call.error
        calls.add_row(str(call.decision), Text(call.tool), Text(str(call.arguments)), Text(came))
    results().print(calls)


def _facts(record: Record) -> Mapping[str, str]:
    score, trace = record.score, record.trace
    return {
        "solved": "yes" if score.solved else "no",
        "why not": "\n".join(score.failures) or "-",
        "status": f"{trace.status} {trace.error}".strip(),
        "answer": trace.answer or "-",
        "question": trace.question or "-",
        "prompt tokens": f"{trace.usage.prompt:,} ({trace.usage.cached:,} cached)",
        "seconds": f"{trace.seconds:.1f}",
    }


async def _journal(options: argparse.Namespace, record: Record) -> None:
    from orchestrator.bootstrap import read_run
    from orchestrator.cli.runs import show_run

    settings = Settings.load(options.config, variables=UNSET)
    own = settings.model_copy(update={"state_dir": options.folder})
    show_run(await read_run(own, record.run_id))


def fetched(options: argparse.Namespace) -> int:
    """Bring the data of an external suite here."""
    settings = Settings.load(options.config, variables=UNSET)
    console = progress()
    path = fetch(
        options.name,
        settings.cache_dir / "evals",
        on_progress=lambda said: console.print(said, style="dim"),
    )
    results().print(str(path), soft_wrap=True)
    return 0
