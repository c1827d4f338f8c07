"""Keeps secrets out of everything that is written down or told: by their value and by their name.

A value that is known to be secret is taken out wherever it stands, also base64-, URL- or
JSON-encoded. A field whose name says that it is secret is masked where nobody needs its value,
in logs and traces.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
SHORTEST = 8
"""A shorter value stands in any text by chance, and taking it out would damage results."""

_LONG_RUN = 16
"""Keys are long runs of letters and digits; words, names and versions have shorter ones."""

_NAMES = re.compile(
    r"token$|secret|passw|pwd|passphrase|auth|credential|cookie|bearer|signature|dsn$"
    r"|(api|access|private|signing|encryption)[-_]?key|(^|[-_.])(key|pat)$",
    re.IGNORECASE,
)
_RUNS = re.compile(r"[A-Za-z0-9+/=]+")
_PLACES = ("/", "~", ".", "\\")


def says_secret(name: str) -> bool:
    """Whether the name of a variable, header or field says that its value is secret."""
    return bool(_NAMES.search(name))


def is_secret(name: str, value: str) -> bool:
    """Whether a value must never be seen: by its name, or because it looks like a key.

    Ordinary settings (folders, words, numbers, addresses) are none, so that a result that
    mentions them stays as it is.
    """
    if len(value) < SHORTEST or value.startswith(_PLACES):
        return False
    return (says_secret(name) and not _is_word(value)) or _looks_like_a_key(value)


def _is_word(value: str) -> bool:
    return value.isalpha() and value.islower() and len(value) < _LONG_RUN


def _looks_like_a_key(value: str) -> bool:
    if "://" in value or "\\" in value or any(char.isspace() for char in value):
        return False
    long = (run for run in _RUNS.findall(value) if len(run) >= _LONG_RUN)
    return any(_is_mixed(run) for run in long)


def _is_mixed(run: str) -> bool:
    return any(char.isdigit() for char in run) and any(char.isalpha() for char in run)


@dataclass(frozen=True)
class Redactor:
    """Takes known secrets out of texts and values.

    Args:
        secrets: Values that nobody may see; shorter ones than `SHORTEST` are left out.
    """

    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, values: Iterable[str]) -> "Redactor":
        """A redactor of these values."""
        return cls(frozenset(values))

    @property
    def idle(self) -> bool:
        """Whether there is nothing to take out."""
        return not self.forms

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """Every way in which the secrets may be spelt, the longest first."""
        known = (secret for secret in self.secrets if len(secret) >= SHORTEST)
        spelt = {form for secret in known for form in _forms(secret)}
        return tuple(sorted(spelt, key=lambda form: (-len(form), form)))

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """What finds any of the forms; None where there are none."""
        return re.compile("|".join(map(re.escape, self.forms))) if self.forms else None

    def text(self, text: str) -> str:
        """The text without any secret."""
        return self.pattern.sub(REDACTED, text) if self.pattern else text

    def value(self, value: Any) -> Any:
        """A JSON value without any secret; the very same object where it holds none."""
        if self.pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            pairs = [(self.text(str(key)), self.value(part)) for key, part in value.items()]
            return _same(value, dict(pairs))
        if isinstance(value, list | tuple):
            return _same(value, type(value)(self.value(part) for part in value))
        return value

    def fields(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a log line or a span, with what is secret by name masked as a whole."""
        return {key: self._field(key, value) for key, value in said.items()}

    def _field(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and value and says_secret(key):
            return REDACTED
        if isinstance(value, Mapping):
            return self.fields({str(name): part for name, part in value.items()})
        return self.value(value)

    def error(self, error: BaseException) -> None:
        """Take the secrets out of an error's own words, and a cause that repeats one off it."""
        error.args = self.value(error.args)
        for name, said in vars(error).items():
            setattr(error, name, self.value(said))
        if any(self.text(str(cause)) != str(cause) for cause in _causes(error)):
            error.__cause__ = error.__context__ = None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    near = [error.__cause__, error.__context__]
    while near:
        cause = near.pop()
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            near += [cause.__cause__, cause.__context__]


def _same(old: Any, new: Any) -> Any:
    return old if new == old else new


def _forms(secret: str) -> Iterator[str]:
    """A secret as it stands in texts, in addresses, in JSON, and inside base64 at any offset."""
    data = secret.encode("utf-8", "surrogatepass")
    yield secret
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield quoted
        yield re.sub("%..", lambda match: match[0].lower(), quoted)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for offset in range(3):
        inner = _within_base64(data, offset)
        if len(inner) >= SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def _within_base64(data: bytes, offset: int) -> str:
    """The characters that only the data decides, where it begins at that offset of a triple."""
    text = base64.b64encode(b"\0" * offset + data).decode()
    first = (offset * 8 + 5) // 6
    whole = (offset + len(data)) * 8 // 6
    return text[first:whole]
