"""`ferryman config check`: every problem of the configuration at once."""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.cli.failures import USAGE, write_error
from orchestrator.cli.output import add_common, add_json, progress, results, write_json
from orchestrator.core.errors import OrchestratorError
from orchestrator.settings import Settings

Problem = tuple[str, str, str]
"""The code of an error, its message, and its hint."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    check = commands.add_parser("check", help="settings, records, prompts, models and servers")
    check.add_argument("--path", type=Path, metavar="DIR", help="the folder of the servers")
    add_json(check)
    add_common(check)


def execute(options: argparse.Namespace) -> int:
    """Look at everything a run needs, and name all that is wrong with it."""
    with tempfile.TemporaryDirectory(prefix="ferryman-") as folder:
        found = _problems(options, Path(folder))
    if options.json:
        keys = ("code", "message", "hint")
        write_json({"problems": [dict(zip(keys, problem, strict=True)) for problem in found]})
    else:
        for problem in found:
            write_error(*problem)
    if found:
        return USAGE
    if not options.json:
        results().print("The configuration is complete: a run can start.")
    return 0


def _problems(options: argparse.Namespace, scratch: Path) -> list[Problem]:
    from orchestrator.cli.setup import settings_for
    from orchestrator.cli.tools import setup_for_listing

    settings: list[Settings] = []
    found = _failing(lambda: settings.append(settings_for(setup_for_listing(options, scratch))))
    if not settings:
        return found
    used = settings[0]
    for look in (_records, _prompts, _models):
        found += [problem for check in look(used) for problem in _failing(check)]
    good, unusable = _blocks(used)
    with progress().status("Starting every tool server …"):
        return [*found, *unusable, *asyncio.run(_servers(good))]


def _failing(check: Callable[[], object]) -> list[Problem]:
    try:
        check()
    except OrchestratorError as error:
        return [(error.code, error.message, error.hint)]
    return []


def _records(settings: Settings) -> Iterator[Callable[[], object]]:
    from orchestrator.bootstrap import bindings

    yield lambda: bindings(settings)


def _prompts(settings: Settings) -> Iterator[Callable[[], object]]:
    from orchestrator.prompting.library import load_library

    yield lambda: load_library(settings.prompts_dir)


def _models(settings: Settings) -> Iterator[Callable[[], object]]:
    """The weights of every role that is played in this process, and of the shortlist."""
    from orchestrator.bootstrap import EMBEDDING_MODEL, bindings, model_store

    if _failing(lambda: bindings(settings)):
        return
    store = model_store(settings)
    named = {
        settings.embedded_model or binding.model
        for binding in bindings(settings).values()
        if binding.backend == "embedded"
    }
    for name in sorted(named):
        yield lambda name=name: store.resolve(name)  # type: ignore[misc]
    yield lambda: store.path(EMBEDDING_MODEL)


def _blocks(settings: Settings) -> tuple[Settings, list[Problem]]:
    """The settings with the servers whose blocks can be used, and what is wrong with the others."""
    from orchestrator.bootstrap import mcp_toolsets

    blocks = settings.config.mcpServers
    unusable = {
        name: _failing(lambda name=name: mcp_toolsets(_only(settings, name)))  # type: ignore[misc]
        for name in blocks
    }
    good = _only(settings, *(name for name in blocks if not unusable[name]))
    return good, [problem for problems in unusable.values() for problem in problems]


def _only(settings: Settings, *names: str) -> Settings:
    servers = {name: settings.config.mcpServers[name] for name in names}
    config = settings.config.model_copy(update={"mcpServers": servers})
    return settings.model_copy(update={"config": config})


async def _servers(settings: Settings) -> list[Problem]:
    """Start every server, whatever is remembered of it, and say which did not."""
    from orchestrator.bootstrap import open_tools

    async with open_tools(settings, refresh=True) as toolset:
        lost = toolset.unavailable.values()
        return [(error.code, error.message, error.hint) for error in lost]
