"""Parts a server's stdout into messages in linear time and bounded memory."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mcp.shared.message import SessionMessage
from mcp_types import ErrorData, JSONRPCError, JSONRPCResponse, jsonrpc_message_adapter
from pydantic import ValidationError

from adapters.tools.mcp_results import LOSSY_KEY
from adapters.tools.outcomes import scrubbed

TOO_LARGE = -32010
UNREADABLE = -32011
"""Codes of our own, from the range that JSON-RPC leaves to implementations."""

_HEAD_BYTES = 256
_ENDLESS_BYTES = 64 * 1024 * 1024
_ID = re.compile(rb'"id"\s*:\s*(\d{1,15}|"[^"\\]{0,64}")')


class EndlessLine(Exception):
    """A line that has no end within reason, or that answers nobody while it floods."""


@dataclass(frozen=True)
class Oversized:
    """A line that crossed the limit; the rest of it is thrown away."""

    head: bytes


@dataclass
class LineSplitter:
    """Cuts chunks into lines of at most `limit` bytes.

    The SDK's own reader joins and splits the whole buffer for each chunk, which is quadratic
    and unbounded; this one touches each byte once and holds at most `limit` of them.
    """

    limit: int
    _buffer: bytearray = field(default_factory=bytearray)
    _dropped: int = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | Oversized]:
        """Yield the lines that this chunk completes.

        Raises:
            EndlessLine: 64 MB have gone by since the limit was crossed.
        """
        *ended, open_part = chunk.split(b"\n")
        for part in ended:
            yield from self._take(part)
            if not self._dropped:
                yield bytes(self._buffer)
            self._buffer.clear()
            self._dropped = 0
        yield from self._take(open_part)

    def _take(self, part: bytes) -> Iterator[Oversized]:
        if self._dropped:
            self._dropped += len(part)
        elif len(self._buffer) + len(part) > self.limit:
            self._dropped = len(self._buffer) + len(part)
            yield Oversized(bytes(self._buffer[:_HEAD_BYTES] + part[:_HEAD_BYTES])[:_HEAD_BYTES])
            self._buffer.clear()
        else:
            self._buffer += part
        if self._dropped > max(_ENDLESS_BYTES, self.limit):
            raise EndlessLine


def read_line(line: bytes | Oversized) -> SessionMessage | None:
    """Make a message of a line; None means noise, which a server should not print.

    A reply that cannot be taken in becomes an error reply with the same id, so that its
    caller hears of it at once and not when the deadline passes.

    Raises:
        EndlessLine: The line is too long and nobody can be told.
    """
    if isinstance(line, Oversized):
        refused = _refusal(line.head, TOO_LARGE, "the reply is longer than may be taken in")
        if refused is None:
            raise EndlessLine
        return refused
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError:
        return _salvaged(line) if line.strip() else None


def _salvaged(line: bytes) -> SessionMessage | None:
    """Read what the strict parser refuses: bad UTF-8, lone surrogates, absurd nesting."""
    try:
        value = json.loads(scrubbed(line.decode("utf-8", "replace")), object_hook=_scrubbed_keys)
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        return None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _refusal(line[:_HEAD_BYTES], UNREADABLE, f"the reply cannot be read: {reason[:200]}")
    if isinstance(message, JSONRPCResponse):
        message.result["_meta"] = {**(message.result.get("_meta") or {}), LOSSY_KEY: True}
    return SessionMessage(message)


def _scrubbed_keys(value: dict[str, Any]) -> dict[str, Any]:
    """Scrub the strings of one object; json calls this for every object, innermost first."""
    return {scrubbed(key): _scrubbed_item(item) for key, item in value.items()}


def _scrubbed_item(item: Any) -> Any:
    if isinstance(item, str):
        return scrubbed(item)
    return [_scrubbed_item(part) for part in item] if isinstance(item, list) else item


def _refusal(head: bytes, code: int, reason: str) -> SessionMessage | None:
    found = _ID.search(head)
    if found is None or b'"jsonrpc"' not in head or b'"method"' in head:
        return None
    error = ErrorData(code=code, message=reason)
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=json.loads(found[1]), error=error))
