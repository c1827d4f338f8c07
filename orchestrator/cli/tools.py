"""`ferryman tools`: which tools are in scope, and why a step would see which of them."""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from orchestrator.cli.limits import counted
from orchestrator.cli.output import add_common, add_json, progress, results, table, write_json
from orchestrator.cli.setup import RunSetup, places_of, settings_for

MOST_FOUND = 20
MOST_PLACES = 12
PLACES_HELP = f"how many places, 1 to {MOST_PLACES} (8)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = commands.add_parser("list", help="every tool in scope with its effect")
    search = commands.add_parser("search", help="the tools closest to some words")
    why = commands.add_parser("why", help="the shortlist of a step with its scores and reasons")
    for command in (search, why):
        command.add_argument("query", metavar="QUERY", help="what the step intends, in words")
    why.add_argument("-k", type=counted(1, MOST_PLACES), default=8, metavar="N", help=PLACES_HELP)
    for command in (listed, search, why):
        command.add_argument("--namespace", metavar="NS", help="the namespace of the plan's step")
        command.add_argument("--path", type=Path, metavar="DIR", help="the folder of the servers")
        add_json(command)
        add_common(command)


def execute(options: argparse.Namespace) -> int:
    """Start the servers, ask them for their tools, and print what was asked."""
    with tempfile.TemporaryDirectory(prefix="ferryman-") as folder:
        return asyncio.run(_shown(options, Path(folder)))


def setup_for_listing(options: argparse.Namespace, scratch: Path) -> RunSetup:
    """A setup in which every server starts: the named folder, or an office without pictures."""
    from orchestrator.cli.office import make_bare

    folder = options.path.expanduser().absolute() if options.path else scratch / "office"
    if not options.path:
        make_bare(folder)
    return RunSetup(
        run_id="",
        office=str(folder),
        servers_state=str(scratch / "state"),
        config=str(options.config.absolute()) if options.config else "",
        places=places_of(folder),
    )


async def _shown(options: argparse.Namespace, scratch: Path) -> int:
    from orchestrator.bootstrap import index_scope, open_tools

    settings = settings_for(setup_for_listing(options, scratch))
    console = progress()
    with console.status("Asking the tool servers …"):
        async with open_tools(settings) as toolset:
            catalogue = index_scope(settings, toolset)
            lost = {name: error.message for name, error in toolset.unavailable.items()}
    for name, why in lost.items():
        console.print(Text(f"{name} is unavailable: {why}", style="yellow"))
    _ACTIONS[options.action](catalogue, options)
    return 0


def _list(catalogue: Any, options: argparse.Namespace) -> None:
    specs = [
        spec
        for spec in catalogue.specs
        if options.namespace is None or spec.namespace == options.namespace
    ]
    if options.json:
        write_json([spec.model_dump(mode="json") for spec in specs])
        return
    made = table("tool", "effect", "what it does")
    for spec in specs:
        made.add_row(Text(spec.id), Text(spec.effect), Text(_first_sentence(spec.description)))
    results().print(made)
    spaces = len({spec.namespace for spec in specs})
    results().print(f"{len(specs)} tools in {spaces} namespaces")


def _search(catalogue: Any, options: argparse.Namespace) -> None:
    ranked = [
        entry
        for entry in catalogue.rank(options.query)
        if options.namespace is None or entry.tool.startswith(f"{options.namespace}.")
    ]
    _scores(
        [
            {"rank": rank, "tool": entry.tool, "score": entry.score, "parts": entry.parts}
            for rank, entry in enumerate(ranked[:MOST_FOUND], start=1)
        ],
        options,
        title=f"Closest to {options.query!r}",
    )


def _why(catalogue: Any, options: argparse.Namespace) -> None:
    from orchestrator.policy.shortlist import explain, shortlist

    chosen = shortlist(catalogue, query=options.query, namespace=options.namespace, k=options.k)
    rows = [row.model_dump(mode="json", exclude={"namespace"}) for row in explain(chosen)]
    _scores(rows, options, title=f"The shortlist of a step that is to {options.query!r}")
    for note in chosen.notes:
        progress().print(Text(note, style="yellow"))


def _scores(rows: Sequence[dict[str, Any]], options: argparse.Namespace, *, title: str) -> None:
    if options.json:
        write_json(list(rows))
        return
    parts = list(rows[0]["parts"]) if rows else []
    reason = ["reason"] if rows and "reason" in rows[0] else []
    made = table("rank", "tool", "blend", *parts, *reason, title=title)
    for row in rows:
        scores = [row["score"], *(row["parts"][part] for part in parts)]
        written = [f"{score:.3f}" for score in scores]
        made.add_row(str(row["rank"]), Text(row["tool"]), *written, *(row[key] for key in reason))
    results().print(made)


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


_ACTIONS = {"list": _list, "search": _search, "why": _why}
