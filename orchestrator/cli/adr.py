"""`ferryman adr`: the decision records that bind roles to models."""

import argparse
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from orchestrator.cli.failures import USAGE, write_error
from orchestrator.cli.output import add_common, add_json, results, table, write_json
from orchestrator.core.errors import DecisionRecordError
from orchestrator.core.roles import ROLES


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = commands.add_parser("list", help="every record with its status and bindings")
    check = commands.add_parser("check", help="whether the records bind every role exactly once")
    explain = commands.add_parser("explain", help="why a role is played by its model")
    explain.add_argument("role", choices=ROLES, metavar="ROLE", help=" or ".join(ROLES))
    index = commands.add_parser("index", help="print the index, adr/README.md")
    for command in (listed, check, explain):
        add_json(command)
    for command in (listed, check, explain, index):
        add_common(command)


def execute(options: argparse.Namespace) -> int:
    """Read the records and print what was asked."""
    from orchestrator.cli.setup import UNSET
    from orchestrator.decisions.reader import read_folder
    from orchestrator.settings import Settings

    settings = Settings.load(options.config, variables=UNSET)
    return _ACTIONS[options.action](read_folder(settings.adr_dir), options)


def _list(records: Sequence[Any], options: argparse.Namespace) -> int:
    rows = [
        {
            "id": record.id,
            "title": record.title,
            "status": record.front.status,
            "date": record.front.date.isoformat(),
            "binds": [claim.model_dump(mode="json") for claim in record.front.binds],
            "rejects": list(record.front.rejects),
        }
        for record in records
    ]
    if options.json:
        write_json(rows)
        return 0
    made = table("record", "decision", "status", "date", "binds")
    for row in rows:
        binds = ", ".join(f"{claim['role']}: {claim['model']}" for claim in row["binds"])
        made.add_row(row["id"], Text(row["title"]), Text(row["status"]), row["date"], Text(binds))
    results().print(made)
    return 0


def _check(records: Sequence[Any], options: argparse.Namespace) -> int:
    from orchestrator.decisions.resolve import problems, resolve

    found = problems(records)
    if options.json:
        write_json({"records": len(records), "problems": list(found)})
    if found:
        for problem in found:
            write_error(DecisionRecordError.code, problem)
        return USAGE
    if not options.json:
        for role, binding in resolve(records).items():
            results().print(f"{role}: {binding.model} on {binding.backend} ({binding.record})")
        results().print(f"{len(records)} records fit together")
    return 0


def _explain(records: Sequence[Any], options: argparse.Namespace) -> int:
    from orchestrator.decisions.resolve import explain

    found = explain(records, options.role)
    if options.json:
        write_json(found.model_dump(mode="json"))
        return 0
    binding, console = found.binding, results()
    console.print(Text(f"{options.role}: {binding.model}", style="bold"))
    console.print(Text(f"backend {binding.backend}, profile {binding.profile}"))
    console.print(Text(f"{binding.record}: {found.title} ({found.date}, {found.file})\n"))
    console.print(Text(found.outcome))
    for other in found.others:
        console.print(Text(f"\nalso weighed: {other.model} ({other.record}, {other.status})"))
    for rejection in found.rejected:
        console.print(Text(f"\nrejected: {rejection.model} ({rejection.record})"))
    return 0


def _index(records: Sequence[Any], _: argparse.Namespace) -> int:
    from orchestrator.decisions.resolve import index

    results().file.write(index(records))
    return 0


_ACTIONS = {"list": _list, "check": _check, "explain": _explain, "index": _index}
