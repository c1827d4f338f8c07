"""Reading a tool call out of what a model wrote freely, as leniently as the field does."""

import json
import re
from typing import Any

from orchestrator.core.chat import ChatReply, Frozen
from orchestrator.core.fingerprints import unfit

_TAGGED = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```(?:\w+)?\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_DECODER = json.JSONDecoder()


class Wanted(Frozen):
    """A tool call as a model wrote it, before anything is checked."""

    tool: str
    arguments: dict[str, Any]


def call_in(reply: ChatReply) -> Wanted | None:
    """The first call of a reply: what the server parsed out of it, else what its text holds."""
    for call in reply.calls:
        arguments = next(iter(_objects(call.arguments or "{}")), None)
        if call.name and not unfit(call.name) and isinstance(arguments, dict):
            return Wanted(tool=call.name, arguments=arguments)
    return wanted_call(reply.text)


def wanted_call(text: str) -> Wanted | None:
    """Find the first tool call in free text: tagged, fenced, or plain JSON; None if there is none.

    `{"name", "arguments"}`, `{"name", "parameters"}` and `{"function": {…}}` all count.
    """
    for part in (*_TAGGED.findall(text), *_FENCED.findall(text), text):
        for value in _objects(part):
            found = _as_call(value)
            if found is not None:
                return found
    return None


def _objects(text: str) -> list[Any]:
    """Every JSON object that begins somewhere in a text, outermost first."""
    found: list[Any] = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
            found.append(value)
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)
    return found


def _as_call(value: dict[str, Any]) -> Wanted | None:
    inner = value.get("function")
    if isinstance(inner, dict):
        value = inner
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        arguments = next(iter(_objects(arguments)), None)
    name = value.get("name")
    if isinstance(name, str) and name and not unfit(name) and isinstance(arguments, dict):
        return Wanted(tool=name, arguments=arguments)
    return None
