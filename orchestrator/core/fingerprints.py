"""Identity: of a call, of a result, and of any JSON value."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue

MAX_DEPTH = 64
MAX_INTEGER = 2**63
_VOLATILE = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?|\bpid[ =:]*\d+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def canonical_json(value: Any) -> str:
    """Render a JSON value so that equal values have equal text: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """The sha256 of a value's canonical JSON, as hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def call_fingerprint(tool: str, arguments: Mapping[str, JsonValue]) -> str:
    """Identify a call by what it does: its tool and arguments, in whatever order.

    Blanks count: two files may differ in nothing else.
    """
    return digest([tool, _normalised(arguments)])


def call_likeness(tool: str, arguments: Mapping[str, JsonValue]) -> str:
    """Tell calls that differ in no more than their spelling: the same for all of them.

    Case, blanks, a slash at the end, numbers written as text and empty values do not count.
    Calls that are alike need not do the same; that their results are equal too says so.
    """
    return digest([tool, _spelled(arguments)])


def result_digest(data: JsonValue) -> str:
    """Identify a result by what it says; timestamps and process ids do not count."""
    return hashlib.sha256(_VOLATILE.sub("", canonical_json(data)).encode()).hexdigest()


def _normalised(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _spelled(value: Any) -> Any:
    if isinstance(value, Mapping):
        parts = {key: _spelled(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in _EMPTY}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if isinstance(value, str):
        return _spelled_text(value)
    return _normalised(value)


def _spelled_text(text: str) -> Any:
    plain = " ".join(text.split()).casefold()
    if _NUMBER.fullmatch(plain):
        return _normalised(float(plain))
    return plain.removeprefix("./").rstrip("/")


def unfit(value: Any, depth: int = 0) -> str:
    """Why a value may not enter the journal, or "" when it may.

    The limits (depth 64, integers of 63 bits, no NaN, no lone surrogate) are those at which
    common serialisers fail or silently change a value.
    """
    if depth > MAX_DEPTH:
        return f"it is nested more than {MAX_DEPTH} levels deep"
    if isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
        return next((why for part in parts if (why := unfit(part, depth + 1))), "")
    if isinstance(value, list | tuple):
        return next((why for part in value if (why := unfit(part, depth + 1))), "")
    return _unfit_scalar(value)


def _unfit_scalar(value: Any) -> str:
    if isinstance(value, bool | datetime) or value is None:
        return ""  # A time stands only in our own events, which write it as text.
    if isinstance(value, int):
        return "" if abs(value) < MAX_INTEGER else "it holds an integer of more than 63 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "it holds a number that is not finite"
    if isinstance(value, str):
        return "" if value.isprintable() or _encodes(value) else "it holds a lone surrogate"
    return f"it holds a {type(value).__name__}, which is not JSON"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
