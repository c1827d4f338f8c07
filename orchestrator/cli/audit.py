"""`ferryman audit`: whether the journals are what was written."""

import argparse
import asyncio

from orchestrator.cli.failures import COMPLETED, FAILED, write_error
from orchestrator.cli.output import add_common, add_json, results, write_json
from orchestrator.core.errors import JournalError

MOST_RUNS = 100_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    verify = commands.add_parser("verify", help="check the hash chain of one run, or of all")
    verify.add_argument("run", nargs="?", default="", metavar="RUN|LAST", help="all when left out")
    add_json(verify)
    add_common(verify)


def execute(options: argparse.Namespace) -> int:
    """Compute every hash anew and name what does not fit."""
    found = asyncio.run(_verified(options))
    problems = {run_id: lines for run_id, lines in found.items() if lines}
    if options.json:
        write_json({"runs": len(found), "problems": problems})
    for run_id, lines in problems.items():
        for line in lines:
            write_error(JournalError.code, f"Run {run_id}: {line}")
    if problems:
        return FAILED
    if not options.json:
        count = len(found)
        results().print(f"{count} run{'s' if count != 1 else ''}: every entry is as it was written")
    return COMPLETED


async def _verified(options: argparse.Namespace) -> dict[str, list[str]]:
    from orchestrator.bootstrap import open_store
    from orchestrator.cli.setup import UNSET
    from orchestrator.journal.chain import verify
    from orchestrator.settings import Settings

    with open_store(Settings.load(options.config, variables=UNSET)) as store:
        if options.run:
            names = [await store.find(options.run)]
        else:
            names = [head.run_id for head in await store.heads(MOST_RUNS)]
        found = {}
        for name in names:
            try:
                found[name] = verify(await store.read(name), await store.tail(name))
            except JournalError as error:
                found[name] = [error.message]
        return found
