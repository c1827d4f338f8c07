"""Keeps what an operator filled into a server's block out of every message about the server."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

REDACTED = "[redacted]"
_SHORTEST_VALUE = 6
"""Variables and headers often hold plain words and numbers; a short one is not a secret."""

_SHORTEST_NAMED = 4
"""A value that its name calls a secret; a shorter one stands in any text by chance."""

_SHORTEST_SEGMENT = 16
"""Some services put a key into the path; ordinary segments are shorter."""

_NAME = r"[^=:\s/]*(?:token|key|secret|passw|auth|credential)[^=:\s/]*"
_FLAG = re.compile(rf"-+{_NAME}", re.IGNORECASE)
_ASSIGNED = re.compile(rf"{_NAME}\s*[=:]\s*(.+)", re.IGNORECASE | re.DOTALL)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in a text, the longest first, so that none leaves its rest behind."""
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    if not longest_first:
        return text
    return re.sub("|".join(map(re.escape, longest_first)), REDACTED, text)


def secrets_in(
    *,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    url: str | None = None,
) -> frozenset[str]:
    """The values of one server's block that no message may repeat.

    These are the values of variables and headers, what an argument gives to a name such as
    `--token`, and the user, the query and the long path segments of every address.
    """
    values = [*(env or {}).values(), *(headers or {}).values()]
    named = [*_named(args), *(part for text in (url or "", *args) for part in _in_address(text))]
    return frozenset(
        [form for value in values for form in _forms(value) if len(form) >= _SHORTEST_VALUE]
        + [form for value in named for form in _forms(value) if len(form) >= _SHORTEST_NAMED]
    )


def host_of(url: str) -> str:
    """An address without what may be secret in it: its scheme, host and port."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _forms(value: str) -> Iterator[str]:
    """A value as a message may repeat it: whole, and without the scheme of an `Authorization`."""
    yield value.strip()
    yield from value.split()[1:][-1:]


def _named(args: Sequence[str]) -> Iterator[str]:
    yield from (value for flag, value in pairwise(args) if _FLAG.fullmatch(flag))
    yield from (found[1] for arg in args if (found := _ASSIGNED.fullmatch(arg)))


def _in_address(text: str) -> Iterator[str]:
    if "://" not in text:
        return
    parts = _split(text)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    raw = (pair.partition("=")[2] or pair for pair in parts.query.split("&"))
    for part in (user, password, *raw, *_long_segments(parts.path)):
        yield from (part, unquote(part))
    yield from (value for _, value in parse_qsl(parts.query))


def _long_segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if len(segment) >= _SHORTEST_SEGMENT]


def _split(url: str) -> SplitResult:
    """Split an address, taking one that breaks the rules for a path as a whole."""
    try:
        return urlsplit(url)
    except ValueError:
        scheme, _, rest = url.partition("://")
        return SplitResult(scheme, "", rest, "", "")
