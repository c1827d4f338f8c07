"""`ferryman eval`: measure a model on a suite, arm against arm, and report it."""

import argparse
import asyncio
from pathlib import Path

from orchestrator.cli.limits import counted
from orchestrator.cli.output import add_common, add_json

DEFAULT_ARMS = "bare,native,ferryman"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = commands.add_parser("list", help="the suites and the arms")
    run = commands.add_parser("run", help="carry a suite; goes on where it was stopped")
    _configure_run(run)
    report = commands.add_parser("report", help="what was measured, as tables, JSON or a page")
    report.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="evaluation folders")
    report.add_argument("--page", type=Path, metavar="DIR", help="write an HTML page there")
    report.add_argument(
        "--markdown", type=Path, metavar="DIR", help="write evaluation.md and its plots there"
    )
    add_json(report)
    show = commands.add_parser("show", help="open a case: its score, its calls, its journal")
    show.add_argument("folder", type=Path, metavar="DIR", help="the evaluation's folder")
    show.add_argument("case", metavar="CASE", help="the case's id")
    show.add_argument("--arm", default="ferryman", help="under which arm (ferryman)")
    fetch = commands.add_parser("fetch", help="install the data of an external suite")
    fetch.add_argument("name", metavar="NAME")
    tune = commands.add_parser(
        "tune-profile", help="find a model's best profile by measuring on the tuned half"
    )
    _configure_tuning(tune)
    for command in (listed, run, report, show, fetch, tune):
        add_common(command)


def _configure_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("suite", metavar="SUITE", help="desk, retrieval, or an external suite")
    run.add_argument("--model", default="", metavar="NAME|FILE", help="other embedded weights")
    run.add_argument("--arms", default=DEFAULT_ARMS, metavar="A,B", help=f"({DEFAULT_ARMS})")
    _configure_cases(run)
    run.add_argument("--seed", type=int, default=0, help="of the sampling (0)")
    run.add_argument("--out", type=Path, metavar="DIR", help="where the evaluation is kept")
    run.add_argument("--data", type=Path, metavar="DIR", help="the folder of external data")
    run.add_argument("--quiet", action="store_true", help="no progress")
    add_json(run)


def _configure_cases(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cases", default="", metavar="ID,…", help="only cases whose id begins like one of these"
    )
    command.add_argument("--kind", default="", help="only cases of this kind: single, chain")
    command.add_argument("--split", choices=("tuned", "held_out"), help="only this half")
    command.add_argument(
        "--sample", type=counted(1, 100_000), metavar="N", help="N cases, drawn by --seed"
    )
    command.add_argument(
        "--parallel", type=counted(1, 64), default=1, metavar="N", help="cases at once (1)"
    )


def _configure_tuning(tune: argparse.ArgumentParser) -> None:
    tune.add_argument("model", metavar="MODEL", help="embedded weights")
    tune.add_argument("--sample", type=counted(4, 1000), default=24, metavar="N", help="cases (24)")
    tune.add_argument("--seed", type=int, default=0, help="draws the cases (0)")
    tune.add_argument("--out", type=Path, metavar="DIR", help="where the evaluation is kept")
    tune.add_argument("--quiet", action="store_true", help="no progress")
    add_json(tune)


def execute(options: argparse.Namespace) -> int:
    """Do what was asked."""
    if options.action in {"run", "tune-profile"}:
        from orchestrator.cli.measuring import measured, tuned

        return asyncio.run((measured if options.action == "run" else tuned)(options))
    from orchestrator.cli import evaluations

    actions = {
        "list": evaluations.listed,
        "report": evaluations.reported,
        "show": evaluations.shown,
        "fetch": evaluations.fetched,
    }
    return actions[options.action](options)
