"""Turns a server's refusal into the error that tells what to do about it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from adapters.backends.constraint import excerpt
from orchestrator.core.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    BackendUnavailable,
    ContextOverflow,
)

_OVERFLOW_KINDS = frozenset({"exceed_context_size_error", "context_length_exceeded"})
_OVERFLOW_WORDS = re.compile(r"maximum context length|max_model_len|context (?:size|length|window)")
_UNAUTHORIZED = frozenset({401, 403})
_LATER = frozenset({408, 425, 429})
_NOT_FOUND = 404
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class BackendBusy(BackendUnavailable):
    """The server asks to come back later.

    Args:
        message: What the server said.
        retry_after_s: The seconds that its Retry-After header asks for, where it has one.
    """

    code = "backend_busy"
    default_hint = "Wait, send fewer requests at once, or look at the server's log."

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Refusal:
    """A response that is no completion, in the words of the server that sent it."""

    status: int
    url: str
    body: str
    retry_after_s: float | None = None
    served: str = ""

    def error(self) -> BackendError:
        """Name the error of this response; the server's own message is in it."""
        said = _said(self.body)
        if _overflows(self.status, said):
            return ContextOverflow(f"The prompt does not fit the model at {self.url}: {said.text}")
        message = f"{self.url} answered {self.status}: {said.text}"
        if self.status >= _SERVER_ERROR or self.status in _LATER:
            return BackendBusy(message, retry_after_s=self.retry_after_s)
        if self.status < _CLIENT_ERROR:
            hint = "Point the base URL at the server itself: redirects are not followed."
            return BackendProtocolError(message, hint=hint)
        return BackendRejected(message, hint=self._advice())

    def _advice(self) -> str | None:
        if self.status in _UNAUTHORIZED:
            return "Set FERRYMAN_API_KEY to a key that this server accepts."
        if self.status == _NOT_FOUND:
            return self.served or "Check the base URL: no OpenAI-compatible server answers there."
        return None


@dataclass(frozen=True)
class _Said:
    text: str
    kinds: frozenset[str] = frozenset()


def error_in(chunk: dict[str, Any], *, url: str) -> BackendError | None:
    """Find the error that a server reports in the middle of a stream it began with 200."""
    if not chunk.get("error"):
        return None
    inner = chunk["error"]
    status = inner.get("code") if isinstance(inner, dict) else None
    status = status if isinstance(status, int) else _SERVER_ERROR
    return Refusal(status=status, url=url, body=json.dumps(chunk)).error()


def _overflows(status: int, said: _Said) -> bool:
    by_words = _CLIENT_ERROR <= status < _SERVER_ERROR and _OVERFLOW_WORDS.search(said.text)
    return bool(said.kinds & _OVERFLOW_KINDS or by_words)


def _said(body: str) -> _Said:
    """Read `{"error": {"message", "type", "code"}}`, `{"error": "..."}` or `{"detail": "..."}`."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return _Said(excerpt(body, 300))
    if not isinstance(envelope, dict):
        return _Said(excerpt(body, 300))
    inner = envelope.get("error") or envelope.get("detail") or envelope
    if not isinstance(inner, dict):
        return _Said(str(inner))
    kinds = frozenset(str(inner[key]) for key in ("type", "code") if key in inner)
    return _Said(str(inner.get("message") or excerpt(body, 300)), kinds)
