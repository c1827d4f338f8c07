"""`ferryman serve`: offer everything over HTTP, until told to stop."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.limits import counted
from orchestrator.cli.output import add_common
from orchestrator.core.errors import SettingsError

if TYPE_CHECKING:
    from orchestrator.service.context import Service
    from orchestrator.settings import Settings

MOST_PORTS = 65_535


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", metavar="ADDRESS", help="where to listen (127.0.0.1)")
    parser.add_argument(
        "--port", type=counted(0, MOST_PORTS), metavar="N", help="the port (8114); 0 takes any"
    )
    parser.add_argument(
        "--path",
        type=Path,
        metavar="DIR",
        help="the folder to work in; without it the servers of the config file say",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that the service is called by, such as that of its container",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="URL",
        help="a web page's origin that may call the service",
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="write a line of JSON for each journal entry"
    )
    add_common(parser)


def execute(options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    settings = settings_of(options)
    log_to_stderr(settings, verbose=options.verbose)
    asyncio.run(_served(settings))
    return 0


def log_to_stderr(settings: "Settings", *, verbose: bool) -> None:
    """Write what goes wrong to stderr, without secrets; with `verbose` every request, too."""
    from orchestrator.bootstrap import service_logs

    lines = service_logs(settings, sys.stderr)
    # A library that sets a level of its own still says nothing below this one.
    lines.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(handlers=[lines])
    if verbose:
        logging.getLogger("uvicorn.access").setLevel(logging.INFO)


async def _served(settings: "Settings") -> None:
    try:
        from orchestrator.service.listening import bound, serve, url_of
        from orchestrator.service.opening import open_service
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The service needs {error.name}, which is not installed.",
            hint="Install it with `pip install 'ferryman[service]'`.",
        ) from error
    from orchestrator.service.gate.keys import Keyring

    # Before any model is loaded, so that a port that is taken costs no time.
    with bound(settings.host, settings.port, Keyring(settings.keys_path)) as listening:
        async with open_service(settings) as service:
            if not is_local(settings.host):
                service.keyring.demand()
            await serve(service, listening, ready=lambda: announce(service, url_of(listening)))


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    from orchestrator.service.listening import is_loopback

    return is_loopback(host)


def settings_of(options: argparse.Namespace) -> "Settings":
    """The operator's settings with what the options say.

    Raises:
        SettingsError: A setting, the config file or the folder cannot be used.
    """
    from orchestrator.cli.setup import UNSET
    from orchestrator.settings import Settings

    settings = Settings.load(options.config, variables=UNSET)
    if options.path:
        settings = _in_folder(options, settings)
    limits = settings.config.service
    limits = limits.model_copy(
        update={
            "hosts": (*limits.hosts, *options.allow_host),
            "origins": (*limits.origins, *options.allow_origin),
        }
    )
    told = {name: getattr(options, name) for name in ("host", "port", "log")}
    return settings.model_copy(
        update={
            "config": settings.config.model_copy(update={"service": limits}),
            **{name: value for name, value in told.items() if value is not None},
        }
    )


def _in_folder(options: argparse.Namespace, settings: "Settings") -> "Settings":
    """The settings with the servers for a folder, and the folder's own as places."""
    from orchestrator.cli.setup import RunSetup, places_of, settings_for, state_of

    folder = options.path.resolve()
    places = places_of(folder)
    setup = RunSetup(
        run_id="",
        office=str(folder),
        servers_state=str(state_of(folder, settings)),
        config=str(options.config or ""),
        embedded_model=settings.embedded_model,
    )
    used = settings_for(setup)
    return used.model_copy(
        update={
            "config": used.config.model_copy(update={"places": {**places, **used.config.places}})
        }
    )


def announce(service: "Service", url: str) -> None:
    """Say on stderr where the service is, who may use it, and what it works with."""
    parts = service.orchestrator.parts
    keys = "with a key only" if service.keyring.required else "without keys, this machine only"
    models = ", ".join(f"{info.role} {info.model}" for info in parts.models)
    tools = f"{len(parts.toolset.specs)} tools"
    sys.stderr.write(f"Ferryman listens at {url} ({keys}): {models}; {tools}. Ctrl-C stops it.\n")
    if parts.unavailable:
        sys.stderr.write(f"Not there: {', '.join(parts.unavailable)}; see {url}/readyz.\n")
    sys.stderr.flush()
