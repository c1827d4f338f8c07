"""The keys of the service: who is asking, and what they may do.

A key is 32 random bytes, so its SHA-256 is as good as a slow hash: there is nothing to guess, and
a slow hash would only give whoever sends wrong keys a way to keep the machine busy.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import SettingsError

Scope = Literal["run", "approve", "admin"]
SCOPES: frozenset[Scope] = frozenset(get_args(Scope))
PREFIX = "fm_"
_RANDOM_BYTES = 32
_NAME = r"^[\w.@-]{1,64}$"
_TENANT = r"^[\w.@-]{0,64}$"


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the key's name, the tenant whose runs it sees, what it may do.

    `admin` includes every other scope; it never reaches beyond its own tenant.
    """

    name: str
    tenant: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the caller has the scope."""
        return scope in self.scopes or "admin" in self.scopes


LOCAL = Caller("local", "", SCOPES)
"""Whoever asks on this machine while the service has no keys."""


class Key(Frozen):
    """A key as it is kept: everything but the key itself."""

    name: str = Field(pattern=_NAME)
    tenant: str = Field(default="", pattern=_TENANT)
    scopes: tuple[Scope, ...]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: datetime
    revoked: datetime | None = None


class _KeyFile(Frozen):
    keys: tuple[Key, ...] = ()


class Keyring:
    """Tells callers by their keys; a change of the file holds from the next request on.

    Once there was a key, revoked or not, nobody is let in without one: to revoke the last key
    or to lose the file must not open the service.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] | None = None
        self._keys: tuple[Key, ...] = ()
        self._required = False

    @property
    def required(self) -> bool:
        """Whether a caller needs a key."""
        self._reload()
        return self._required

    def demand(self) -> None:
        """Let nobody in without a key from now on, whether there are keys or not."""
        self._required = True

    def listed(self) -> tuple[Key, ...]:
        """Every key, in the order in which they were made.

        Raises:
            SettingsError: The file cannot be read.
        """
        self._reload()
        return self._keys

    def caller(self, token: str) -> Caller | None:
        """Who holds this key; None for a key that is unknown or was revoked.

        Every key is compared, in constant time each.
        """
        self._reload()
        if not self._required:
            return LOCAL
        presented = digest_of(token)
        fits = [key for key in self._keys if hmac.compare_digest(key.sha256, presented)]
        for key in fits:
            if key.revoked is None:
                return Caller(key.name, key.tenant, frozenset(key.scopes))
        return None

    def add(self, name: str, *, tenant: str, scopes: Sequence[Scope], now: datetime) -> str:
        """Make a key and give it; it cannot be read again.

        Raises:
            SettingsError: The name is in use or unfit, or the file cannot be written.
        """
        if any(key.name == name and key.revoked is None for key in self.listed()):
            raise SettingsError(
                f"There is a key named {name!r} already.",
                hint=f"Choose another name, or `ferryman keys revoke {name}` first.",
            )
        token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        try:
            key = Key(
                name=name,
                tenant=tenant,
                scopes=tuple(scopes),
                sha256=digest_of(token),
                created=now,
            )
        except ValidationError as error:
            field, written = error.errors()[0]["loc"][0], error.errors()[0]["input"]
            raise SettingsError(
                f"The {field} of a key cannot be {written!r}.",
                hint="Use up to 64 letters, digits and . _ @ -",
            ) from error
        self._write((*self._keys, key))
        return token

    def revoke(self, name: str, *, now: datetime) -> None:
        """Take a key back; it stays listed.

        Raises:
            SettingsError: There is no such key, or the file cannot be written.
        """
        if not any(key.name == name and key.revoked is None for key in self.listed()):
            raise SettingsError(
                f"There is no key named {name!r}.", hint="`ferryman keys list` has them."
            )
        self._write(
            tuple(
                key.model_copy(update={"revoked": now})
                if key.name == name and key.revoked is None
                else key
                for key in self._keys
            )
        )

    def _reload(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._keys, self._seen = (), None
            return
        except OSError as error:
            raise _unreadable(self.path, error.strerror or "") from error
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen == self._seen:
            return
        self._required = True
        self._keys = _read(self.path)
        self._seen = seen

    def _write(self, keys: tuple[Key, ...]) -> None:
        text = json.dumps(_KeyFile(keys=keys).model_dump(mode="json"), indent=2) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A new file of mkstemp can be read by its owner only.
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError as error:
            raise SettingsError(
                f"The keys cannot be written to {self.path}: {error.strerror}.",
                hint="Make its folder writable, or set FERRYMAN_KEYS to another file.",
            ) from error
        self._reload()


def digest_of(token: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> tuple[Key, ...]:
    try:
        return _KeyFile.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from error
    except ValidationError as error:
        raise _unreadable(path, "it is not a file of keys") from error


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"The keys in {path} cannot be read: {why}.",
        hint="Correct the file or move it away; `ferryman keys add` makes a new one.",
    )
