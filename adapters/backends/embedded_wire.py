"""The embedded engine's requests and chunks, translated to and from the chat vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.backends.constraint import require
from adapters.backends.embedded_grammar import grammar_for
from adapters.backends.margin import choice_margin
from orchestrator.core.chat import ChatReply, ChatRequest, Choice, Usage
from orchestrator.core.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    BackendUnavailable,
    ContextOverflow,
)

# The engine reports probabilities before the grammar masks; the options of a choice must be
# found among this many most likely tokens to be counted.
_RANKED_TOKENS = 100


def body_of(request: ChatRequest, slot: int) -> dict[str, Any]:
    """Write the engine's request for one chat request on one of its slots."""
    body: dict[str, Any] = {
        "messages": [message.model_dump() for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        # The engine's own top-k and min-p would act behind the profile's back.
        "top_k": 0,
        "min_p": 0.0,
        "seed": request.sampling.seed,
        "stop": list(request.stop),
        "stream": True,
        "stream_options": {"include_usage": True},
        # A chunk per prompt batch: the only moments at which a long prompt can be cancelled.
        "return_progress": True,
        "cache_prompt": True,
        "id_slot": slot,
    }
    if request.tools:
        body["tools"] = [tool.wire() for tool in request.tools]
    if request.constraint is not None:
        body["grammar"] = grammar_for(request.constraint)
    if _wants_margin(request):
        body["n_probs"] = _RANKED_TOKENS
    return body


def _wants_margin(request: ChatRequest) -> bool:
    return request.logprobs and isinstance(request.constraint, Choice)


@dataclass
class Transcript:
    """Collects the chunks of one reply."""

    request: ChatRequest
    pieces: list[str] = field(default_factory=list)
    tokens: list[Mapping[str, Any]] = field(default_factory=list)
    finish: str | None = None
    usage: Usage = field(default_factory=Usage)

    def take(self, chunk: Mapping[str, Any]) -> str:
        """Add one chunk and give the text that it brought.

        Raises:
            BackendError: The chunk is the engine's error.
        """
        if "error" in chunk:
            raise error_of(chunk["error"])
        if chunk.get("usage"):
            self.usage = _usage(chunk["usage"])
        text = ""
        for choice in chunk.get("choices") or ():
            text += choice.get("delta", {}).get("content") or ""
            self.tokens.extend((choice.get("logprobs") or {}).get("content") or ())
            self.finish = choice.get("finish_reason") or self.finish
        self.pieces.append(text)
        return text

    def reply(self, *, model: str, seconds: float) -> ChatReply:
        """Give the whole reply, checked against its constraint unless `max_tokens` cut it.

        Raises:
            BackendProtocolError: The stream ended early, or the constraint does not hold.
        """
        if self.finish is None:
            raise BackendProtocolError("The engine stopped in the middle of a reply.")
        text, truncated = "".join(self.pieces), self.finish == "length"
        require(text, self.request.constraint, truncated=truncated)
        return ChatReply(
            text=text,
            usage=self.usage,
            truncated=truncated,
            margin=None if truncated else self._margin(text),
            model=model,
            seconds=seconds,
        )

    def _margin(self, text: str) -> float | None:
        constraint = self.request.constraint
        if not self.request.logprobs or not isinstance(constraint, Choice):
            return None
        return choice_margin(constraint.options, text, self.tokens)


def _usage(wire: Mapping[str, Any]) -> Usage:
    return Usage(
        prompt=wire.get("prompt_tokens", 0),
        cached=(wire.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
        generated=wire.get("completion_tokens", 0),
    )


def error_of(wire: Mapping[str, Any]) -> BackendError:
    """Name the engine's error."""
    message = str(wire.get("message", wire))
    if wire.get("type") == "exceed_context_size_error":
        needed, room = wire.get("n_prompt_tokens"), wire.get("n_ctx")
        return ContextOverflow(
            f"The prompt has {needed} tokens; the embedded model's context holds {room}."
        )
    if wire.get("type") == "unavailable_error":
        return BackendUnavailable(f"The embedded model is not ready: {message}")
    if wire.get("code") in {400, 404}:
        return BackendRejected(
            f"The embedded engine refused the request: {message}",
            hint="The constraint's schema or pattern may use a feature the engine lacks.",
        )
    return BackendProtocolError(f"The embedded engine failed: {message}")
