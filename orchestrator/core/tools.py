"""What tools are, how they are called, and what they answer."""

from typing import Any, Literal

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen, Usage
from orchestrator.core.errors import SettingsError

Effect = Literal["read", "local_write", "destructive", "egress"]
"""What a call can do to the world, from harmless to irreversible or visible outside."""

EFFECT_ORDER: tuple[Effect, ...] = ("read", "local_write", "destructive", "egress")


def split_name(tool: str) -> tuple[str, str]:
    """Part a tool id into namespace and name: `ocr.extract_text` -> `("ocr", "extract_text")`.

    Raises:
        SettingsError: The id has no namespace.
    """
    namespace, dot, name = tool.partition(".")
    if not (namespace and dot and name):
        raise SettingsError(f"{tool!r} is not a tool id.", hint="A tool id is namespace.name.")
    return namespace, name


class ToolSpec(Frozen):
    """A tool as it is offered: its id, its words, its schemas, and what it may do.

    `idempotent` means that a repeated call with the same idempotency key has no second effect.
    """

    id: str
    description: str = ""
    input_schema: dict[str, Any] = Field(default_factory=lambda: {"type": "object"})
    output_schema: dict[str, Any] | None = None
    effect: Effect = "egress"
    idempotent: bool = False

    @property
    def namespace(self) -> str:
        """The part of the id before the dot."""
        return split_name(self.id)[0]

    @property
    def name(self) -> str:
        """The part of the id after the dot."""
        return split_name(self.id)[1]

    @property
    def retry_safe(self) -> bool:
        """Whether the call may be sent again when its outcome is unknown."""
        return self.effect == "read" or self.idempotent


class ToolCall(Frozen):
    """One call with every argument resolved to a value.

    `key` is the idempotency key: stable across retries and resumes of the same call.
    """

    tool: str
    arguments: dict[str, JsonValue]
    key: str = ""


class ToolOutcome(Frozen):
    """What a call came to.

    `data` is the structured result (a JSON object where the tool gives one, else `{"text": …}`).
    A failed tool is never a success: `ok` is False and `error` says why, with `code` naming
    the class of the error tree. `usage` and `model_calls` are what a tool that asks a model
    itself has spent.
    """

    ok: bool
    data: JsonValue = None
    error: str = ""
    code: str = ""
    seconds: float = 0.0
    usage: Usage = Usage()
    model_calls: int = 0
