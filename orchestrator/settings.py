"""What the operator set: the only reader of the environment, and the config file.

Every setting has a variable `FERRYMAN_…`; a variable or key that nobody knows is an error, so
that a misspelt one is never silently without effect.
"""

import difflib
import os
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from typing_extensions import override

from orchestrator.core.errors import SettingsError
from orchestrator.core.fingerprints import digest
from orchestrator.core.runs import Approve, Budget
from orchestrator.policy.permissions import DEFAULT_RULES, Rule

PREFIX = "FERRYMAN_"
CONFIG_NAMES = ("ferryman.yaml", "ferryman.yml", "ferryman.json")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class ServedModel(BaseModel):
    """A model name that the service offers: the word on questions, and the limits of its runs.

    `places` and `budget` are those of the config file when left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    approve: Approve = "ask"
    budget: Budget | None = None
    places: dict[str, str] | None = None


SERVED_MODELS: Mapping[str, ServedModel] = {
    "ferryman": ServedModel(about="Carries out tasks; asks before it changes anything."),
    "ferryman-auto": ServedModel(
        about="Carries out tasks; changes files inside the allowed folders without asking.",
        approve="yes",
    ),
}
"""The names that are served where the config file names none."""


class ServiceLimits(BaseModel):
    """What the HTTP service takes in, and from whom.

    `running` and `waiting` count runs; `requests_per_minute` holds for each key. `hosts` are
    names that the service is called by besides its own, `origins` the web pages that may call
    it. `drain_s` is how long runs may go on once the service is told to stop. What a run asks for
    can be granted for `approval_s` seconds, 0 is for ever; then it counts as denied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    running: int = Field(default=4, gt=0, le=1024)
    waiting: int = Field(default=1000, ge=0, le=1_000_000)
    body_bytes: int = Field(default=2_000_000, gt=0)
    body_s: float = Field(default=15.0, gt=0)
    json_depth: int = Field(default=64, gt=0, le=64)
    requests_per_minute: int = Field(default=1200, gt=0)
    keep_alive_s: float = Field(default=15.0, gt=0)
    drain_s: float = Field(default=20.0, ge=0)
    approval_s: float = Field(default=7 * 86_400.0, ge=0)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


class ConfigFile(BaseModel):
    """The config file: the servers, and what may run without asking.

    `mcpServers` is the usual block of every MCP client, `places` are folders by the name a
    person uses for them, `rules` come before the built-in ones; first match wins. `service`
    are the limits of the HTTP service, `models` the names that it offers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Not in a traceback that shows values: a server's block is where its secrets are.
    mcpServers: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)  # noqa: N815 - the field's name
    places: dict[str, str] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    budget: Budget = Budget()
    parallel_calls: int = Field(default=4, gt=0, le=64)
    service: ServiceLimits = ServiceLimits()
    models: dict[str, ServedModel] = Field(
        default_factory=lambda: dict(SERVED_MODELS), min_length=1
    )
    _identities: dict[str, str] = PrivateAttr(default_factory=dict)

    @override
    def model_post_init(self, context: Any) -> None:
        """Keep what names each server whatever its variables are filled with.

        `context` is the file before that, where there is one.
        """
        blocks = (context or {}).get("mcpServers") or {}
        self._identities.update((name, _identity(name, blocks[name])) for name in blocks)

    @property
    def identities(self) -> Mapping[str, str]:
        """A digest of each server's block as it was written, by the server's name."""
        return self._identities


class Telemetry(BaseModel):
    """Where spans of runs are sent, and the `name=value` list of headers they are sent with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str = Field(repr=False)
    headers: SecretStr = SecretStr("")
    service: str = "ferryman"

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Telemetry | None":
        """Read the variables `OTEL_*`; None where they name no receiver, or say no.

        Raises:
            SettingsError: They ask for a protocol that is not spoken.
        """
        told = _OtelVariables(env)
        base = told("ENDPOINT")
        endpoint = env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (
            f"{base.rstrip('/')}/v1/traces" if base else ""
        )
        off = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        if off or not endpoint or env.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
            return None
        if told("PROTOCOL") not in {"", "http/protobuf"}:
            raise SettingsError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL is {told('PROTOCOL')!r}; spans are sent by "
                "http/protobuf only.",
                hint="Set it to http/protobuf; receivers listen for that at port 4318.",
            )
        return cls(
            endpoint=endpoint,
            headers=SecretStr(told("HEADERS")),
            service=env.get("OTEL_SERVICE_NAME") or "ferryman",
        )


