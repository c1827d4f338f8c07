"""Puts a reply together from the chunks of a chat completion."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adapters.backends.constraint import excerpt, require
from adapters.backends.embedded_margin import choice_margin
from adapters.backends.openai_request import WRAPPED, wrapping_schema
from adapters.backends.strict_json import UnsafeJsonError, parse
from orchestrator.core.chat import ChatReply, Choice, Constraint, JsonSchema, Usage
from orchestrator.core.errors import BackendProtocolError


class ReplyParts:
    """Collects the chunks of one reply and answers whether it is complete.

    `begun` turns True at the first sign of generation; a role alone is none.
    """

    def __init__(self, constraint: Constraint | None, *, wrapped: bool = False) -> None:
        self.begun = False
        self._constraint = constraint
        self._wrapped = wrapped
        self._texts: list[str] = []
        self._tokens: list[dict[str, Any]] = []
        self._finish: str | None = None
        self._usage = Usage()
        self._model = ""

    def take(self, chunk: dict[str, Any]) -> str:
        """Add a chunk, or a whole non-streamed completion; return the text that it adds.

        Raises:
            BackendProtocolError: The chunk has not the shape that the protocol promises.
        """
        with _known_shape(chunk):
            return self._take(chunk)

    def reply(self, *, model: str, seconds: float) -> ChatReply:
        """Return the complete reply, in the form that was asked for.

        Raises:
            BackendProtocolError: The stream was cut, or the reply breaks its constraint.
        """
        raw = "".join(self._texts)
        if self._finish is None:
            raise BackendProtocolError(
                f"The stream ended without a finish_reason after {len(raw)} characters: the reply "
                "was cut on its way and cannot be trusted to be whole."
            )
        truncated = self._finish == "length"
        text = self._unwrap(raw, truncated=truncated)
        require(text, self._constraint, truncated=truncated)
        return ChatReply(
            text=text,
            usage=self._usage,
            truncated=truncated,
            margin=self._margin(raw, text),
            model=self._model or model,
            seconds=seconds,
        )

    def _take(self, chunk: dict[str, Any]) -> str:
        self._model = chunk.get("model") or self._model
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"])
        choices = chunk.get("choices") or []
        return self._take_choice(choices[0]) if choices else ""

    def _take_choice(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta") or choice.get("message") or {}
        text: str = delta.get("content") or ""
        self._texts.append(text)
        self._tokens += (choice.get("logprobs") or {}).get("content") or []
        self._finish = choice.get("finish_reason") or self._finish
        said = text or delta.get("reasoning") or delta.get("reasoning_content") or self._finish
        self.begun = self.begun or bool(said)
        return text

    def _unwrap(self, raw: str, *, truncated: bool) -> str:
        constraint = self._constraint
        if not self._wrapped or not isinstance(constraint, Choice):
            return raw
        require(raw, JsonSchema(json_schema=wrapping_schema(constraint)), truncated=truncated)
        return str(parse(raw)[WRAPPED])

    def _margin(self, raw: str, text: str) -> float | None:
        if not self._tokens or not isinstance(self._constraint, Choice):
            return None
        chosen = _written(text, wrapped=self._wrapped)
        front = raw[: raw.rfind(chosen)]
        written = [_written(option, wrapped=self._wrapped) for option in self._constraint.options]
        options = [front + option for option in written]
        with _known_shape(self._tokens):
            return choice_margin(options, front + chosen, self._tokens)


@contextmanager
def _known_shape(part: Any) -> Iterator[None]:
    try:
        yield
    except (TypeError, LookupError, AttributeError, ValueError, OverflowError) as error:
        raise BackendProtocolError(
            f"A part of the reply has an unknown shape ({error!r}): {excerpt(json.dumps(part))}"
        ) from error


def decode(data: str) -> dict[str, Any]:
    """Read one event's data.

    Raises:
        BackendProtocolError: Not a JSON object, or one that must not enter a run's state.
    """
    try:
        chunk = parse(data)
    except UnsafeJsonError as error:
        raise BackendProtocolError(
            f"The server sent something that cannot be read: {error}. It begins {excerpt(data)}."
        ) from error
    if not isinstance(chunk, dict):
        raise BackendProtocolError(f"The server sent {excerpt(data)} where an object belongs.")
    return chunk


def _written(option: str, *, wrapped: bool) -> str:
    return json.dumps(option, ensure_ascii=False) if wrapped else option


def _usage(usage: dict[str, Any]) -> Usage:
    prompt = usage.get("prompt_tokens") or 0
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(
        prompt=prompt, cached=min(cached, prompt), generated=usage.get("completion_tokens") or 0
    )
