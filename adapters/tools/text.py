"""The built-in namespace `text`: narrow values made out of text that nobody vouches for.

The synthesizer reads the text and answers in a form the plan chose, under a schema. It has no
tools, so that whatever the text asks for can change a value at most, and only within its form.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from orchestrator.core.chat import ChatReply, ChatRequest, JsonSchema, Message, Sampling, Usage
from orchestrator.core.dates import dates_named
from orchestrator.core.errors import BackendError
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.ports.chat import ChatBackend, complete

Form = Literal["file name", "name", "line", "paragraph", "number", "date"]
Render = Callable[[str, str, str], str]
"""Gives the prompt for an instruction, a form in words, and the text."""

NAMESPACE = "text"
MAX_TEXT = 2400
MAX_WORDS = 60
FEWEST_WORDS = 3
MOST_CHOICES = 60
MAX_ITEM = 160
LIST_ITEMS = f"{NAMESPACE}.list_items"
LIST_TOKENS = 800
_BULLETS = re.compile(r"^\s*(?:(?:[-*+\u2022]|\d{1,3}[.)]|\[[ xX]?\])(?:\s+|$))+")
_PARTS = re.compile(r"[,;]\s+(?:and\s+)?|\s+and\s+|(?<=[.!?:])\s+")
_SENTENCE = re.compile(r"\n+|(?<=[.!?])\s+")
_NUMBER = re.compile(r"(?<![\w.-])-?\d{1,12}(?:[,\u202f ]\d{3})*(?:[.,]\d{1,6})?(?![\w-])")
_WORD = re.compile(r"[a-z0-9]{3,}")
_NAMING = re.compile(r"[a-z]{3,16}|[0-9]{3,8}")
_COMMON = re.compile(
    "the|and|for|with|from|this|that|your|you|are|was|were|has|have|had|been|will|would|can"
    "|could|not|but|all|any|its|our|their|they|there|then|than|into|over|under|about|after"
    "|before|please|thank|thanks"
)
_SLUG = r"^[a-z0-9]{1,16}(-[a-z0-9]{1,16}){1,5}$"

_NAMES: frozenset[Form] = frozenset({"file name", "name"})
_PROSE: frozenset[Form] = frozenset({"line", "paragraph"})
"""Forms whose words are held to the text: names always, prose where it is extracted."""

_SCHEMAS: Mapping[Form, dict[str, Any]] = {
    "file name": {"type": "string", "pattern": _SLUG},
    "name": {"type": "string", "minLength": 1, "maxLength": 60},
    "line": {"type": "string", "minLength": 1, "maxLength": 160},
    "paragraph": {"type": "string", "minLength": 1, "maxLength": 800},
    "number": {"type": "number"},
    "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
}
_WORDS: Mapping[Form, str] = {
    "file name": "a file name of 3 to 5 words out of the text, lower case, hyphens between",
    "name": "a short name",
    "line": "one line",
    "paragraph": "one short paragraph",
    "number": "a number",
    "date": "a date as YYYY-MM-DD",
}
_TEXT = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "description": "The text to read: a reference to an earlier result.",
}
_OUTPUT = {
    "type": "object",
    "properties": {
        "value": {"type": ["string", "number"]},
        "because": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["value"],
}
_ITEMS_OUTPUT = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": {"value": {"type": "string"}}},
        },
        "truncated": {"type": "boolean"},
    },
    "required": ["items"],
}


def _spec(
    name: str, description: str, properties: dict[str, Any], optional: Sequence[str] = ()
) -> ToolSpec:
    return ToolSpec(
        id=f"{NAMESPACE}.{name}",
        description=description,
        input_schema={
            "type": "object",
            "properties": {"text": _TEXT, **properties},
            "required": ["text", *(key for key in properties if key not in optional)],
            "additionalProperties": False,
        },
        output_schema=_OUTPUT,
        effect="read",
        idempotent=True,
    )


_FORM = {"enum": list(_SCHEMAS), "description": "The form of the value."}
SPECS: tuple[ToolSpec, ...] = (
    _spec(
        "write",
        "Write a new value from a text: a file name, a title, a line or a paragraph.",
        {
            "instruction": {"type": "string", "description": "What to write.", "maxLength": 200},
            "form": _FORM,
        },
    ),
    _spec(
        "extract",
        "Extract one fact that stands in a text: a name, a number or a date.",
        {
            "instruction": {"type": "string", "description": "What to find.", "maxLength": 200},
            "form": _FORM,
        },
    ),
    _spec("summarize", "Summarize a text in one short paragraph.", {}),
    _spec(
        "list_items",
        "List the things that stand in a text, one by one, so that each can be worked on.",
        {"instruction": {"type": "string", "description": "What to list.", "maxLength": 200}},
    ).model_copy(update={"output_schema": _ITEMS_OUTPUT}),
)


class TextToolset:
    """The tools of the namespace `text`, played by the synthesizer.

    Args:
        backend: The synthesizer's backend.
        render: Gives the prompt.
        sampling: How the synthesizer samples.
    """

    namespace = NAMESPACE

    def __init__(self, backend: ChatBackend, render: Render, *, sampling: Sampling) -> None:
        self._backend = backend
        self._render = render
        self._sampling = sampling

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools, always the same."""
        return SPECS

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Make one value; a value that the text does not bear out is a failure."""
        problem = _problem(call)
        if problem:
            return ToolOutcome(ok=False, error=problem, code="invalid_arguments")
        try:
            return await self._made(call)
        except BackendError as error:
            return ToolOutcome(ok=False, error=error.message, code=error.code)

    async def _made(self, call: ToolCall) -> ToolOutcome:
        text = _joined(call.arguments["text"])
        if call.tool == LIST_ITEMS:
            return await self._listed(str(call.arguments["instruction"]), text)
        form, wanted = _wanted(call)
        words = self._render(wanted, _WORDS[form], text[:MAX_TEXT])
        value = _schema(call.tool, form, text[:MAX_TEXT])
        most = 320 if form == "paragraph" else 96
        reply = await self._ask((Message(role="user", content=words),), value, max_tokens=most)
        replies = [reply]
        checked = form in _NAMES or (call.tool == "text.extract" and form in _PROSE)
        if checked and _ungrounded(reply, text):
            again = f"Use words of the text only. {_value(reply)!r} does not."
            turns = (
                Message(role="user", content=words),
                Message(role="assistant", content=reply.text),
                Message(role="user", content=again),
            )
            replies.append(await self._ask(turns, value, max_tokens=most))
        return _outcome(form, text, replies, checked=checked)

    async def _listed(self, wanted: str, text: str) -> ToolOutcome:
        """The lines of the text that are meant, each as it stands there; none may be."""
        lines = listable(text[:MAX_TEXT])
        if not lines:
            return ToolOutcome(ok=False, error="The text has nothing to list.", code="tool_failed")
        form = "the items, each as it stands in the text"
        words = self._render(wanted, form, text[:MAX_TEXT])
        value = {"type": "array", "items": {"enum": lines}, "maxItems": len(lines)}
        asked = (Message(role="user", content=words),)
        reply = await self._ask(asked, value, max_tokens=LIST_TOKENS)
        spent: dict[str, Any] = {"usage": reply.usage, "model_calls": 1, "seconds": reply.seconds}
        found = _value(reply)
        if reply.truncated or not isinstance(found, list):
            return ToolOutcome(
                ok=False, error="The list came out incomplete.", code="malformed_reply", **spent
            )
        items: list[JsonValue] = [{"value": item} for item in dict.fromkeys(map(str, found))]
        cut = len(text) > MAX_TEXT
        return ToolOutcome(ok=True, data={"items": items, "truncated": cut}, **spent)

    async def _ask(
        self, messages: tuple[Message, ...], value: dict[str, Any], *, max_tokens: int
    ) -> ChatReply:
        schema = {
            "type": "object",
            "properties": {"value": value},
            "required": ["value"],
            "additionalProperties": False,
        }
        request = ChatRequest(
            messages=messages,
            constraint=JsonSchema(json_schema=schema),
            sampling=self._sampling,
            max_tokens=max_tokens,
            slot="text",
        )
        return await complete(self._backend, request)


def _schema(tool: str, form: Form, text: str) -> dict[str, Any]:
    if form == "file name":
        return file_name_schema(text)
    return (extract_schema(form, text) if tool == "text.extract" else None) or _SCHEMAS[form]


def extract_schema(form: Form, text: str) -> dict[str, Any] | None:
    """The schema of a value that stands in this text: one of its sentences, numbers, or dates.

    None where the form is another one, or the text has nothing of it.
    """
    if form == "line":
        found = [part.strip() for part in _SENTENCE.split(text)]
        lines = [part for part in found if 0 < len(part) <= _SCHEMAS["line"]["maxLength"]]
        return {"enum": list(dict.fromkeys(lines))[:MOST_CHOICES]} if lines else None
    if form == "number":
        numbers = [_number(written) for written in _NUMBER.findall(text)]
        return {"enum": list(dict.fromkeys(numbers))[:MOST_CHOICES]} if numbers else None
    days = dates_named(text) if form == "date" else []
    return {"enum": days[:MOST_CHOICES]} if days else None


def listable(text: str) -> list[str]:
    """What of a text can be an item: its lines without their bullets, of one line its parts."""
    lines = [
        line for line in (_BULLETS.sub("", line).strip() for line in text.splitlines()) if line
    ]
    if len(lines) == 1:
        lines = [part.strip(" .") for part in _PARTS.split(lines[0]) if part.strip(" .")]
    return [line for line in dict.fromkeys(lines) if len(line) <= MAX_ITEM][:MOST_CHOICES]


def _number(written: str) -> int | float:
    plain = re.sub(r"(?<=\d)[,\u202f ](?=\d{3}(?!\d))", "", written).replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def file_name_schema(text: str) -> dict[str, Any]:
    """The schema of a file name made of three to five words of this very text.

    No other word can come out, whatever the text asks for; a text without three usable words
    leaves any short name in the same form.
    """
    found = dict.fromkeys(_NAMING.findall(text.lower()))
    usable = [word for word in found if not _COMMON.fullmatch(word)][:MAX_WORDS]
    if len(usable) < FEWEST_WORDS:
        return _SCHEMAS["file name"]
    word = f"({'|'.join(usable)})"
    return {"type": "string", "pattern": f"^{word}(-{word}){{2,4}}$"}


def _problem(call: ToolCall) -> str:
    spec = next((spec for spec in SPECS if spec.id == call.tool), None)
    if spec is None:
        return f"There is no tool {call.tool}."
    found = next(Draft202012Validator(spec.input_schema).iter_errors(call.arguments), None)
    if found is not None:
        return f"{call.tool}: {found.message}"
    empty = not _joined(call.arguments["text"]).strip()
    return (
        f"{call.tool}: the text is empty, there is nothing to make a value from." if empty else ""
    )


def _wanted(call: ToolCall) -> tuple[Form, str]:
    if call.tool == "text.summarize":
        return "paragraph", "a summary in two or three sentences of what it says"
    form: Form = call.arguments["form"]  # type: ignore[assignment]
    return form, str(call.arguments["instruction"])


def _joined(text: Any) -> str:
    return "\n\n".join(map(str, text)) if isinstance(text, list) else str(text)


def _value(reply: ChatReply) -> Any:
    try:
        found = json.loads(reply.text)
    except json.JSONDecodeError:
        return ""
    return found.get("value", "")


def _shared(value: str | float, text: str) -> list[str]:
    """The words of a value that stand in the text, in the value's order."""
    squeezed = re.sub(r"[^a-z0-9]", "", text.lower())
    found = _WORD.findall(str(value).lower())
    return [word for word in dict.fromkeys(found) if word in squeezed]


def _ungrounded(reply: ChatReply, text: str) -> bool:
    """Whether fewer than half of a value's words stand in the text it was made from."""
    if reply.truncated:
        return False
    value = _value(reply)
    words = set(_WORD.findall(str(value).lower()))
    return 2 * len(_shared(value, text)) < len(words) or not words


def _outcome(form: Form, text: str, replies: Sequence[ChatReply], *, checked: bool) -> ToolOutcome:
    last = replies[-1]
    usage = sum((reply.usage for reply in replies), Usage())
    value = _value(last)
    if form == "file name":
        value = "-".join(dict.fromkeys(str(value).split("-")))
    spent: dict[str, Any] = {
        "usage": usage,
        "model_calls": len(replies),
        "seconds": sum(reply.seconds for reply in replies),
    }
    if last.truncated or value == "":
        return ToolOutcome(
            ok=False, error="The value came out incomplete.", code="malformed_reply", **spent
        )
    if checked and _ungrounded(last, text):
        error = f"{value!r} is not made of words of the text."
        return ToolOutcome(ok=False, error=error, code="tool_failed", **spent)
    return ToolOutcome(
        ok=True, data={"value": value, "because": list(_shared(value, text))}, **spent
    )
