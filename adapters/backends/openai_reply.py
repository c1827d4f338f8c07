"""Puts a reply together from the chunks of a chat completion."""

import json

from adapters.backends.constraint import require
from adapters.backends.margin import choice_margin
from adapters.backends.openai_chunk import Chunk, ChunkChoice, ChunkUsage, Token
from adapters.backends.openai_request import WRAPPED, wrapping_schema
from adapters.backends.strict_json import parse
from orchestrator.core.chat import (
    ChatReply,
    Choice,
    Constraint,
    FunctionCall,
    JsonSchema,
    Usage,
)
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
        self._tokens: list[Token] = []
        self._finish: str | None = None
        self._usage = Usage()
        self._model = ""
        self._calls: dict[int, tuple[str, str]] = {}

    def take(self, chunk: Chunk) -> str:
        """Add a chunk, or a whole completion; return the text that it adds."""
        self._model = chunk.model or self._model
        if chunk.usage:
            self._usage = _usage(chunk.usage)
        return self._take_choice(chunk.choices[0]) if chunk.choices else ""

    def reply(self, *, model: str, seconds: float) -> ChatReply:
        """Return the complete reply, in the form that was asked for unless `max_tokens` cut it.

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
        text = raw if truncated else self._unwrap(raw)
        require(text, self._constraint, truncated=truncated)
        return ChatReply(
            text=text,
            usage=self._usage,
            truncated=truncated,
            margin=None if truncated else self._margin(raw, text),
            model=self._model or model,
            seconds=seconds,
            calls=tuple(FunctionCall(name=n, arguments=a) for n, a in self._calls.values()),
        )

    def _take_choice(self, choice: ChunkChoice) -> str:
        said = choice.said
        text = said.content or ""
        self._texts.append(text)
        self._tokens += choice.tokens
        self._finish = choice.finish_reason or self._finish
        for part in said.tool_calls or ():
            name, arguments = self._calls.get(part.index, ("", ""))
            self._calls[part.index] = (
                name + (part.function.name or ""),
                arguments + (part.function.arguments or ""),
            )
        signs = (text, said.reasoning, said.reasoning_content, said.tool_calls, self._finish)
        self.begun = self.begun or any(signs)
        return text

    def _unwrap(self, raw: str) -> str:
        constraint = self._constraint
        if not self._wrapped or not isinstance(constraint, Choice):
            return raw
        require(raw, JsonSchema(json_schema=wrapping_schema(constraint)))
        return str(parse(raw)[WRAPPED])

    def _margin(self, raw: str, text: str) -> float | None:
        if not self._tokens or not isinstance(self._constraint, Choice):
            return None
        chosen = _written(text, wrapped=self._wrapped)
        if chosen not in raw:
            return None
        front = raw[: raw.rfind(chosen)]
        written = [_written(option, wrapped=self._wrapped) for option in self._constraint.options]
        tokens = [token.model_dump() for token in self._tokens]
        return choice_margin([front + option for option in written], front + chosen, tokens)


def _written(option: str, *, wrapped: bool) -> str:
    return json.dumps(option, ensure_ascii=False) if wrapped else option


def _usage(usage: ChunkUsage) -> Usage:
    details = usage.prompt_tokens_details
    cached = (details and details.cached_tokens) or 0
    return Usage(
        prompt=usage.prompt_tokens,
        cached=min(cached, usage.prompt_tokens),
        generated=usage.completion_tokens,
    )
