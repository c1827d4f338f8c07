"""The second stage of a decision: which arguments a tool may be given, as a schema to answer.

A parameter that takes a path must point to one that the run has seen; free text stays free.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.handles import Kind
from orchestrator.policy.references import Reference

MAX_TEXT = 400
_FOLDER_NAME = re.compile(r"(^|_)(folder|dir|directory|root)$")
_PATH_NAME = re.compile(r"(^|_)(path|paths|file|filename|image|source|src)$")
_NEW_PATH = re.compile(r"(^|_)(destination|dest|target|output|output_path|out)$")
_GOAL_FILE = re.compile(r"[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z0-9]{1,5}\b")

_ACCEPTS: dict[str, tuple[Kind, ...]] = {
    "image": ("image path",),
    "folder": ("folder",),
    "path": ("path", "image path", "folder"),
    "new path": ("folder", "path", "image path", "name"),
    "text": ("name", "text", "number", "list"),
    "name": ("name", "number"),
    "number": ("number",),
    "list": ("list",),
    "yes/no": ("yes/no",),
}


class Parameter(Frozen):
    """A parameter as the model is asked for it: its words, its literal form, its references."""

    name: str
    accepts: str
    required: bool
    description: str = ""
    literal: dict[str, Any] | None = None
    references: tuple[str, ...] = ()


def parameters(
    spec: ToolSpec, offered: Sequence[Reference], *, goal: str = ""
) -> tuple[Parameter, ...]:
    """The parameters of a tool, each with what it may be set to in this step."""
    schema = spec.input_schema
    required = set(schema.get("required", ()))
    properties: Mapping[str, Any] = schema.get("properties", {})
    ordered = sorted(properties, key=lambda name: name not in required)
    return tuple(
        _parameter(spec, name, plain(properties[name], schema), offered, goal)
        for name in ordered
        if name in required or _simple(plain(properties[name], schema))
    )


def answer_schema(wanted: Sequence[Parameter]) -> dict[str, Any]:
    """The JSON schema of an answer that sets those parameters, in their order."""
    return {
        "type": "object",
        "properties": {parameter.name: _form(parameter) for parameter in wanted},
        "required": [parameter.name for parameter in wanted if parameter.required],
        "additionalProperties": False,
    }


def plain(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a local `$ref` and drop the null alternative of an optional parameter."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        found = root.get("$defs", {}).get(name, {})
        return {**plain(found, root), **{k: v for k, v in schema.items() if k != "$ref"}}
    kept = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(kept) == 1:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**plain(kept[0], root), **rest}
    return dict(schema)


def _simple(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in {"string", "integer", "number", "boolean"} or "enum" in schema


def _parameter(
    spec: ToolSpec,
    name: str,
    schema: dict[str, Any],
    offered: Sequence[Reference],
    goal: str,
) -> Parameter:
    accepts = _accepts(spec, name, schema)
    fitting = [reference.text for reference in offered if reference.kind in _ACCEPTS[accepts]]
    if accepts in {"path", "image", "new path"}:
        fitting += _named_in_goal(goal, offered)
    return Parameter(
        name=name,
        accepts=accepts,
        required=name in spec.input_schema.get("required", ()),
        description=str(schema.get("description", "")),
        literal=_literal(accepts, schema, has_references=bool(fitting)),
        references=tuple(dict.fromkeys(fitting)),
    )


def _accepts(spec: ToolSpec, name: str, schema: Mapping[str, Any]) -> str:
    typed = {"array": "list", "integer": "number", "number": "number", "boolean": "yes/no"}
    if "enum" in schema or schema.get("type") in typed:
        return typed.get(str(schema.get("type")), "text")
    if _NEW_PATH.search(name):
        return "new path"
    if _FOLDER_NAME.search(name):
        return "folder"
    if _PATH_NAME.search(name):
        return _path_kind(spec, name, schema)
    return "name" if name.endswith("name") else "text"


def _path_kind(spec: ToolSpec, name: str, schema: Mapping[str, Any]) -> str:
    words = f"{name} {schema.get('description', '')}".lower()
    if "image" in words or ("image" in spec.name and "pdf" not in words):
        return "image"
    if any(word in words for word in ("folder", "directory")) and "file or" not in words:
        return "folder"
    return "path"


def _named_in_goal(goal: str, offered: Sequence[Reference]) -> list[str]:
    folders = [reference.text for reference in offered if reference.text.startswith("$folder.")]
    named = [name for name in _GOAL_FILE.findall(goal) if PurePosixPath(name).suffix]
    return [f"{folder}/{name}" for name in named for folder in folders]


def _literal(
    accepts: str, schema: dict[str, Any], *, has_references: bool
) -> dict[str, Any] | None:
    if accepts in {"path", "image", "folder"} and has_references:
        return None
    if "enum" in schema:
        return {"enum": schema["enum"]}
    if accepts in {"number", "yes/no"}:
        return {key: schema[key] for key in ("type", "minimum", "maximum") if key in schema}
    if accepts == "list":
        return {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_TEXT},
            "maxItems": 12,
        }
    return {"type": "string", "minLength": 1, "maxLength": int(schema.get("maxLength", MAX_TEXT))}


def _form(parameter: Parameter) -> dict[str, Any]:
    forms: list[dict[str, Any]] = []
    if parameter.references:
        forms.append({"enum": list(parameter.references)})
    if parameter.literal is not None:
        forms.append(parameter.literal)
    return forms[0] if len(forms) == 1 else {"anyOf": forms}
