"""`ferryman runs`: what the journal knows of runs."""

import argparse
import asyncio
from typing import Any, get_args

from rich.text import Text

from orchestrator.cli import exporting, pruning
from orchestrator.cli.limits import counted
from orchestrator.cli.output import add_common, add_json, results, table, write_json
from orchestrator.core.events import Entry
from orchestrator.core.runs import RunState, RunStatus

MOST_RUNS = 100_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = commands.add_parser("list", help="the newest runs")
    listed.add_argument(
        "--limit", type=counted(1, MOST_RUNS), default=20, metavar="N", help="at most N runs (20)"
    )
    listed.add_argument(
        "--status",
        action="append",
        choices=get_args(RunStatus),
        help="only runs that have come to this; may be given several times",
    )
    listed.add_argument("--thread", metavar="NAME", help="only runs of this thread")
    pruning.configure(commands)
    exporting.configure(commands)
    show = commands.add_parser("show", help="what a run did: plan, calls, verdicts, answer")
    report = commands.add_parser("report", help="a run's report, as --json of `run` writes it")
    schema = commands.add_parser("schema", help="the JSON schema of a report")
    for command in (show, report):
        command.add_argument("run", metavar="RUN|LAST", help="the run's id, its beginning, or LAST")
    for command in (listed, show):
        add_json(command)
    for command in (listed, show, report, schema):
        add_common(command)


def execute(options: argparse.Namespace) -> int:
    """Read the journal and print what was asked."""
    if options.action == "schema":
        from orchestrator.evals.report import Report

        write_json(Report.model_json_schema())
        return 0
    return asyncio.run(_ACTIONS[options.action](options))


async def _list(options: argparse.Namespace) -> int:
    from orchestrator.bootstrap import open_store
    from orchestrator.cli.setup import UNSET
    from orchestrator.settings import Settings

    with open_store(Settings.load(options.config, variables=UNSET)) as store:
        heads = await store.heads(
            options.limit, thread=options.thread, statuses=options.status or ()
        )
    if options.json:
        write_json([head.model_dump(mode="json") for head in heads])
        return 0
    made = table("run", "started", "status", "goal")
    for head in heads:
        started = f"{head.started.astimezone():%Y-%m-%d %H:%M}"
        made.add_row(head.run_id, started, Text(head.status), Text(head.goal))
    results().print(made)
    return 0


async def _show(options: argparse.Namespace) -> int:
    entries = await stored(options)
    if options.json:
        write_json([entry.model_dump(mode="json") for entry in entries])
    else:
        show_run(entries)
    return 0


def show_run(entries: list[Entry]) -> None:
    """Tell a run entry by entry, then what it came to."""
    from orchestrator.cli.summary import show
    from orchestrator.evals.report import build_report
    from orchestrator.journal.fold import fold
    from orchestrator.journal.sentences import sentence

    console, state, seconds = results(), RunState(), 0.0
    console.print(Text(f"run {entries[0].run_id}: {_goal(entries)}", style="bold"))
    for entry in entries:
        before, state = state, fold(state, entry)
        seconds += entry.seconds
        if said := sentence(before, entry.event, state):
            console.print(Text(f"{entry.seq:5} {seconds:8.1f}s  {said}"))
    show(console, build_report(entries))


async def _report(options: argparse.Namespace) -> int:
    from orchestrator.evals.report import build_report

    write_json(build_report(await stored(options)).model_dump(mode="json"))
    return 0


async def stored(options: argparse.Namespace) -> list[Entry]:
    """The entries of the run that the options name, with every payload in full.

    Raises:
        JournalError: There is no such run, or its journal was changed.
    """
    from orchestrator.bootstrap import read_run
    from orchestrator.cli.setup import UNSET
    from orchestrator.settings import Settings

    return await read_run(Settings.load(options.config, variables=UNSET), options.run)


def _goal(entries: list[Entry]) -> str:
    request: Any = getattr(entries[0].event, "request", None)
    return request.goal if request else ""


_ACTIONS = {
    "prune": pruning.prune,
    "export": exporting.export,
    "list": _list,
    "show": _show,
    "report": _report,
}
