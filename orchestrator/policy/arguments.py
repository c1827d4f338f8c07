"""The second stage of a decision: which arguments a tool may be given, as a schema to answer.

What a parameter accepts is read from its type and, for text, from its name, as people name
parameters: a path must point to one that the run has seen, content comes from a result, an
instruction is written. Inside a fan-out the nearest fitting field of the item is the one meant.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import InvalidArguments
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.handles import Kind
from orchestrator.policy.references import FOLDER, Reference, pointers

Accepts = Literal[
    "image",
    "folder",
    "path",
    "new path",
    "content",
    "name",
    "text",
    "words",
    "number",
    "list",
    "yes/no",
]

MAX_TEXT = 400
_LONGEST = 200
_READABLE: frozenset[Kind] = frozenset({"image path", "path", "folder", "number"})
_GOAL_FILE = re.compile(r"[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z0-9]{1,5}\b")
_SPOKEN = re.compile(r"[a-z]{4,}")
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
_FITTING: Mapping[Accepts, tuple[Kind, ...]] = {
    "image": ("image path",),
    "folder": ("folder",),
    "path": ("path", "image path", "folder"),
    "new path": ("folder", "path", "image path", "name"),
    "content": ("text", "name", "list"),
    "name": ("name",),
    "text": ("name", "text", "number"),
    "words": (),
    "number": ("number",),
    "list": ("list",),
    "yes/no": ("yes/no",),
}
_POINTING: frozenset[Accepts] = frozenset({"image", "folder", "path"})


class Parameter(Frozen):
    """A parameter as the model is asked for it: its words, its literal form, its references."""

    name: str
    accepts: Accepts
    required: bool
    description: str = ""
    literal: dict[str, Any] | None = None
    references: tuple[str | int | float, ...] = ()


def parameters(
    spec: ToolSpec, offered: Sequence[Reference], *, goal: str = "", intent: str = ""
) -> tuple[Parameter, ...]:
    """The parameters to ask for, each with what it may be set to in this step.

    A required one is always asked for, an optional one only where the goal or the step's
    intent speaks of it: a small model fills in whatever it is shown.
    """
    required = spec.input_schema.get("required", ())
    properties: Mapping[str, Any] = spec.input_schema.get("properties", {})
    spoken = set(_SPOKEN.findall(f"{goal} {intent}".lower()))
    offered = _meant_folders(offered, intent, goal)
    wanted = [name for name in properties if name in required]
    wanted += [
        name
        for name in properties
        if name not in required and spoken & set(_SPOKEN.findall(name.lower()))
    ]
    return tuple(_parameter(spec, name, offered, goal) for name in wanted)


def accepted_kinds(spec: ToolSpec) -> dict[str, Accepts]:
    """What each parameter of a tool accepts, by its name."""
    properties = spec.input_schema.get("properties", {})
    return {
        name: _accepts(spec, name, plain(schema, spec.input_schema))
        for name, schema in properties.items()
    }


def answer_schema(wanted: Sequence[Parameter]) -> dict[str, Any]:
    """The JSON schema of an answer that sets those parameters, in their order."""
    return {
        "type": "object",
        "properties": {parameter.name: _form(parameter) for parameter in wanted},
        "required": [parameter.name for parameter in wanted if parameter.required],
        "additionalProperties": False,
    }


def whole_schema(tools: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON schema of a decision in one reply: a tool, and arguments that fit its schema."""
    return {"anyOf": [_with_tool(tool, arguments) for tool, arguments in tools.items()]}


def _with_tool(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"enum": [tool]}, "arguments": dict(arguments)},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def spelled_out(
    wanted: Sequence[Parameter],
    offered: Sequence[Reference],
    value_of: Callable[[str], JsonValue],
) -> tuple[Parameter, ...]:
    """Offer values instead of references: only to measure what references are worth.

    Paths, folders, file names and numbers are spelled out; text, lists, and what the namespace
    `text` made stay references, since the planner is never to read content.
    """
    values = {ref.text: value_of(ref.text) for ref in offered if _may_be_read(ref)}
    return tuple(
        parameter.model_copy(
            update={
                "references": tuple(
                    _spelled(reference, values, value_of) for reference in parameter.references
                )
            }
        )
        for parameter in wanted
    )


def _may_be_read(reference: Reference) -> bool:
    if reference.kind == "name":
        return reference.text.endswith("name") and not reference.made
    return reference.kind in _READABLE


def _spelled(
    reference: str | float, values: Mapping[str, JsonValue], value_of: Callable[[str], JsonValue]
) -> str | float:
    text = str(reference)
    value = value_of(text) if text.startswith(FOLDER) else values.get(text)
    if isinstance(value, int | float):
        return value
    short = isinstance(value, str) and 0 < len(value) <= _LONGEST and not value.startswith("$")
    return value if short and isinstance(value, str) else reference


