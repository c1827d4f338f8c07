"""Tell whether a value is what a case expects, with the tolerance that people have."""

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from desk.suite.cases import Match


def misses(match: Match, value: object) -> str:
    """Say what about a value is not as expected; "" when all of it is."""
    text = folded(" ".join(leaves(value)))
    if match.equals is not None and not _equal(match.equals, value):
        return f"is not {match.equals!r}"
    for part in match.contains:
        if folded(part) not in text:
            return f"does not contain {part!r}"
    for part in match.lacks:
        if folded(part) in text:
            return f"contains {part!r}"
    if match.any_of and not any(folded(part) in text for part in match.any_of):
        return f"contains none of {', '.join(map(repr, match.any_of))}"
    if match.pattern and not re.search(match.pattern, text, re.IGNORECASE):
        return f"does not fit the pattern {match.pattern!r}"
    return ""


def leaves(value: object) -> Iterator[str]:
    """The texts and numbers of a value in their order, as texts."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield str(value)


def folded(text: str) -> str:
    """A text without case and with its white space folded."""
    return " ".join(text.split()).casefold()


def placed(match: Match, office: str) -> Match:
    """Put the office's folder where a match says `{office}`."""
    if "{office}" not in match.model_dump_json():
        return match
    return Match.model_validate(_placed(match.model_dump(), office))


def _placed(value: JsonValue, office: str) -> JsonValue:
    if isinstance(value, str):
        return value.replace("{office}", office)
    if isinstance(value, dict):
        return {name: _placed(item, office) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_placed(item, office) for item in value]
    return value


def _equal(wanted: JsonValue, value: object) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        return folded(wanted) == folded(value)
    if isinstance(wanted, list) and isinstance(value, list | tuple):
        pairs = zip(wanted, value, strict=False)
        return len(wanted) == len(value) and all(_equal(a, b) for a, b in pairs)
    if isinstance(wanted, str) or isinstance(value, str):
        return folded(str(wanted)) == folded(str(value))
    return wanted == value
