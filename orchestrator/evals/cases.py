"""What a suite is made of: cases, and the world that a case is carried out in and judged by."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.evals.traces import Trace
from orchestrator.ports.tools import Toolset

Split = Literal["tuned", "held_out"]
TUNED_SHARE = 0.5
"""The share of a suite that prompts, examples and profiles may be tuned on."""
READ = "read"
"""The tag of a case whose failure was read while the code was changed: it is held out no more."""


class Gold(Frozen):
    """One call of a right solution; the values of `free` arguments are the model's own."""

    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    also: tuple[str, ...] = ()
    free: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Every tool that is right."""
        return (self.tool, *self.also)


class Case(Frozen):
    """A goal with what is known of its solution. `kind` parts a report (`single`, `chain`).

    `turns` are further goals of the same conversation, for suites that have them. `calls` says
    whether a right run calls any tool at all.
    """

    id: str
    goal: str
    kind: str = "single"
    difficulty: str = ""
    tags: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    calls: bool = True
    gold: tuple[Gold, ...] = ()
    steps: int = 1

    @property
    def split(self) -> Split:
        """Half of the cases, by the hash of their id, was never looked at while tuning.

        One that was looked at after all is tagged as `READ` and belongs to the other half.
        """
        if READ in self.tags:
            return "tuned"
        head = int(hashlib.sha256(self.id.encode()).hexdigest()[:8], 16)
        return "tuned" if head / 2**32 < TUNED_SHARE else "held_out"


class World(Protocol):
    """A place in which one case after the other is carried out, each from a fresh beginning.

    `toolset` stays the same for all of them, so that a model's prompt cache holds.
    """

    @property
    def toolset(self) -> Toolset:
        """The tools, really executed."""
        ...

    async def begin(self, case: Case) -> Mapping[str, str]:
        """Make everything as the case begins and give the folders that its goal may speak of."""
        ...

    async def failures(self, case: Case, trace: Trace) -> list[str]:
        """What is not as it must be after the run, in words; empty when the case is solved."""
        ...


class Suite(Protocol):
    """Cases and their world. `digest` changes with any case; it names what was measured."""

    @property
    def name(self) -> str:
        """How the command line calls it."""
        ...

    @property
    def digest(self) -> str:
        """The sha256 of the cases, as hex."""
        ...

    @property
    def cases(self) -> Sequence[Case]:
        """Every case, in a fixed order."""
        ...

    def world(self, folder: Path) -> AbstractAsyncContextManager[World]:
        """Open a world in a folder of its own; several may be open at once."""
        ...
