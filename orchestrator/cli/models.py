"""`ferryman models`: the weights of the embedded models."""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.cli.output import add_common, add_json, progress, results, table, write_json
from orchestrator.cli.setup import UNSET

PROGRESS_EVERY_S = 5.0
_MB = 1e6


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = commands.add_parser("list", help="the known models and whether they are here")
    add_json(listed)
    pull = commands.add_parser("pull", help="bring a model here and verify it; resumes")
    pull.add_argument(
        "--from", dest="source", metavar="SOURCE", help="hf:OWNER/REPO/FILE, or a path"
    )
    path = commands.add_parser("path", help="print where a model is")
    verify = commands.add_parser("verify", help="compute a model's sha256 anew and compare")
    for command in (pull, path, verify):
        command.add_argument("names", nargs="*", metavar="NAME", help="the planner's if left out")
    for command in (listed, pull, path, verify):
        add_common(command)


def execute(options: argparse.Namespace) -> int:
    """Do what was asked with the model store."""
    from orchestrator.bootstrap import model_store
    from orchestrator.settings import Settings

    store = model_store(Settings.load(options.config, variables=UNSET))
    return _ACTIONS[options.action](store, options)


def _names(options: argparse.Namespace) -> list[str]:
    """The named models, or the one that the planner is bound to."""
    from orchestrator.bootstrap import bindings
    from orchestrator.settings import Settings

    if options.names:
        return list(options.names)
    settings = Settings.load(options.config, variables=UNSET)
    return [settings.embedded_model or bindings(settings)["planner"].model]


def _list(store: Any, options: argparse.Namespace) -> int:
    rows = [
        {
            "name": item.entry.name,
            "kind": item.entry.kind,
            "bytes": item.entry.bytes,
            "licence": item.entry.licence,
            "about": item.entry.about,
            "path": str(item.path) if item.path else None,
        }
        for item in store.list()
    ]
    if options.json:
        write_json(rows)
        return 0
    made = table("model", "size", "licence", "here", "about")
    for row in rows:
        size = f"{int(str(row['bytes'])) / _MB:,.0f} MB"
        here = "[green]yes[/]" if row["path"] else "no"
        made.add_row(str(row["name"]), size, str(row["licence"]), here, str(row["about"]))
    results().print(made)
    return 0


def _pull(store: Any, options: argparse.Namespace) -> int:
    for name in _names(options):
        with _bar(name) as advance:
            path = store.pull(name, progress=advance, source=options.source)
        results().print(str(path), soft_wrap=True)
    return 0


def _path(store: Any, options: argparse.Namespace) -> int:
    for path in [store.path(name) for name in _names(options)]:
        results().print(str(path), soft_wrap=True)
    return 0


def _verify(store: Any, options: argparse.Namespace) -> int:
    for name in _names(options):
        progress().print(f"Computing the sha256 of {name} …")
        results().print(f"{name}: sha256 {store.verify(name)} is right", soft_wrap=True)
    return 0


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar of the bytes on a terminal, a line every few seconds elsewhere."""
    console = progress()
    if not console.is_terminal:
        yield _Lines(name).advance
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn(f"[bold]{name}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.description}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total or None, description=what
        )


class _Lines:
    """Progress for a log: at most one line in a while."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()
        self._last = 0.0

    def advance(self, done: int, total: int, what: str) -> None:
        """Write a line if the last one is old enough, or the end is reached."""
        now = time.monotonic()
        if now - self._last < PROGRESS_EVERY_S and done != total:
            return
        self._last = now
        share = f" of {total / _MB:,.0f} MB ({done / total:.0%})" if total else ""
        speed = done / _MB / max(now - self._began, 0.001)
        progress().print(f"{self._name}: {done / _MB:,.0f}{share}, {speed:,.1f} MB/s, {what}")


_ACTIONS = {"list": _list, "pull": _pull, "path": _path, "verify": _verify}