def check_expressions(
    tool: str,
    expressions: Mapping[str, JsonValue],
    wanted: Sequence[Parameter],
    offered: Sequence[Reference],
) -> None:
    """Refuse arguments that point where they may not, or that are the same for every item.

    Raises:
        InvalidArguments: A parameter has a reference it was not offered, or a step that goes
            over items uses none of their fields.
    """
    for parameter in wanted:
        for pointer in pointers(expressions.get(parameter.name)):
            if pointer not in parameter.references:
                raise InvalidArguments(f"{tool}: {parameter.name} cannot be {pointer}.")
    each = {reference.text for reference in offered if reference.each}
    if each and not each & set(pointers(dict(expressions))):
        raise InvalidArguments(
            f"{tool}: every item would get the same call. Use a value of the item,"
            f" such as {next(iter(sorted(each)))}."
        )


def plain(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a local `$ref` and drop the null alternative of an optional parameter."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        found = root.get("$defs", {}).get(name, {})
        return {**plain(found, root), **{k: v for k, v in schema.items() if k != "$ref"}}
    kept = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if kept and (len(kept) == 1 or kept[0].get("type") == "string"):
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**plain(kept[0], root), **rest}
    return dict(schema)


def _parameter(spec: ToolSpec, name: str, offered: Sequence[Reference], goal: str) -> Parameter:
    schema = plain(spec.input_schema["properties"][name], spec.input_schema)
    accepts = _accepts(spec, name, schema)
    fitting = _meant(accepts, [r for r in offered if r.kind in _FITTING[accepts]])
    texts = [reference.text for reference in fitting]
    if accepts in {"path", "image", "new path"} and not any(r.each for r in fitting):
        texts += _named_in_goal(goal, offered)
    return Parameter(
        name=name,
        accepts=accepts,
        required=name in spec.input_schema.get("required", ()),
        description=str(schema.get("description", "")),
        literal=None if texts and _points_only(accepts, fitting) else _literal(accepts, schema),
        references=tuple(dict.fromkeys(texts)),
    )


def _accepts(spec: ToolSpec, name: str, schema: Mapping[str, Any]) -> Accepts:
    if "enum" in schema:
        return "words"
    if schema.get("type") in _TYPED:
        return _TYPED[str(schema["type"])]
    named: Accepts = next((accepts for accepts, pattern in _NAMED if pattern.search(name)), "text")
    return _path_kind(spec, name, schema) if named == "path" else named


def _path_kind(spec: ToolSpec, name: str, schema: Mapping[str, Any]) -> Accepts:
    words = f"{name} {schema.get('description', '')}".lower()
    if "image" in words or ("image" in spec.name and "pdf" not in words):
        return "image"
    if re.search(r"\b(folder|directory)\b", words) and "file" not in words:
        return "folder"
    return "path"


def _meant(accepts: Accepts, fitting: Sequence[Reference]) -> list[Reference]:
    """Narrow the references that fit to those that are meant.

    Of the current item only the nearest step counts, and what was made for this very step
    before anything else; content prefers text to names.
    """
    each = [reference for reference in fitting if reference.each]
    nearest = [reference for reference in each if reference.step == each[0].step]
    others = [reference for reference in fitting if not reference.each]
    made = [reference for reference in nearest if reference.made]
    if accepts == "content":
        nearest = [r for r in nearest if r.kind == "text"] or nearest
    if accepts in {"content", "name"}:
        return made or nearest or others
    if accepts in {"path", "image"}:
        return nearest or others
    return [*(made or nearest), *others]


def _meant_folders(offered: Sequence[Reference], *said: str) -> list[Reference]:
    """Of the folders, keep those that the step's intent names, else those of the goal, else all."""
    others = [reference for reference in offered if not reference.text.startswith(FOLDER)]
    folders = [reference for reference in offered if reference.text.startswith(FOLDER)]
    for words in said:
        named = [folder for folder in folders if _speaks_of(words, folder.text)]
        if named:
            return [*others, *named]
    return [*others, *folders]


def _speaks_of(words: str, folder: str) -> bool:
    name = re.escape(folder.removeprefix(FOLDER))
    return re.search(rf"(?<!\w){name}(?!\w)", words, re.IGNORECASE) is not None


def _points_only(accepts: Accepts, fitting: Sequence[Reference]) -> bool:
    """Whether a literal would be a mistake: a path nobody has seen, content beside a result."""
    if accepts in _POINTING:
        return True
    return accepts in {"content", "name"} and any(r.made or r.each for r in fitting)


def _named_in_goal(goal: str, offered: Sequence[Reference]) -> list[str]:
    folders = [reference.text for reference in offered if reference.text.startswith(FOLDER)]
    named = [name for name in _GOAL_FILE.findall(goal) if PurePosixPath(name).suffix]
    return [f"{folder}/{name}" for name in named for folder in folders]


def _literal(accepts: Accepts, schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"enum": schema["enum"]}
    if accepts in {"number", "yes/no"}:
        return {key: schema[key] for key in ("type", "minimum", "maximum") if key in schema}
    if accepts == "list":
        item = {"type": "string", "maxLength": MAX_TEXT}
        return {"type": "array", "items": item, "maxItems": 12}
    return {"type": "string", "minLength": 1, "maxLength": int(schema.get("maxLength", MAX_TEXT))}


def _form(parameter: Parameter) -> dict[str, Any]:
    forms: list[dict[str, Any]] = []
    if parameter.references:
        forms.append({"enum": list(parameter.references)})
    if parameter.literal is not None:
        forms.append(parameter.literal)
    return forms[0] if len(forms) == 1 else {"anyOf": forms}
