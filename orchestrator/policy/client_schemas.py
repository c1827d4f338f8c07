"""Schemas that a client sent: used only where checking a value against them is sure to end."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from orchestrator.core.fingerprints import unfit

MOST_CHARACTERS = 32_000
MOST_NODES = 20_000
"""Nodes of a schema with every reference unfolded: beyond it, checking a value takes too long."""
MOST_PATTERN_CHARACTERS = 200
_REPEATED_GROUP = re.compile(r"\)[*+{]|\\[1-9]|\(\?P=")


def schema_problem(schema: dict[str, Any]) -> str:
    """Why the schema of a tool's parameters cannot be used, or "" when it can."""
    return _unusable(schema) or _unsound(schema)


def _unusable(schema: dict[str, Any]) -> str:
    if why := unfit(schema):
        return why
    if len(json.dumps(schema)) > MOST_CHARACTERS:
        return f"they have more than {MOST_CHARACTERS} characters"
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        return "they are not those of an object"
    return next((why for node in _nodes(schema) if (why := _odd(node))), "")


def _unsound(schema: dict[str, Any]) -> str:
    try:
        Draft202012Validator.check_schema(schema)
        _unfolded(schema, schema, ())
    except SchemaError as error:
        return f"they are no JSON schema ({error.message[:120]})"
    except (RecursionError, ValueError):
        return "they refer to themselves or unfold to too much"
    return ""


def _odd(node: Mapping[str, Any]) -> str:
    texts = {key: value for key, value in node.items() if isinstance(value, str)}
    pointer, pattern = texts.get("$ref", "#"), texts.get("pattern", "")
    if {"$dynamicRef", "$id"} & texts.keys() or not pointer.startswith("#"):
        return "they refer to another document"
    if isinstance(node.get("patternProperties"), dict):
        return "they name properties by pattern"
    if len(pattern) > MOST_PATTERN_CHARACTERS or _REPEATED_GROUP.search(pattern):
        return "a pattern could take for ever to match"
    return ""


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _unfolded(root: Mapping[str, Any], node: Any, inside: tuple[str, ...]) -> int:
    """Count the nodes of a schema as if every reference were a copy.

    Raises:
        ValueError: A reference leads back to itself or nowhere, or the count has no end.
    """
    if not isinstance(node, dict | list):
        return 1
    children = list(node.values()) if isinstance(node, dict) else node
    total = 1
    pointer = node.get("$ref") if isinstance(node, dict) else None
    if isinstance(pointer, str):
        if pointer in inside:
            raise ValueError(pointer)
        total += _unfolded(root, _pointed_at(root, pointer), (*inside, pointer))
    for child in children:
        total += _unfolded(root, child, inside)
        if total > MOST_NODES:
            raise ValueError(total)
    return total


def _pointed_at(root: Any, pointer: str) -> Any:
    for part in pointer.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(root, dict) or key not in root:
            raise ValueError(pointer)
        root = root[key]
    return root
