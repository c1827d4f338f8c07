"""`ferryman runs prune`: what is old enough goes, and it is said how much that is."""

import argparse
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from orchestrator.cli.limits import counted
from orchestrator.cli.output import add_common, add_json, results, write_json
from orchestrator.core.runs import RunStatus
from orchestrator.ports.store import OVER, Pruned
from orchestrator.settings import Settings

_AGE = re.compile(r"(?P<count>[0-9]{1,5})(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST_KEPT = 1_000_000
_KILO = 1024


def configure(commands: Any) -> None:
    """Declare the sub-command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "prune", help="remove old runs that are over, and the payloads that only they had"
    )
    parser.add_argument(
        "--older-than",
        type=age,
        required=True,
        metavar="AGE",
        help="runs that nothing was added to for that long: 30d, 12h, 90m, 4w",
    )
    parser.add_argument(
        "--keep",
        type=counted(0, _MOST_KEPT),
        default=0,
        metavar="N",
        help="the N newest runs stay however old they are (0)",
    )
    parser.add_argument(
        "--status",
        action="append",
        choices=get_args(RunStatus),
        help="only runs that have come to this, also one that is not over; several times",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and leave it")
    add_json(parser)
    add_common(parser)


async def prune(options: argparse.Namespace) -> int:
    """Remove what is old and say what went."""
    from orchestrator.bootstrap import open_store
    from orchestrator.cli.setup import UNSET, state_written

    settings = Settings.load(options.config, variables=UNSET)
    with open_store(settings) as store:
        done = await store.prune(
            before=datetime.now(UTC) - options.older_than,
            keep=options.keep,
            statuses=options.status or OVER,
            rehearse=options.dry_run,
        )
    if not options.dry_run:
        with state_written(settings):
            for run_id in done.runs:
                (settings.state_dir / "runs" / f"{run_id}.json").unlink(missing_ok=True)
    if options.json:
        write_json({"dry_run": options.dry_run, **asdict(done)})
    else:
        results().print(told(done, rehearsed=options.dry_run))
    return 0


def age(word: str) -> timedelta:
    """Read how long ago something was.

    Raises:
        ArgumentTypeError: It is no number of minutes, hours, days or weeks.
    """
    found = _AGE.fullmatch(word)
    if found is None:
        raise argparse.ArgumentTypeError(f"{word!r} is no age such as 30d, 12h, 90m or 4w")
    return timedelta(**{_UNITS[found["unit"]]: int(found["count"])})


def told(done: Pruned, *, rehearsed: bool) -> str:
    """Say in a sentence or two what went, or would go."""
    runs, verb = len(done.runs), "would be removed" if rehearsed else "removed"
    said = (
        f"{_many(runs, 'run')} {verb}: {_many(done.entries, 'entry', 'entries')} "
        f"({_size(done.entry_bytes)}), {_many(done.blobs, 'payload')} ({_size(done.blob_bytes)})."
    )
    if done.file_bytes:
        said += f" The journal is {_size(done.file_bytes)} smaller."
    if done.busy:
        said += f" Being worked on, and left: {', '.join(done.busy)}."
    return said


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < _KILO:
            return f"{count:.0f} {unit}"
        count /= _KILO
    return f"{count:.1f} GB"
