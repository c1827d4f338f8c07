"""Turns what a server says of its tools into specs that may be shown to a model."""

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types

from adapters.tools.outcomes import legible, scrubbed
from orchestrator.core.tools import Effect, ToolSpec

MAX_DESCRIPTION_CHARS = 1_024
MAX_SCHEMA_BYTES = 64 * 1024
MAX_SCHEMA_DEPTH = 32
MAX_NAME_CHARS = 96
MAX_UNFOLDED = 100_000
MAX_PATTERN_CHARS = 200
_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9_-]")
_REPEATED_GROUP = re.compile(r"\)[*+{]|\\[1-9]|\(\?P=")
_PROSE = ("description", "title")


@dataclass(frozen=True)
class Listing:
    """The tools of one server: specs in the server's order, wire names by id, and refusals."""

    specs: tuple[ToolSpec, ...]
    wire_names: Mapping[str, str]
    rejected: Mapping[str, str]


class UnusableSchema(ValueError):
    """A schema that is too large, too deep, or reaches outside itself."""


def list_specs(
    namespace: str, tools: Iterable[types.Tool], policy: Mapping[str, Effect]
) -> Listing:
    """Describe a server's tools; a tool with an unusable schema is left out with the reason."""
    specs: dict[str, ToolSpec] = {}
    wire_names: dict[str, str] = {}
    rejected: dict[str, str] = {}
    for tool in tools:
        if tool.name in wire_names.values():
            rejected[tool.name] = "the server lists this name twice; the first one counts"
            continue
        tool_id = f"{namespace}.{_free_name(tool.name, namespace, specs)}"
        try:
            specs[tool_id] = _spec(tool_id, tool, policy)
        except UnusableSchema as error:
            rejected[tool.name] = str(error)
        else:
            wire_names[tool_id] = tool.name
    return Listing(tuple(specs.values()), wire_names, rejected)


def _spec(tool_id: str, tool: types.Tool, policy: Mapping[str, Effect]) -> ToolSpec:
    hints = tool.annotations or types.ToolAnnotations()
    return ToolSpec(
        id=tool_id,
        description=clean_prose(tool.description or tool.title or ""),
        input_schema=bounded_schema(tool.input_schema),
        output_schema=None if tool.output_schema is None else bounded_schema(tool.output_schema),
        effect=_declared(tool, tool_id, policy) or _hinted(hints),
        idempotent=bool(hints.idempotent_hint),
    )


def _free_name(wire: str, namespace: str, taken: Mapping[str, ToolSpec]) -> str:
    name = _UNSAFE_NAME.sub("_", wire)[:MAX_NAME_CHARS] or "_"
    number, free = 2, name
    while f"{namespace}.{free}" in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def _declared(tool: types.Tool, tool_id: str, policy: Mapping[str, Effect]) -> Effect | None:
    names = (tool.name, tool_id, tool_id.partition(".")[2])
    for pattern, effect in policy.items():
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return effect
    return None


def _hinted(hints: types.ToolAnnotations) -> Effect:
    if hints.read_only_hint:
        return "read"
    if hints.open_world_hint:
        return "egress"
    return "local_write" if hints.destructive_hint is False else "destructive"


def clean_prose(text: str) -> str:
    """Strip what a person would not see in a description, and cap it at 1,024 characters."""
    seen = legible(text).strip()
    if len(seen) <= MAX_DESCRIPTION_CHARS:
        return seen
    return f"{seen[: MAX_DESCRIPTION_CHARS - 1]}…"


def bounded_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a schema with clean prose and without patterns that could take for ever to match.

    Raises:
        UnusableSchema: It is over 64 kB, deeper than 32 levels, refers to another document,
            or unfolds through its references to more than 100,000 nodes.
    """
    copy = _bounded(dict(schema), 0)
    if len(json.dumps(copy, default=str)) > MAX_SCHEMA_BYTES:
        raise UnusableSchema(f"its schema is larger than {MAX_SCHEMA_BYTES:,} bytes")
    _refuse_bomb(copy)
    return dict(copy)


def _refuse_bomb(root: dict[str, Any]) -> None:
    """Count the nodes as if each local reference were a copy; a cycle counts once."""
    sizes: dict[str, int] = {}

    def size(node: Any) -> int:
        children = node.values() if isinstance(node, dict) else node
        total = 1 + sum(size(child) for child in children if isinstance(child, dict | list))
        return total + (target(node["$ref"]) if _refers(node) else 0)

    def target(pointer: str) -> int:
        if pointer not in sizes:
            sizes[pointer] = 0
            sizes[pointer] = size(_pointed_at(root, pointer))
        return sizes[pointer]

    try:
        unfolded = size(root)
    except RecursionError:
        unfolded = MAX_UNFOLDED + 1
    if unfolded > MAX_UNFOLDED:
        raise UnusableSchema(f"its schema unfolds to more than {MAX_UNFOLDED:,} nodes")


def _refers(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("$ref"), str)


def _pointed_at(root: dict[str, Any], pointer: str) -> Any:
    node: Any = root
    for part in pointer.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        node = node.get(key, {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict | list) else {}


def _bounded(node: Any, depth: int) -> Any:
    if depth > MAX_SCHEMA_DEPTH:
        raise UnusableSchema(f"its schema is deeper than {MAX_SCHEMA_DEPTH} levels")
    if isinstance(node, list):
        return [_bounded(item, depth + 1) for item in node]
    if not isinstance(node, dict):
        return scrubbed(node) if isinstance(node, str) else node
    return {
        scrubbed(key): clean_prose(value)
        if key in _PROSE and isinstance(value, str)
        else _bounded(value, depth + 1)
        for key, value in node.items()
        if _keeps(key, value)
    }


def _keeps(key: str, value: Any) -> bool:
    if key in {"$ref", "$dynamicRef"} and isinstance(value, str) and not value.startswith("#"):
        raise UnusableSchema(f"its schema refers to another document: {value[:80]!r}")
    if key == "pattern" and isinstance(value, str):
        return len(value) <= MAX_PATTERN_CHARS and not _REPEATED_GROUP.search(value)
    return not (key == "patternProperties" and isinstance(value, dict))
