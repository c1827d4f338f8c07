"""What a parameter of a tool accepts: read from its type and, for text, from its name."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from orchestrator.core.tools import ToolSpec
from orchestrator.policy.spoken import is_date

Accepts = Literal[
    "image",
    "folder",
    "path",
    "new path",
    "content",
    "name",
    "text",
    "words",
    "date",
    "number",
    "list",
    "yes/no",
]

_TO_BE_MADE = re.compile(r"\b(?:file|folder|directory|document)s? to (?:create|make|write)\b")
_LOOKED_FOR = re.compile(r"\b(?:to (?:look|search) for|to find|to compare with)\b")
_A_PATH = re.compile(r"\bpath (?:of|to)\b")
_PLACE = re.compile(r"\b(?:path|file|folder|directory|document)\b")
_NAMED: tuple[tuple[Accepts, re.Pattern[str]], ...] = (
    ("new path", re.compile(r"(^|_)(destination|dest|target|output|output_path|out)$")),
    ("folder", re.compile(r"(^|_)(folder|dir|directory|root)$")),
    ("path", re.compile(r"(^|_)(path|paths|file|filename|image|source|src)$")),
    ("name", re.compile(r"(^|_)(name|title)$")),
    ("content", re.compile(r"^(text|body|content|message|value)$")),
    ("words", re.compile(r"^(instruction|instructions|prompt|pattern|glob|regex|timezone)$")),
)
_TYPED: Mapping[str, Accepts] = {
    "array": "list",
    "integer": "number",
    "number": "number",
    "boolean": "yes/no",
}


def accepted_kinds(spec: ToolSpec) -> dict[str, Accepts]:
    """What each parameter of a tool accepts, by its name."""
    properties = spec.input_schema.get("properties", {})
    return {
        name: accepts_of(spec, name, plain(schema, spec.input_schema))
        for name, schema in properties.items()
    }


def plain(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a local `$ref`, drop a null alternative; of several types take text or the first."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        found = root.get("$defs", {}).get(name, {})
        return {**plain(found, root), **{k: v for k, v in schema.items() if k != "$ref"}}
    kept = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if kept and (len(kept) == 1 or kept[0].get("type") == "string"):
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**plain(kept[0], root), **rest}
    types = schema.get("type")
    if isinstance(types, list):
        real = [name for name in types if name != "null"]
        return {**schema, "type": "string" if "string" in real or not real else real[0]}
    return dict(schema)


def accepts_of(spec: ToolSpec, name: str, schema: Mapping[str, Any]) -> Accepts:
    """What the parameter with that name and (plain) schema accepts."""
    if "enum" in schema:
        return "words"
    if schema.get("type") in _TYPED:
        return _TYPED[str(schema["type"])]
    if is_date(schema):
        return "date"
    named: Accepts = next((accepts for accepts, pattern in _NAMED if pattern.search(name)), "text")
    return _as_described(spec, name, named, str(schema.get("description", "")).lower())


def _as_described(spec: ToolSpec, name: str, named: Accepts, description: str) -> Accepts:
    """What a description says against a name: `first` is a path, `text` is looked for."""
    if named in {"path", "folder"} and _TO_BE_MADE.search(description):
        return "new path"
    if name in {"target", "output", "out"} and not _PLACE.search(description):
        return "text"
    if named in {"content", "text"} and _LOOKED_FOR.search(description):
        return "text"
    if named == "path" or (named == "text" and _A_PATH.search(description)):
        return _path_kind(spec, name, {"description": description})
    return named


def _path_kind(spec: ToolSpec, name: str, schema: Mapping[str, Any]) -> Accepts:
    words = f"{name} {schema.get('description', '')}".lower()
    if "image" in words or ("image" in spec.name and "pdf" not in words):
        return "image"
    if re.search(r"\b(folder|directory)\b", words) and "file" not in words:
        return "folder"
    return "path"
