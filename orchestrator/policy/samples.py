"""Made-up arguments of the right types, for a worked decision that nobody has written."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from orchestrator.core.tools import ToolSpec
from orchestrator.policy.accepts import Accepts, accepted_kinds, plain

_MADE_UP: Mapping[Accepts, JsonValue] = {
    "image": "$s1.path",
    "folder": "$folder.Reports",
    "path": "$s1.path",
    "new path": "$folder.Reports/copy.txt",
    "content": "$s1.text",
    "name": "garden plan",
    "text": "garden plan",
    "words": "as it was asked for",
    "number": 3,
    "list": ["garden", "plan"],
    "yes/no": True,
}


def sample_arguments(spec: ToolSpec) -> dict[str, JsonValue]:
    """Set each required parameter of a tool to a value such as a decision would give it."""
    kinds = accepted_kinds(spec)
    properties: Mapping[str, Any] = spec.input_schema.get("properties", {})
    return {
        name: _sample(kinds[name], plain(properties[name], spec.input_schema))
        for name in spec.input_schema.get("required", ())
        if name in properties
    }


def _sample(accepts: Accepts, schema: Mapping[str, Any]) -> JsonValue:
    if schema.get("enum"):
        first: JsonValue = schema["enum"][0]
        return first
    if accepts == "number" and "minimum" in schema:
        return max(3, int(schema["minimum"]))
    return _MADE_UP[accepts]
