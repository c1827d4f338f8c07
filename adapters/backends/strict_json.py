"""Parses a model's JSON without letting through values that break what comes later.

Databases refuse lone surrogates and integers of more than 64 bits, deep nesting exhausts the
stack of every recursive reader, and NaN or a doubled key means something else to each parser.
"""

import json
import math
import re
from typing import Any

from orchestrator.core.fingerprints import MAX_DEPTH, MAX_INTEGER

_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")
_MAX_DIGITS = len(str(MAX_INTEGER)) + 1
# The optional closing quote keeps the scan linear on text that never closes its string.
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class UnsafeJsonError(ValueError):
    """The text is not JSON, or it holds a value that must not enter a run's state."""


def parse(text: str) -> Any:
    """Read one JSON value within the limits.

    Raises:
        UnsafeJsonError: Not JSON, nested deeper than 64, an integer of 2^63 or more, NaN, an
            infinity, a doubled key, or a lone surrogate.
    """
    refuse_deep_nesting(text)
    try:
        value = json.loads(
            text,
            parse_int=_small_int,
            parse_float=_finite_float,
            parse_constant=_no_constant,
            object_pairs_hook=_unique_keys,
        )
    except UnsafeJsonError:
        raise
    except ValueError as error:
        raise UnsafeJsonError(f"not JSON: {error}") from error
    refuse_lone_surrogates(json.dumps(value, ensure_ascii=False))
    return value


def refuse_deep_nesting(text: str) -> None:
    """Stop before a recursive parser meets nesting beyond `MAX_DEPTH`."""
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        depth += found.group() in _OPENING
        depth -= found.group() in _CLOSING
        if depth > MAX_DEPTH:
            raise UnsafeJsonError(f"nested deeper than {MAX_DEPTH} levels")


def refuse_lone_surrogates(text: str) -> None:
    """Stop text that cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnsafeJsonError(f"a lone surrogate at character {error.start}") from error


def _small_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or abs(int(digits)) >= MAX_INTEGER:
        raise UnsafeJsonError(f"an integer of 2^63 or more: {digits[:24]}")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise UnsafeJsonError(f"a number that is not finite: {digits[:24]}")
    return number


def _no_constant(name: str) -> Any:
    raise UnsafeJsonError(f"{name} is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UnsafeJsonError(f"the key {name!r} appears twice")
        found[name] = value
    return found
