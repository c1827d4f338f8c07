"""What an operator writes about one MCP server, in the block that every MCP client takes."""

import difflib
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adapters.tools.mcp_secrets import host_of, redacted, secrets_in
from adapters.tools.outcomes import MAX_OUTPUT_BYTES
from orchestrator.core.errors import SettingsError
from orchestrator.core.tools import Effect

_TYPO_CUTOFF = 0.8
_FOREIGN = {"timeout", "enabled"}
"""Keys of other clients that merely resemble ours."""


def check_namespace(name: str) -> None:
    """Refuse a server's key that could not be the part of a tool id before the dot.

    Raises:
        SettingsError: It has other characters than letters, digits, - and _.
    """
    if not name.replace("-", "_").isidentifier():
        raise SettingsError(
            f"{name!r} cannot be a namespace: use letters, digits, - and _.",
            hint="The namespace is the server's key in mcpServers: rename the key.",
        )


class McpServerConfig(BaseModel):
    """One entry of `mcpServers`: how the server is reached, and the limits of its calls.

    Keys of other clients (`type`, `autoApprove`, `alwaysAllow` …) are tolerated and have no
    effect: what may run without asking is said in Ferryman's own policy. Only `enabled: false`
    is heeded, as `disabled`. A key that looks like a misspelt one of ours is refused, because
    a lost `policy` would be dangerous.

    `policy` maps tool names (shell patterns allowed) to effects and wins over the server's
    own annotations. Times are in seconds, `max_output_bytes` counts one result.
    """

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    cwd: Path | None = None
    url: str | None = Field(default=None, pattern=r"^https?://[^/]")
    headers: dict[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(default=60.0, gt=0)
    start_timeout_s: float = Field(default=30.0, gt=0)
    max_output_bytes: int = Field(default=MAX_OUTPUT_BYTES, gt=0)
    policy: dict[str, Effect] = Field(default_factory=dict)
    disabled: bool = False

    @model_validator(mode="before")
    @classmethod
    def _refuse_misspelt_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for key in value.keys() - cls.model_fields.keys() - _FOREIGN:
            near = difflib.get_close_matches(str(key), cls.model_fields, 1, _TYPO_CUTOFF)
            if near:
                raise ValueError(f"{key!r} is not a key of a server; did you mean {near[0]!r}?")
        return {**value, "disabled": True} if value.get("enabled") is False else value

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("a server has either a command (stdio) or a url (streamable HTTP)")
        extra = self.model_extra or {}
        if "sse" in {extra.get("type"), extra.get("transport")}:
            raise ValueError("the sse transport is retired; give the server's streamable HTTP url")
        return self

    @property
    def where(self) -> str:
        """The program and its module, or the host: what a message may tell of the server."""
        if self.url:
            return host_of(self.url)
        program = PurePath(self.command or "").name
        module = self.args[:2] if self.args[:1] == ("-m",) else ()
        return redacted(" ".join((program, *module)), self.secrets)

    @property
    def secrets(self) -> frozenset[str]:
        """The values that no message may repeat."""
        return secrets_in(args=self.args, env=self.env, headers=self.headers, url=self.url)


def read_servers(
    blocks: Mapping[str, Mapping[str, Any]], *, source: object
) -> dict[str, McpServerConfig]:
    """Read `mcpServers` of the file `source`.

    Raises:
        SettingsError: A server's block cannot be used; it names the field and not its value.
    """
    return {name: _read(name, block, source) for name, block in blocks.items()}


def _read(name: str, block: Mapping[str, Any], source: object) -> McpServerConfig:
    try:
        return McpServerConfig.model_validate(block)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("mcpServers", name, *first["loc"])))
        raise SettingsError(f"{source}: {where}: {first['msg']}.") from None
