"""Where a process of the kill matrix may die, and tools whose effects outlive it."""

import json
import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.core.tools import Effect, ToolCall, ToolOutcome, ToolSpec


@dataclass
class Hooks:
    """The places that a process passes, in order; at one of them it is killed.

    `deadly` counts from 1; at 0 the process lives and `passed` names every place.
    """

    deadly: int = 0
    passed: list[str] = field(default_factory=list)

    def reach(self, place: str) -> None:
        """Pass a place, or die at it as the operating system kills: nothing is cleaned up."""
        self.passed.append(place)
        if len(self.passed) == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


class EffectFile:
    """What the tools did to the world: a line each, on the disk before the tool returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, call: ToolCall) -> None:
        """Do it: write the line and wait for the disk."""
        line = json.dumps({"tool": call.tool, "arguments": call.arguments, "key": call.key})
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def lines(self) -> list[dict[str, Any]]:
        """Everything that was ever done, in order."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]

    def has_key(self, key: str) -> bool:
        """Whether the call of that idempotency key was carried out."""
        return any(line["key"] == key for line in self.lines())

    def counts(self) -> Counter[str]:
        """How often each effect happened: the same tool for the same thing is the same effect."""
        return Counter(effect_name(line["tool"], line["arguments"]) for line in self.lines())


def effect_name(tool: str, arguments: Mapping[str, Any]) -> str:
    """An effect as it is counted."""
    return f"{tool} {json.dumps(arguments, sort_keys=True)}"


ENTRIES = {
    "type": "object",
    "properties": {
        "entries": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "path": {"type": "string"}},
                "required": ["name", "path"],
            },
        }
    },
    "required": ["entries"],
}
DONE = {"type": "object", "properties": {"done": {"type": "string"}}, "required": ["done"]}
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

LIST, READ = "desk.list_papers", "scans.read_paper"
STAMP, FILE, SHRED, SEND = (
    "stamps.stamp_paper",
    "cabinet.file_paper",
    "bin.shred_paper",
    "mail.send_paper",
)
WORDS = {
    LIST: "List the papers in a folder with name and path.",
    READ: "Read the text of a paper.",
    STAMP: "Stamp a paper; a paper that is stamped twice has two stamps.",
    FILE: "File a paper in the cabinet; filing the same one again changes nothing.",
    SHRED: "Shred a paper for good.",
    SEND: "Send a paper by mail.",
}
EFFECTS: dict[str, Effect] = {
    LIST: "read",
    READ: "read",
    STAMP: "local_write",
    FILE: "local_write",
    SHRED: "destructive",
    SEND: "egress",
}
WRITING = (STAMP, FILE, SHRED, SEND)


def spec(tool: str) -> ToolSpec:
    """A tool as it is offered; each takes the path of a folder or of a paper."""
    what = "Absolute path of the folder" if tool == LIST else "Absolute path of the paper"
    return ToolSpec(
        id=tool,
        description=WORDS[tool],
        input_schema={
            "type": "object",
            "properties": {"path": {"type": "string", "description": what}},
            "required": ["path"],
            "additionalProperties": False,
        },
        output_schema={LIST: ENTRIES, READ: TEXT}.get(tool, DONE),
        effect=EFFECTS[tool],
        idempotent=tool == FILE,
    )


class Desk:
    """The tools: reading is free, everything else is an effect that a kill may come just after.

    The cabinet keeps what it promises: a call with a key that it knows has no second effect.
    """

    def __init__(
        self, papers: Sequence[str], effects: EffectFile, hooks: Hooks, *, words: int
    ) -> None:
        self._papers = papers
        self._effects = effects
        self._hooks = hooks
        self._text = "word " * words

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """Every tool there is."""
        return [spec(tool) for tool in WORDS]

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Carry a call out."""
        return ToolOutcome(ok=True, data=self.carried_out(call))

    def carried_out(self, call: ToolCall) -> dict[str, Any]:
        """Do what a call says and tell what came of it."""
        self._hooks.reach(f"before {call.tool}")
        said = self._said(call)
        self._hooks.reach(f"after {call.tool}")
        return said

    def _said(self, call: ToolCall) -> dict[str, Any]:
        path = str(call.arguments["path"])
        if call.tool == LIST:
            return {"entries": [{"name": p, "path": f"{path}/{p}"} for p in self._papers]}
        if call.tool == READ:
            return {"text": f"{path} says: {self._text}"}
        if call.tool != FILE or not self._effects.has_key(call.key):
            self._effects.add(call)
        return {"done": path}
