"""Serves replies that were written beforehand, for tests and replay; no model is involved."""

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.backends.constraint import excerpt, require
from orchestrator.core.chat import ChatReply, ChatRequest, Choice, StreamItem, TextDelta, Usage
from orchestrator.core.errors import BackendRejected
from orchestrator.core.roles import CapabilityCard, ModelIdentity

_NO_MODEL = ModelIdentity(name="scripted replies, no model", backend="scripted")
_TOKEN = re.compile(r"\s?\S{1,4}|\s")


@dataclass(frozen=True)
class Said:
    """A scripted reply with its own margin, for the turns where confidence is the story."""

    text: str | Mapping[str, Any]
    margin: float | None = None


@dataclass(frozen=True)
class Stubborn:
    """A wish that gives way to another option only where the wish is not selectable.

    It plays the model that keeps choosing the same tool after a mask took it away. Without
    `otherwise` the first option is taken.
    """

    wish: str
    otherwise: str | None = None
    margin: float | None = None


Scripted = str | Mapping[str, Any] | Said | Stubborn | Exception
Script = Scripted | Callable[[ChatRequest], Scripted]


class ScriptExhausted(BackendRejected):
    """More was asked than the script answers; the script or the run is wrong."""

    code = "script_exhausted"
    default_hint = "Give the script one more reply, or find out why the run asks again."


class ScriptedBackend:
    """Answers each request with the next item of a script, in order.

    A mapping is said as compact JSON; an exception is raised; a callable is asked with the
    request. Tokens are estimated as a word's chunks of four characters. `cached` is the longest
    common prefix with what the same slot last saw, as a real prompt cache would find it, so a
    test can see whether prompts keep their prefix. A reply is cut at `max_tokens`.

    Args:
        replies: The script; an endless iterable never runs out.
        margin: What a `Choice` reports when logprobs are asked for and its item has no own.
    """

    card = CapabilityCard(logprobs=True, cached_tokens=True)

    def __init__(self, replies: Iterable[Script], *, margin: float | None = None) -> None:
        self.requests: list[ChatRequest] = []
        self._replies = iter(replies)
        self._margin = margin
        self._seen: dict[str, list[str]] = {}

    def identity(self) -> ModelIdentity:
        """Say that no model answers."""
        return _NO_MODEL

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer with the script's next item, a few characters at a time.

        Raises:
            ScriptExhausted: The script has no further reply.
            BackendProtocolError: The scripted reply breaks the request's constraint.
        """
        self.requests.append(request)
        said = _resolve(self._next(request), request)
        text = _text(said.text)
        pieces = tokens(text)
        truncated = len(pieces) > request.max_tokens
        pieces = pieces[: request.max_tokens]
        require("".join(pieces), request.constraint, truncated=truncated)
        usage = self._account(request, pieces)
        for piece in pieces:
            yield TextDelta(text=piece)
        yield ChatReply(
            text="".join(pieces),
            usage=usage,
            truncated=truncated,
            margin=None if truncated else self._margin_of(said, request),
            model=_NO_MODEL.name,
        )

    def _next(self, request: ChatRequest) -> Scripted:
        try:
            item = next(self._replies)
        except StopIteration:
            raise ScriptExhausted(
                f"The script ended after {len(self.requests) - 1} replies; request "
                f"{len(self.requests)} ends with {excerpt(request.messages[-1].content, 400)}."
            ) from None
        return item(request) if callable(item) else item

    def _account(self, request: ChatRequest, reply: list[str]) -> Usage:
        """Count tokens as an engine with one prompt cache a slot does."""
        prompt = _prompt_tokens(request)
        shared = _shared_prefix(prompt, self._seen.get(request.slot, []))
        self._seen[request.slot] = prompt + reply
        # An engine computes at least the last prompt token again, to have its logits.
        cached = min(shared, len(prompt) - 1)
        return Usage(prompt=len(prompt), cached=cached, generated=len(reply))

    def _margin_of(self, said: Said, request: ChatRequest) -> float | None:
        if not request.logprobs or not isinstance(request.constraint, Choice):
            return None
        return self._margin if said.margin is None else said.margin


def tokens(text: str) -> list[str]:
    """Estimate a text's tokens: chunks of four characters that never span a space."""
    return _TOKEN.findall(text)


def _prompt_tokens(request: ChatRequest) -> list[str]:
    turns = [["<turn>", turn.role, *tokens(turn.content), "</turn>"] for turn in request.messages]
    return [token for turn in turns for token in turn] + ["<turn>", "assistant"]


def _shared_prefix(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _resolve(item: Scripted, request: ChatRequest) -> Said:
    if isinstance(item, Exception):
        raise item
    if isinstance(item, Said):
        return item
    if isinstance(item, Stubborn):
        return Said(_give_way(item, request), item.margin)
    return Said(item)


def _give_way(item: Stubborn, request: ChatRequest) -> str:
    constraint = request.constraint
    if not isinstance(constraint, Choice) or item.wish in constraint.options:
        return item.wish
    return item.otherwise or constraint.options[0]


def _text(said: str | Mapping[str, Any]) -> str:
    if isinstance(said, str):
        return said
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
