"""What a tool answered, made safe to enter a run's state: bounded, plain JSON, clean text."""

import difflib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.core.errors import (
    OrchestratorError,
    ToolFailed,
    ToolOutputTooLarge,
    UnknownTool,
)
from orchestrator.core.fingerprints import MAX_DEPTH, unfit
from orchestrator.core.tools import ToolOutcome

MAX_ERROR_CHARS = 4_000
MAX_OUTPUT_BYTES = 4 * 1024 * 1024
NEAREST = 5
_ENTRY_DEPTH = 3
"""A journal entry holds the result as entry.event.outcome.data."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}


def scrubbed(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 writer accepts, by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def legible(text: str) -> str:
    """Strip what a person would not see: controls, bidi marks, zero-width and tag characters."""
    return "".join(char for char in scrubbed(text) if _is_visible(char))


def _is_visible(char: str) -> bool:
    if char in "\n\t":
        return True
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return False
    return unicodedata.category(char) not in _INVISIBLE


class Normalizer:
    """Copies a value into plain dicts and lists of clean text; remembers whether text was lost."""

    def __init__(self) -> None:
        self.lossy = False

    def copy(self, value: Any, depth: int = 0) -> Any:
        """Return the copy; what the journal refuses anyway is left in it as it is."""
        if depth > MAX_DEPTH:
            return value
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        clean = scrubbed(text)
        self.lossy = self.lossy or clean != text
        return clean


def _short(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def succeeded(
    data: object, *, max_bytes: int = MAX_OUTPUT_BYTES, lossy: bool = False
) -> ToolOutcome:
    """Make an outcome of a result; a dict whose text was damaged is marked `lossy`.

    Raises:
        ToolFailed: The result is not JSON that the journal can keep.
        ToolOutputTooLarge: It is larger than `max_bytes` as JSON.
    """
    normalizer = Normalizer()
    clean = normalizer.copy(data)
    if why := unfit(clean, _ENTRY_DEPTH):
        raise ToolFailed(f"The result does not fit into an entry of the journal: {why}.")
    size = len(json.dumps(clean, ensure_ascii=False).encode())
    if size > max_bytes:
        raise ToolOutputTooLarge(
            f"The result has {size:,} bytes; at most {max_bytes:,} are taken in.",
            hint="Ask the tool for less, or raise max_output_bytes of its server.",
        )
    if (lossy or normalizer.lossy) and isinstance(clean, dict):
        clean = {**clean, "lossy": True}
    return ToolOutcome(ok=True, data=clean)


def failed(error: OrchestratorError) -> ToolOutcome:
    """Make an outcome of an error of the tree."""
    text = _short(legible(error.message), MAX_ERROR_CHARS)
    return ToolOutcome(ok=False, error=text, code=error.code)


def unknown_tool(tool: str, known: Iterable[str]) -> ToolOutcome:
    """Say that no such tool is in scope, and which ones come nearest."""
    near = difflib.get_close_matches(tool, list(known), n=NEAREST, cutoff=0.3)
    ending = f" Nearest: {', '.join(near)}." if near else ""
    return ToolOutcome(
        ok=False, error=f"There is no tool {_short(tool)!r}.{ending}", code=UnknownTool.code
    )
