"""What a run was started with, kept beside the journal so that a resume finds the same tools."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import JournalError, SettingsError
from orchestrator.settings import ConfigFile, Settings, office_config, read_config

MOST_PLACES = 12
UNSET = {"OFFICE": "", "STATE": ""}
"""Before the folder is known, a config file is read for what does not depend on it."""


class RunSetup(Frozen):
    """Everything about a run that is not in its journal because it belongs to this machine.

    `office` is the folder that the tools may touch, "" where the config file alone says what they
    may. `before` holds the digest of each of its
    files, `expected` the ones that must get a new name and `words` what these show; all three
    only for the sample office.
    """

    run_id: str
    office: str
    servers_state: str
    config: str = ""
    embedded_model: str = ""
    demo: bool = False
    seed: int = 0
    places: dict[str, str] = Field(default_factory=dict)
    expected: tuple[str, ...] = ()
    before: dict[str, str] = Field(default_factory=dict)
    words: dict[str, str] = Field(default_factory=dict)


def save(setup: RunSetup, settings: Settings) -> Path:
    """Write the setup down; done before the run exists, so that every run has one.

    Raises:
        SettingsError: The state folder cannot be written.
    """
    path = _path(setup.run_id, settings)
    with state_written(settings):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(setup.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path


@contextmanager
def state_written(settings: Settings) -> Iterator[None]:
    """Name the state folder when what is written into it cannot be.

    Raises:
        SettingsError: The folder is missing and cannot be made, may not be written, or is full.
    """
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"The state folder {settings.state_dir} cannot be written: {error.strerror}.",
            hint="Make it writable and make room, or set XDG_STATE_HOME to another folder.",
        ) from error


def load(run_id: str, settings: Settings) -> RunSetup:
    """Read what a run was started with.

    Raises:
        JournalError: It was not started by this program, or the file is damaged.
    """
    path = _path(run_id, settings)
    try:
        return RunSetup.model_validate_json(path.read_bytes())
    except OSError as error:
        raise JournalError(
            f"{path} is not there, so the tools of run {run_id} are not known.",
            hint="A run of the library is resumed by the program that started it.",
        ) from error
    except ValidationError as error:
        raise JournalError(f"{path} is damaged.", hint="Start the goal again.") from error


def _path(run_id: str, settings: Settings) -> Path:
    return settings.state_dir / "runs" / f"{run_id}.json"


def settings_for(setup: RunSetup) -> Settings:
    """The settings of a run: the operator's, with the office's servers where they name none.

    Raises:
        SettingsError: A setting or the config file cannot be used.
    """
    variables = {"STATE": setup.servers_state}
    if setup.office:
        variables["OFFICE"] = setup.office
    named = Path(setup.config) if setup.config else None
    settings = _loaded(named, variables)
    if setup.embedded_model:
        settings = settings.model_copy(update={"embedded_model": setup.embedded_model})
    if settings.config.mcpServers and not setup.demo:
        return settings
    own = settings.config.model_dump(exclude={"mcpServers"})
    config = _office(setup, variables).model_copy(
        update={name: getattr(settings.config, name) for name in own}
    )
    return settings.model_copy(update={"config": config})


def _loaded(named: Path | None, variables: Mapping[str, str]) -> Settings:
    try:
        return Settings.load(named, variables=variables)
    except SettingsError as error:
        if "${OFFICE}" not in error.message:
            raise
        raise SettingsError(error.message, hint="Give --path the folder it stands for.") from error


def _office(setup: RunSetup, variables: Mapping[str, str]) -> ConfigFile:
    config = read_config(office_config(), {"PYTHON": sys.executable, **variables})
    if Path(setup.office, "Projects/website").is_dir():
        return config
    # Without the office's repository there is nothing for the git server to start in.
    servers = {name: block for name, block in config.mcpServers.items() if name != "git"}
    return config.model_copy(update={"mcpServers": servers})


def places_of(folder: Path) -> dict[str, str]:
    """A folder and its visible subfolders, by the names that a goal may use for them.

    Raises:
        SettingsError: There is no such folder.
    """
    if not folder.is_dir():
        raise SettingsError(
            f"{folder} is not a folder.", hint="Give --path a folder that exists and may be read."
        )
    inside = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    named = {path.name: str(path) for path in inside[:MOST_PLACES]}
    return {folder.name or "folder": str(folder), **named}


def state_of(folder: Path, settings: Settings) -> Path:
    """Where the servers of a folder keep their own files, such as the trash."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return settings.state_dir / "servers" / f"{folder.name}-{name}"


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file below a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
