"""`ferryman mcp`: Ferryman as an MCP server over stdin and stdout, for one client."""

import argparse
import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.output import add_common
from orchestrator.core.errors import SettingsError

if TYPE_CHECKING:
    from orchestrator.settings import Settings

DRAIN_S = 5.0
"""Seconds for the call at hand once the client has left; what is cut off then is resumed later."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--path",
        type=Path,
        metavar="DIR",
        help="the folder to work in; without it the servers of the config file say",
    )
    parser.add_argument(
        "--no-approve",
        action="store_true",
        help="offer no approve tool: a person decides elsewhere, with `ferryman resume`",
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="write a line of JSON for each journal entry"
    )
    add_common(parser)
    parser.set_defaults(host=None, port=None, allow_host=[], allow_origin=[])


def execute(options: argparse.Namespace) -> int:
    """Serve until the client closes stdin."""
    from orchestrator.cli.serve import settings_of

    on_stderr = logging.StreamHandler()
    on_stderr.setLevel(logging.WARNING)
    logging.basicConfig(handlers=[on_stderr], format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(_served(settings_of(options), may_approve=not options.no_approve))
    return 0


async def _served(settings: "Settings", *, may_approve: bool) -> None:
    try:
        from orchestrator.service.mcp.face import serve_stdio
        from orchestrator.service.opening import open_service
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The service needs {error.name}, which is not installed.",
            hint="Install it with `pip install 'ferryman[service]'`.",
        ) from error
    from orchestrator.service.gate.keys import LOCAL, Caller

    caller = LOCAL if may_approve else Caller(LOCAL.name, LOCAL.tenant, frozenset({"run"}))
    await serve_stdio(lambda: open_service(settings), caller, drain_s=DRAIN_S)
