"""`ferryman runs export`: a run as it is stored, also where it is damaged."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from orchestrator.cli.failures import COMPLETED, FAILED, write_error
from orchestrator.cli.output import add_common, write_json
from orchestrator.core.errors import JournalError
from orchestrator.core.events import Entry
from orchestrator.ports.store import SavedRow
from orchestrator.settings import Settings


def configure(commands: Any) -> None:
    """Declare the sub-command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export", help="every row of a run as it is stored, as JSON, also of a damaged one"
    )
    parser.add_argument("run", metavar="RUN|LAST", help="the run's id, its beginning, or LAST")
    add_common(parser)


async def export(options: argparse.Namespace) -> int:
    """Write out what is readable; what is wrong with the run is said on stderr."""
    from orchestrator.bootstrap import open_store
    from orchestrator.cli.setup import UNSET

    with open_store(Settings.load(options.config, variables=UNSET)) as store:
        run_id = await store.find(options.run)
        rows = await store.salvage(run_id)
        tail = await store.tail(run_id)
    problems = found_wrong(rows, tail)
    entries = [_value(row) for row in rows]
    write_json({"run_id": run_id, "entries": entries, "problems": problems})
    for problem in problems:
        write_error(JournalError.code, f"Run {run_id}: {problem}")
    return FAILED if problems else COMPLETED


def found_wrong(rows: Sequence[SavedRow], tail: tuple[int, str]) -> list[str]:
    """Name the rows that cannot be read, and what the rest of the chain says."""
    from orchestrator.journal.chain import verify

    unreadable, entries = [], []
    for row in rows:
        try:
            entries.append(Entry.model_validate_json(row.text))
        except ValidationError as error:
            why = row.problem or error.errors()[0]["msg"]
            unreadable.append(f"Entry {row.seq} cannot be read: {why}.")
    return [*unreadable, *verify(entries, tail)]


def _value(row: SavedRow) -> Any:
    try:
        return json.loads(row.text)
    except ValueError:
        return {"seq": row.seq, "unreadable": row.text or row.problem}
