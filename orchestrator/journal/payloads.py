"""Large payloads: out of the journal's rows into blobs, and back when a run is loaded.

The row keeps `{"$blob": sha256, "bytes": n}` in the payload's place; where the field is text,
the same as JSON text. A value that merely looks like that is made a blob too, however small,
so nothing a model or a tool says can ever be taken for a reference to another payload.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from pydantic import JsonValue

from orchestrator.core.chat import Message
from orchestrator.core.errors import JournalError
from orchestrator.core.events import CallSettled, Event, ModelCalled

LARGE_BYTES = 4096
_MARK = "$blob"
_TEXT_MARK = f'{{"{_MARK}":'

Get = Callable[[str], bytes]


def without_payloads(event: Event) -> tuple[Event, list[bytes]]:
    """Give the form of an event that is stored, and the payloads that were taken out of it."""
    taken: list[bytes] = []

    def put(data: bytes) -> str:
        taken.append(data)
        return hashlib.sha256(data).hexdigest()

    form = _mapped(event, lambda value: _out(value, put), lambda text: _text_out(text, put))
    return form, taken


def with_payloads(event: Event, get: Get) -> Event:
    """Give the event as it was before its payloads were taken out.

    Raises:
        JournalError: A payload is missing or damaged.
    """
    return _mapped(event, lambda value: _back(value, get), lambda text: _text_back(text, get))


def _mapped(
    event: Event, value: Callable[[JsonValue], JsonValue], text: Callable[[str], str]
) -> Event:
    if isinstance(event, CallSettled):
        data = value(event.outcome.data)
        if data is event.outcome.data:
            return event
        outcome = event.outcome.model_copy(update={"data": data})
        return event.model_copy(update={"outcome": outcome})
    if isinstance(event, ModelCalled):
        appended = tuple(
            Message(role=each.role, content=text(each.content)) for each in event.appended
        )
        return event.model_copy(update={"appended": appended, "reply": text(event.reply)})
    return event


def _out(value: JsonValue, put: Callable[[bytes], str]) -> JsonValue:
    # Not the canonical form: the order of keys is part of what a tool said.
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return _kept(data, put) if len(data) > LARGE_BYTES or _is_mark(value) else value


def _text_out(text: str, put: Callable[[bytes], str]) -> str:
    data = text.encode()
    if len(data) <= LARGE_BYTES and not text.startswith(_TEXT_MARK):
        return text
    return json.dumps(_kept(data, put), separators=(",", ":"))


def _kept(data: bytes, put: Callable[[bytes], str]) -> dict[str, JsonValue]:
    return {_MARK: put(data), "bytes": len(data)}


def _back(value: JsonValue, get: Get) -> Any:
    if not isinstance(value, dict) or not _is_mark(value):
        return value
    return json.loads(get(_digest(value)))


def _text_back(text: str, get: Get) -> str:
    if not text.startswith(_TEXT_MARK):
        return text
    return get(_digest(json.loads(text))).decode()


def _digest(mark: dict[str, JsonValue]) -> str:
    digest = mark[_MARK]
    if not isinstance(digest, str):
        raise JournalError(f"A payload's place in the journal holds {digest!r}, not a digest.")
    return digest


def _is_mark(value: JsonValue) -> bool:
    return isinstance(value, dict) and _MARK in value
