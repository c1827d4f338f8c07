"""Remembers what tools a server offered, so that a run need not start it to plan with them."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.tools import mcp_config
from adapters.tools.mcp_config import McpServerConfig
from adapters.tools.mcp_program import program_version, source_digest
from orchestrator.core.tools import ToolSpec

MAX_MANIFEST_BYTES = 16 * 1024 * 1024
UNVERSIONED_FOR = timedelta(days=1)
"""How long a list is believed of a server whose version nothing tells."""

_SHORTEST_TOLD = 4
"""A path shorter than this stands in any text by chance."""

_READERS = ("mcp_manifest.py", "mcp_specs.py", "outcomes.py")
"""What makes specs of a server's words: a manifest is as old as these files."""

log = logging.getLogger(__name__)


class Manifest(BaseModel):
    """What one server offered when it was last asked.

    `program` and `reader` name the versions of the server and of our own reading of it.
    `told` names the values of the server's block, as a folder, that its tools repeat.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal[1] = 1
    namespace: str
    reader: str
    program: str
    told: str
    listed: datetime
    specs: tuple[ToolSpec, ...]
    rejected: dict[str, str]


@dataclass(frozen=True)
class ServerIdentity:
    """Which server is meant, and which version of it: what a manifest must match.

    Args:
        namespace: The server's namespace.
        block: A digest of what the operator wrote about it, variables not filled in.
        config: The same with the variables filled in.
    """

    namespace: str
    block: str
    config: McpServerConfig

    @property
    def file_name(self) -> str:
        """Where its manifest lies: an upgrade overwrites it, another block does not."""
        return f"{self.namespace}-{self.block[:16]}.json"

    def told_in(self, specs: Sequence[ToolSpec]) -> str:
        """A digest of the paths in the filled-in block that the tools' words repeat, else ""."""
        words = json.dumps([spec.model_dump(mode="json") for spec in specs], ensure_ascii=False)
        config = self.config
        values = (*config.args, *config.env.values(), str(config.cwd or ""))
        paths = {value.rpartition("=")[2] for value in values if "/" in value}
        told = sorted(path for path in paths if len(path) >= _SHORTEST_TOLD and path in words)
        return _digest(told) if told else ""


def identify(namespace: str, config: McpServerConfig, block: str = "") -> ServerIdentity:
    """Say which server is meant; without the operator's block its filled-in form stands for it.

    The names of variables and headers are part of that form, their values are not.
    """
    told = [config.command, config.args, config.url, str(config.cwd), config.policy]
    plain = _digest([*told, sorted(config.env), sorted(config.headers)])
    return ServerIdentity(namespace, block or plain, config)


class ManifestCache:
    """A folder with a manifest for each server that was ever asked for its tools.

    A file that is damaged, of another form, or of another version of the server counts as
    absent and is written again. A folder that cannot be written costs only time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, server: ServerIdentity, now: datetime) -> Manifest | None:
        """The server's manifest if it is still good at the given time."""
        try:
            with (self._folder / server.file_name).open("rb") as file:
                manifest = Manifest.model_validate_json(file.read(MAX_MANIFEST_BYTES))
        except (OSError, ValidationError):
            return None
        return manifest if _is_good(manifest, server, now) else None

    def save(
        self,
        server: ServerIdentity,
        specs: Sequence[ToolSpec],
        rejected: Mapping[str, str],
        now: datetime,
    ) -> None:
        """Remember what a server listed just now, unless JSON would change it."""
        manifest = Manifest(
            namespace=server.namespace,
            reader=_reader(),
            program=program_version(server.config),
            told=server.told_in(specs),
            listed=now,
            specs=tuple(specs),
            rejected=dict(rejected),
        )
        text = manifest.model_dump_json(indent=1)
        if Manifest.model_validate_json(text).specs != manifest.specs:
            self.forget(server)
            return
        try:
            _replace(self._folder / server.file_name, text)
        except OSError as error:
            log.warning("The tools of %s are not remembered: %s.", server.namespace, error)

    def forget(self, server: ServerIdentity) -> None:
        """Have the server asked anew by the next run."""
        try:
            (self._folder / server.file_name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("The tools of %s stay remembered: %s.", server.namespace, error)


def _is_good(manifest: Manifest, server: ServerIdentity, now: datetime) -> bool:
    if any(spec.id.partition(".")[0] != server.namespace for spec in manifest.specs):
        return False
    if manifest.told != server.told_in(manifest.specs):
        return False
    if manifest.reader != _reader() or manifest.program != program_version(server.config):
        return False
    return bool(manifest.program) or timedelta() <= now - manifest.listed < UNVERSIONED_FOR


def _reader() -> str:
    folder = Path(mcp_config.__file__).parent
    return source_digest(folder / name for name in _READERS)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
