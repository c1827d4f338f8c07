"""What a run of a case leaves to be scored, the same for every arm."""

from typing import Literal

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen, Usage
from orchestrator.core.tools import Effect

Purpose = Literal["plan", "choose", "arguments", "search", "text", "answer", "round"]
"""What a model call was for. The arms without a graph know only rounds."""


class ModelUse(Frozen):
    """One model call.

    `shown` is how many tools the reply could name, `disclosed` how many of them were described
    in this very call for the first time. `distance` is the tokens between the worked example
    and the decision (None: no example). `margin` is the first stage's confidence, 0 to 1.
    `decision` numbers the decisions of a run from 0; -1 belongs to none.
    """

    purpose: Purpose
    step: str = ""
    decision: int = -1
    usage: Usage = Usage()
    seconds: float = 0.0
    tool: str = ""
    margin: float | None = None
    distance: int | None = None
    shown: int = 0
    disclosed: int = 0


class MadeCall(Frozen):
    """A tool call that was executed (or, `reused`, answered from what was known).

    `result` is the digest of what it came to, `fingerprint` of the call itself. `decision` is
    the decision that it came from; the calls of a fan-out share one.
    """

    tool: str
    arguments: dict[str, JsonValue]
    ok: bool
    error: str = ""
    effect: Effect = "read"
    result: str = ""
    fingerprint: str = ""
    decision: int = -1
    reused: bool = False
    schema_ok: bool = True


class Trace(Frozen):
    """A run of a case under one arm: how it ended, what it called, what it cost.

    `status` is a run status, or how a bare run ended, `code` its error's code. `refused` counts
    calls that the guard turned down, `plan_steps` the steps of the last plan. `seconds` is wall
    time.
    """

    status: str
    code: str = ""
    error: str = ""
    answer: str = ""
    question: str = ""
    calls: tuple[MadeCall, ...] = ()
    model: tuple[ModelUse, ...] = ()
    refused: int = 0
    replans: int = 0
    plan_steps: int = 0
    seconds: float = Field(default=0.0, ge=0)

    @property
    def usage(self) -> Usage:
        """The tokens of all model calls."""
        return sum((use.usage for use in self.model), Usage())

    @property
    def executed(self) -> tuple[MadeCall, ...]:
        """The calls that really reached a tool."""
        return tuple(call for call in self.calls if not call.reused)
