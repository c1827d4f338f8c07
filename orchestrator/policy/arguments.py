"""The second stage of a decision: which arguments a tool may be given, as a schema to answer.

What a parameter accepts is read from its type and, for text, from its name, as people name
parameters: a path must point to one that the run has seen, content comes from a result, an
instruction is written. Inside a fan-out the nearest fitting field of the item is the one meant.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.chat import Frozen
from orchestrator.core.dates import dates_named
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.accepts import Accepts, accepts_of, plain
from orchestrator.policy.grounding import about_files, among_seen, meant_folders
from orchestrator.policy.handles import Kind
from orchestrator.policy.reading import PICTURES
from orchestrator.policy.references import FOLDER, Reference
from orchestrator.policy.spoken import (
    date_pattern,
    destination_spoken_of,
    is_folder,
    names_given,
    options_spoken_of,
    path_inside,
    paths_named,
    quotes,
)

MAX_TEXT = 400
_NOTHING: dict[str, Any] = {"enum": []}
_LONG = re.compile(
    r"note|description|comment|detail|summar|message|body|content|text|paragraph|markdown|html",
    re.IGNORECASE,
)
"""What says of a parameter that it may be as long as what a file says."""
_DATED = re.compile(r"\.\w*(?:date|due|start|end|day|when|time|until|since)\w*$")
_NO_TEXT = re.compile(r"\.(?:id|\w+_id|\w+_at|modified|created)$")
_CALLED = ("title", "subject")
_LISTS_ALL = re.compile(r"\W*list all\b", re.IGNORECASE)
_MOVES = re.compile(r"(?:move|copy)_")
_FITTING: Mapping[Accepts, tuple[Kind, ...]] = {
    "image": ("image path",),
    "folder": ("folder",),
    "path": ("path", "image path", "folder"),
    "new path": ("folder", "path", "image path", "name"),
    "content": ("text", "name", "list", "number"),
    "name": ("name",),
    "text": ("name", "text", "number"),
    "words": (),
    "date": ("name",),
    "number": ("number",),
    "list": ("list",),
    "yes/no": ("yes/no",),
}
_POINTING: frozenset[Accepts] = frozenset({"image", "folder", "path"})


class Parameter(Frozen):
    """A parameter as the model is asked for it: its words, its literal form, its references.

    `elements` are what the elements of a list may point to.
    """

    name: str
    accepts: Accepts
    required: bool
    description: str = ""
    literal: dict[str, Any] | None = None
    references: tuple[str | int | float, ...] = ()
    elements: tuple[str, ...] = ()


def parameters(
    spec: ToolSpec, offered: Sequence[Reference], *, goal: str = "", intent: str = ""
) -> tuple[Parameter, ...]:
    """The parameters to ask for, each with what it may be set to in this step.

    A required one is always asked for, an optional one only where the goal or the step's
    intent speaks of it: a small model fills in whatever it is shown.
    """
    required = spec.input_schema.get("required", ())
    root = spec.input_schema
    properties = {name: plain(form, root) for name, form in root.get("properties", {}).items()}
    offered = meant_folders(offered, intent, goal)
    # What lists all is not narrowed by what the goal says of some.
    said = intent if _LISTS_ALL.match(intent) else f"{intent}\n{goal}"
    wanted = [name for name in properties if name in required]
    wanted += options_spoken_of(spec, properties, said)
    # What the step itself speaks of is not left out: small models skip what they may skip.
    meant = options_spoken_of(spec, properties, intent, guess=False)
    found = [_parameter(spec, name, offered, said, intent) for name in wanted]
    return tuple(
        each.model_copy(update={"required": each.required or each.name in meant}) for each in found
    )


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


def unanswerable(wanted: Sequence[Parameter]) -> Parameter | None:
    """The first required parameter that nothing could be given for."""
    return next((p for p in wanted if p.required and _form(p) == _NOTHING), None)


def _parameter(
    spec: ToolSpec, name: str, offered: Sequence[Reference], said: str, intent: str
) -> Parameter:
    schema = plain(spec.input_schema["properties"][name], spec.input_schema)
    accepts = accepts_of(spec, name, schema)
    kinds = _FITTING[accepts]
    if accepts == "text" and not _LONG.search(f"{name} {schema.get('description', '')}"):
        kinds = tuple(kind for kind in kinds if kind != "text")
    found = _pointed_to(spec, name, offered, said, intent)
    fitting = _meant(accepts, [r for r in found if r.kind in kinds])
    folders = [r.text for r in offered if r.text.startswith(FOLDER) and not r.seen]
    named = _named(accepts, fitting, said, intent, folders)
    named = [day for day in named if accepts != "date" or re.fullmatch(date_pattern(schema), day)]
    fitting = _sensible(name, accepts, fitting)
    if _moves_there(spec, name):
        # What something is called says where it goes only if it was made for that.
        fitting = [r for r in fitting if r.kind != "name" or r.made]
        if goes_to := destination_spoken_of(intent, folders):
            fitting, named = [], [goes_to]
    elif accepts == "new path" and (new := _new_file(intent, folders, fitting)):
        fitting, named = [], [new]
    else:
        fitting = _beside_what_is_named(accepts, fitting, named)
    if "repo" in name:
        named = [path for path in named if is_folder(path)]
    elements: tuple[str, ...] = ()
    if accepts == "list" and name.endswith("paths"):
        files = among_seen(offered, _FITTING["path"], about_files(spec, schema), said)
        paths = [r.text for r in files if r.kind in _FITTING["path"] and r.text not in folders]
        named_too = [] if any(r.seen for r in files) else paths_named(said, folders)
        elements = tuple(dict.fromkeys([*paths, *named_too]))
    return Parameter(
        name=name,
        accepts=accepts,
        required=name in spec.input_schema.get("required", ()),
        description=str(schema.get("description", "")),
        literal=None
        if _settled(spec, name, accepts, offered, found=bool(fitting or named))
        else _written(accepts, schema, fitting, named=named, folders=folders, paths=elements),
        references=tuple(dict.fromkeys([*(r.text for r in fitting), *named])),
        elements=elements,
    )


def _pointed_to(
    spec: ToolSpec, name: str, offered: Sequence[Reference], said: str, intent: str
) -> list[Reference]:
    """The references that a parameter may point to, of whatever kind."""
    if "repo" in name:  # a repository is a folder, however its parameter is called
        return [reference for reference in offered if not reference.seen]
    schema = plain(spec.input_schema["properties"][name], spec.input_schema)
    accepts = accepts_of(spec, name, schema)
    found = among_seen(offered, _FITTING[accepts], about_files(spec, schema), said)
    found = _without_its_title(spec, accepts, found)
    # A note that was made of a picture is no picture.
    shown = [r for r in found if r.kind == "image path"] if PICTURES.search(intent) else []
    return shown or found if accepts == "path" else found


def _sensible(name: str, accepts: Accepts, fitting: Sequence[Reference]) -> list[Reference]:
    """The references without those that are of the right kind and cannot be meant."""
    if accepts == "date":
        return [r for r in fitting if r.made or _DATED.search(r.text)]
    if accepts == "content":
        # A number is content where it was made to be used.
        return [r for r in fitting if (r.kind != "number" or r.made) and not _is_no_text(r)]
    if accepts == "name" and name in _CALLED:
        return [r for r in fitting if not _is_no_text(r)]
    if name == "query":
        # What is looked for is said, or was made to be looked for; a size or a path is neither.
        return [r for r in fitting if r.made or (r.each and r.kind != "number")]
    if name.startswith("new_"):
        # What a thing is called already is no new name for it.
        return [r for r in fitting if not r.text.endswith(".name")]
    return list(fitting)


def _is_no_text(reference: Reference) -> bool:
    """Whether it is an id or a time: neither what a thing is called nor what it says."""
    return not reference.made and _NO_TEXT.search(reference.text) is not None


def _beside_what_is_named(
    accepts: Accepts, fitting: Sequence[Reference], named: Sequence[str]
) -> list[Reference]:
    """The references that can be meant beside the paths that are named."""
    if accepts == "folder":
        # `Novel/chapters` is meant where it is said, not `Novel`.
        return [r for r in fitting if not any(n.startswith(f"{r.text}/") for n in named)]
    if accepts == "new path" and any(not is_folder(path) for path in named):
        # A file that is named is not written in place of its folder.
        return [r for r in fitting if r.kind != "folder"]
    return list(fitting)


def _new_file(intent: str, folders: Sequence[str], fitting: Sequence[Reference]) -> str:
    """The one file in a folder that a step names, where it makes one for all and not for each."""
    paths = [path for path in paths_named(intent, folders) if not is_folder(path)]
    inside = [path for path in paths if _made_there(path.removeprefix(FOLDER), intent)]
    return inside[0] if len(inside) == 1 and not any(r.each for r in fitting) else ""


def _made_there(path: str, intent: str) -> bool:
    """Whether a path stands where a step says what it makes, not what it makes it of."""
    made = r"\b(?:to|into|as|in|called|named|file)\s+(?:(?:the|one|a|new|file|document)\s+)*"
    return re.search(rf"{made}{re.escape(path)}", intent, re.IGNORECASE) is not None


def _settled(
    spec: ToolSpec, name: str, accepts: Accepts, offered: Sequence[Reference], *, found: bool
) -> bool:
    """Whether there is nothing to write: it is among what is offered, or it is not there.

    What is moved or copied goes into a folder, or to the path that the goal names. Where the run
    has looked, a file that it did not find need not be guessed.
    """
    if accepts == "new path":
        return found and _moves_there(spec, name)
    return accepts in {"path", "image"} and not found and any(r.seen for r in offered)


def _without_its_title(
    spec: ToolSpec, accepts: Accepts, found: Sequence[Reference]
) -> list[Reference]:
    """For a text that is made with a title: the references without what was made as the title."""
    required = spec.input_schema.get("required", ())
    titled = accepts == "content" and any(accepts_of(spec, n, {}) == "name" for n in required)
    kept = [r for r in found if not (titled and r.made and r.kind == "name")]
    return kept if any(r.kind == "text" for r in kept) else list(found)


def _moves_there(spec: ToolSpec, name: str) -> bool:
    """Whether a parameter is where something is moved or copied to."""
    return name.startswith("dest") and _MOVES.match(spec.name) is not None


def _named(
    accepts: Accepts, fitting: Sequence[Reference], said: str, intent: str, folders: Sequence[str]
) -> list[str]:
    """What the goal itself names for a parameter: a file, a folder in a folder, a new name."""
    each = any(reference.each for reference in fitting)
    if any(reference.seen for reference in fitting) and accepts != "new path":
        return []
    if accepts == "new path" or (accepts in {"path", "image"} and not each):
        return paths_named(said, folders)
    if accepts == "folder" and not each:
        # What the step itself speaks of is meant, though the goal speaks of a folder inside it.
        own = any(folder.removeprefix(FOLDER) in intent for folder in folders)
        return [path for path in paths_named(intent if own else said, folders) if is_folder(path)]
    if accepts == "date" and not each:
        return dates_named(said)
    found = any(reference.kind == "text" or reference.made for reference in fitting)
    if accepts == "content" and not found:
        return quotes(intent)
    return names_given(said) if accepts == "name" and each and not found else []


def _written(
    accepts: Accepts,
    schema: dict[str, Any],
    fitting: Sequence[Reference],
    *,
    named: Sequence[str],
    folders: Sequence[str],
    paths: Sequence[str],
) -> dict[str, Any] | None:
    """The form of what may be written instead of pointed to, if anything may."""
    if accepts == "new path" and folders:
        return path_inside(folders)
    if paths:
        return {"type": "array", "items": {"enum": list(paths)}, "minItems": 1, "maxItems": 12}
    unseen = not named and all(reference.text in folders for reference in fitting)
    if accepts in {"path", "image"} and unseen and folders:
        return path_inside(folders)
    if (fitting or named) and _points_only(accepts, fitting):
        return None
    return _literal(accepts, schema)


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
        # What an earlier step made or read is content before the name of the current item is.
        texts = [r for r in nearest if r.kind == "text"] or [r for r in others if r.made]
        texts = texts or [r for r in each if r.kind == "text" and not made]
        nearest = texts or [r for r in others if _holds_text(r)] or nearest
    if accepts in {"content", "name"}:
        return made or nearest or others
    if accepts in {"path", "image"}:
        return nearest or others
    return [*(made or nearest), *others]


def _holds_text(reference: Reference) -> bool:
    """Whether it is a text, or the texts of several items."""
    texts = reference.kind == "list" and reference.text.endswith((".text", ".content", ".body"))
    return reference.kind == "text" or texts


def _points_only(accepts: Accepts, fitting: Sequence[Reference]) -> bool:
    """Whether a literal would be a mistake: a path nobody has seen, content beside a result."""
    if accepts in _POINTING:
        return True
    return accepts in {"content", "name"} and any(r.made or r.each for r in fitting)


def _literal(accepts: Accepts, schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"enum": schema["enum"]}
    if accepts == "date":
        return {"type": "string", "pattern": date_pattern(schema)}
    if accepts in {"number", "yes/no"}:
        return {key: schema[key] for key in ("type", "minimum", "maximum") if key in schema}
    if accepts == "list":
        of = schema.get("items", {}).get("type")
        number = {"type": of} if of in {"number", "integer", "boolean"} else None
        item = number or {"type": "string", "maxLength": MAX_TEXT}
        return {"type": "array", "items": item, "maxItems": 12}
    return {"type": "string", "minLength": 1, "maxLength": int(schema.get("maxLength", MAX_TEXT))}


def _form(parameter: Parameter) -> dict[str, Any]:
    forms: list[dict[str, Any]] = []
    if parameter.references:
        forms.append({"enum": list(parameter.references)})
    if parameter.literal is not None:
        forms.append(parameter.literal)
    if not forms:
        return _NOTHING
    return forms[0] if len(forms) == 1 else {"anyOf": forms}