class _OtelVariables:
    """OpenTelemetry's variables of the exporter; one for traces wins over the one for all."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def __call__(self, name: str) -> str:
        own = self._env.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}")
        return own or self._env.get(f"OTEL_EXPORTER_OTLP_{name}", "")


class Settings(BaseModel):
    """Everything an operator can set, with the defaults of a fresh machine.

    Folders follow the XDG base directories. `embedded_model` replaces the weights of every
    role that is bound to the embedded backend: a name of the catalogue or the path of a GGUF.
    `log` is a file that gets one JSON line for every entry of a journal, without contents.
    `host`, `port` and `keys` are for the HTTP service: where it listens, and the file of keys.
    `telemetry` comes from the variables `OTEL_*`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_dir: Path
    cache_dir: Path
    adr_dir: Path
    prompts_dir: Path
    config_path: Path | None = None
    config: ConfigFile = ConfigFile()
    base_url: str = Field(default="", repr=False)
    api_key: SecretStr | None = None
    embedded_model: str = ""
    log: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8114, ge=0, le=65535)
    keys: Path | None = None
    telemetry: Telemetry | None = None

    @property
    def keys_path(self) -> Path:
        """Where the keys of the HTTP service are."""
        return self.keys or self.state_dir / "keys.json"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The operator's rules, then the built-in ones."""
        return (*self.config.rules, *DEFAULT_RULES)

    @property
    def servers(self) -> Mapping[str, Mapping[str, Any]]:
        """The `mcpServers` of the config file, filled in."""
        return self.config.mcpServers

    @property
    def models_dir(self) -> Path:
        """Where pulled weights are."""
        return self.cache_dir / "models"

    @classmethod
    def load(
        cls,
        config: Path | None = None,
        *,
        variables: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> "Settings":
        """Read the environment and the config file.

        Args:
            config: The config file; without it FERRYMAN_CONFIG, else ferryman.yaml here.
            variables: Values for `${NAME}` in the config file, before those of the environment.
            environ: The environment, the process's own when left out.

        Raises:
            SettingsError: A variable, a key or a value cannot be used; it names which.
        """
        env = dict(os.environ if environ is None else environ)
        own = {k.removeprefix(PREFIX).lower(): v for k, v in env.items() if k.startswith(PREFIX)}
        _refuse_unknown(own)
        path = config or _default_config(own.pop("config", ""))
        home = Path(env.get("HOME") or Path.home())
        values: dict[str, Any] = {
            "state_dir": Path(env.get("XDG_STATE_HOME") or home / ".local/state") / "ferryman",
            "cache_dir": Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "ferryman",
            "adr_dir": data_folder("adr"),
            "prompts_dir": data_folder("prompts"),
            "telemetry": Telemetry.of(env),
            **own,
        }
        known = {
            "PYTHON": sys.executable,
            "STATE": str(values["state_dir"]),
            **env,
            **(variables or {}),
        }
        if path is not None:
            values |= {"config_path": path, "config": read_config(path, known)}
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError(f"The environment: {_first(error)}") from error


def data_folder(name: str) -> Path:
    """The folder `prompts` or `adr`: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
    beside = package.parent / name
    return beside if beside.is_dir() else package / "_data" / name


def office_config() -> Path:
    """The config file of the sample office.

    Raises:
        SettingsError: The sample office is not installed.
    """
    found = find_spec("desk")
    if found is None or found.origin is None:
        raise SettingsError(
            "The sample office is not installed.",
            hint="Install it with `pip install 'ferryman[desk]'`, or give --path a folder.",
        )
    return Path(found.origin).with_name("office.yaml")


def read_config(path: Path, variables: Mapping[str, str]) -> ConfigFile:
    """Read a config file (YAML, of which JSON is a part) and fill in `${NAME}`.

    Raises:
        SettingsError: It cannot be read, has an unknown key, or names an unset variable.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    try:
        return ConfigFile.model_validate(_filled(data, variables, path), context=data)
    except ValidationError as error:
        raise SettingsError(f"{path}: {_first(error)}{_meant(error)}") from error


def _identity(name: str, block: Mapping[str, Any]) -> str:
    """Of variables and headers only the names count: their values may be secrets."""
    told = ((key, block[key]) for key in ("env", "headers") if isinstance(block.get(key), dict))
    named = {key: sorted(map(str, values)) for key, values in told}
    return digest(yaml.safe_dump([name, {**block, **named}]))


def _filled(value: Any, variables: Mapping[str, str], path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _filled(part, variables, path) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, variables, path) for part in value]
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if name not in variables:
            raise SettingsError(
                f"{path} uses ${{{name}}}, which is not set.", hint=f"Set {name} and start again."
            )
    return _VARIABLE.sub(lambda match: variables[match.group(1)], value)


def _default_config(named: str) -> Path | None:
    if named:
        return Path(named)
    return next((Path(name) for name in CONFIG_NAMES if Path(name).is_file()), None)


def _refuse_unknown(own: Mapping[str, str]) -> None:
    known = {*Settings.model_fields} - {"config_path", "telemetry"}
    for name in own:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean {PREFIX}{near[0].upper()}?" if near else ""
            raise SettingsError(f"{PREFIX}{name.upper()} is not a setting.{meant}")


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}."


def _meant(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        return ""
    near = difflib.get_close_matches(str(first["loc"][-1]), ConfigFile.model_fields, 1)
    return f" Did you mean {near[0]!r}?" if near else ""
