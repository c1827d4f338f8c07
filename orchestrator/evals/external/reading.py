"""Reading what others publish: JSON lines, and schemas in their own dialects of JSON Schema."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.core.errors import SettingsError
from orchestrator.core.fingerprints import digest
from orchestrator.evals.cases import Case

_TYPES = {
    "dict": "object",
    "float": "number",
    "double": "number",
    "tuple": "array",
    "int": "integer",
    "str": "string",
    "bool": "boolean",
    "list": "array",
}
_STANDARD = {"object", "number", "integer", "string", "boolean", "array", "null"}
_KEPT = ("description", "enum", "minimum", "maximum", "default")


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of one JSON object a line.

    Raises:
        SettingsError: The file is not there or a line is not an object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Give the folder that holds the suite's files with --data.",
        ) from error
    return [_row(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line]


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        row = error
    if isinstance(row, dict):
        return row
    raise SettingsError(
        f"{path}, line {number}: this is no JSON object.", hint="Fetch the suite's files anew."
    )


def json_schema(written: Mapping[str, Any]) -> dict[str, Any]:
    """Say a parameter or result schema in standard JSON Schema; an unknown type allows all."""
    kind = str(written.get("type"))
    kind = _TYPES.get(kind, kind)
    schema: dict[str, Any] = {"type": kind} if kind in _STANDARD else {}
    schema |= {key: written[key] for key in _KEPT if key in written}
    if isinstance(properties := written.get("properties"), Mapping):
        parts = {name: part for name, part in properties.items() if isinstance(part, Mapping)}
        schema["properties"] = {name: json_schema(part) for name, part in parts.items()}
        required = written.get("required")
        listed = required if isinstance(required, Sequence) else ()
        schema["required"] = [name for name in listed if name in parts]
    if isinstance(items := written.get("items"), Mapping):
        schema["items"] = json_schema(items)
    return schema


def identifier(name: str) -> str:
    """Spell a name as one part of a tool id: letters, digits, underscore and hyphen."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "tool"


def snake_case(name: str) -> str:
    """Spell a class name in snake case: `TwitterAPI` -> `twitter_api`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return identifier(parted).lower()


def cases_digest(cases: Sequence[Case], *more: Any) -> str:
    """Name exactly these cases, and whatever else belongs to what is measured."""
    return digest([[case.model_dump(mode="json") for case in cases], *more])
