"""`ferryman keys`: who may use the service, and for what."""

import argparse
import sys
from datetime import UTC, datetime

from rich.text import Text

from orchestrator.cli.output import add_common, add_json, results, table, write_json
from orchestrator.core.errors import SettingsError
from orchestrator.service.gate.keys import SCOPES, Keyring, Scope


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    add = commands.add_parser("add", help="make a key and print it, once")
    add.add_argument("name", metavar="NAME", help="what the key is called")
    add.add_argument(
        "--tenant", default="", help="whose runs it sees; without it those of this machine's user"
    )
    add.add_argument(
        "--scope",
        default="run",
        metavar="LIST",
        help="run, approve and admin (all of it), separated by commas (run)",
    )
    listed = commands.add_parser("list", help="the keys, without the keys themselves")
    revoke = commands.add_parser("revoke", help="take a key back, at once")
    revoke.add_argument("name", metavar="NAME", help="what the key is called")
    add_json(listed)
    for command in (add, listed, revoke):
        add_common(command)


def execute(options: argparse.Namespace) -> int:
    """Change or show the file of keys; a service that runs sees it with its next request."""
    from orchestrator.cli.setup import UNSET
    from orchestrator.settings import Settings

    keyring = Keyring(Settings.load(options.config, variables=UNSET).keys_path)
    if options.action == "add":
        token = keyring.add(
            options.name,
            tenant=options.tenant,
            scopes=_scopes(options.scope),
            now=datetime.now(UTC),
        )
        sys.stderr.write("The key is shown only now; only its hash is kept.\n")
        sys.stdout.write(f"{token}\n")
    elif options.action == "revoke":
        keyring.revoke(options.name, now=datetime.now(UTC))
        sys.stderr.write(f"The key {options.name} is taken back.\n")
    else:
        _list(keyring, as_json=options.json)
    return 0


def _scopes(written: str) -> list[Scope]:
    """The scopes of a list.

    Raises:
        SettingsError: One of them is none.
    """
    named = [word.strip() for word in written.split(",") if word.strip()]
    unknown = [word for word in named if word not in SCOPES]
    if unknown or not named:
        raise SettingsError(
            f"--scope {written!r} names no scope of a key.",
            hint=f"There are: {', '.join(sorted(SCOPES))}.",
        )
    return [scope for scope in sorted(SCOPES) if scope in named]


def _list(keyring: Keyring, *, as_json: bool) -> None:
    keys = keyring.listed()
    if as_json:
        write_json([key.model_dump(mode="json", exclude={"sha256"}) for key in keys])
        return
    made = table("key", "tenant", "scopes", "made", "revoked")
    for key in keys:
        revoked = f"{key.revoked.astimezone():%Y-%m-%d %H:%M}" if key.revoked else ""
        made.add_row(
            Text(key.name),
            Text(key.tenant),
            ", ".join(key.scopes),
            f"{key.created.astimezone():%Y-%m-%d %H:%M}",
            revoked,
        )
    results().print(made)
