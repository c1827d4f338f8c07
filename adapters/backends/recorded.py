"""Keeps what a model answered and serves it again, without the model."""

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.backends.constraint import excerpt, require
from orchestrator.core.chat import ChatReply, ChatRequest, StreamItem, TextDelta
from orchestrator.core.errors import BackendRejected, ConfigurationError
from orchestrator.core.roles import CapabilityCard, ModelIdentity
from orchestrator.ports.chat import ChatBackend

_NOT_ANSWERED_BY = {"slot", "deadline_s"}
_ABSENT = "nothing"


class NoRecording(BackendRejected):
    """The run asks what was never recorded: its prompts or its rules have changed."""

    code = "no_recording"
    default_hint = "Record again with the model, or find what changed the request."


class RecordingError(ConfigurationError):
    """A file of recordings is missing or cannot be read."""

    code = "recording"
    default_hint = "Record again; a recording is one JSON object a line."


class RecordingBackend:
    """Answers with another backend and appends each reply to a file.

    Args:
        inner: The backend that answers.
        path: JSON lines of digest, request and reply; made if absent.
    """

    def __init__(self, inner: ChatBackend, path: Path) -> None:
        self._inner = inner
        self._path = path

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece; only a whole reply is recorded."""
        async with aclosing(self._inner.stream(request)) as stream:
            async for item in stream:
                if isinstance(item, ChatReply):
                    self._append(request, item)
                yield item

    def _append(self, request: ChatRequest, reply: ChatReply) -> None:
        line = {
            "digest": digest(request),
            "request": essence(request),
            "reply": reply.model_dump(mode="json"),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


class RecordedBackend:
    """Serves recorded replies to the very requests that they answered.

    A request that was recorded several times is answered in that order, then with the last.

    Args:
        path: A file that `RecordingBackend` wrote.

    Raises:
        RecordingError: The file is missing or a line of it cannot be read.
    """

    card = CapabilityCard(logprobs=True, cached_tokens=True)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[str, list[ChatReply]] = defaultdict(list)
        self._known: list[dict[str, Any]] = []
        for line in _lines(path):
            self._replies[line["digest"]].append(ChatReply.model_validate(line["reply"]))
            self._known.append(line["request"])

    def identity(self) -> ModelIdentity:
        """Say that no model answers."""
        return ModelIdentity(name=f"recorded replies of {self._path.name}", backend="recorded")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Serve the recorded reply.

        Raises:
            NoRecording: There is none; the message names the nearest difference.
        """
        replies = self._replies.get(digest(request))
        if not replies:
            raise NoRecording(f"{self._path} holds no reply to this request. {self._why(request)}")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        require(reply.text, request.constraint, truncated=reply.truncated)
        yield TextDelta(text=reply.text)
        yield reply

    def _why(self, request: ChatRequest) -> str:
        wanted = _leaves(essence(request))
        differences = [_differences(wanted, _leaves(known)) for known in self._known]
        if not differences:
            return "The file is empty."
        where, now, then = min(differences, key=len)[0]
        return f"The nearest recording differs at {where}: now {excerpt(now)}, then {excerpt(then)}"


def essence(request: ChatRequest) -> dict[str, Any]:
    """Take the part of a request that a reply depends on."""
    return request.model_dump(mode="json", exclude=_NOT_ANSWERED_BY)


def digest(request: ChatRequest) -> str:
    """Name a request by its content; the order of a schema's keys is part of it."""
    return hashlib.sha256(json.dumps(essence(request)).encode()).hexdigest()


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    return [_line(path, number, line) for number, line in enumerate(text.splitlines(), 1)]


def _line(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
        ChatReply.model_validate(read["reply"])
        return {key: read[key] for key in ("digest", "request", "reply")}
    except (ValueError, LookupError, TypeError, ValidationError) as error:
        raise RecordingError(f"{path}, line {number}, is no recording: {error}") from error


def _leaves(value: Any, at: str = "request") -> dict[str, str]:
    """Lay a JSON value out flat: where each plain value is, in order."""
    if isinstance(value, dict):
        parts = [(f"{at}.{key}", part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{at}[{number}]", part) for number, part in enumerate(value)]
    else:
        return {at: str(value)}
    return {where: leaf for name, part in parts for where, leaf in _leaves(part, name).items()}


def _differences(now: dict[str, str], then: dict[str, str]) -> list[tuple[str, str, str]]:
    places = dict.fromkeys((*now, *then))
    found = [(at, now.get(at, _ABSENT), then.get(at, _ABSENT)) for at in places]
    unlike = [(at, a, b) for at, a, b in found if a != b]
    return unlike or [("request (the order of its keys)", "one order", "another")]
