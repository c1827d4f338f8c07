"""Which of the operator's values nobody may see: found once, kept out of everything told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from orchestrator.core.redaction import Redactor, is_secret

_SCHEMES = frozenset({"basic", "bearer", "token", "apikey", "digest"})


class Telemetry(Protocol):
    """Where spans are sent, and as whose."""

    @property
    def endpoint(self) -> str:
        """The address of the collector."""
        ...

    @property
    def headers(self) -> SecretStr:
        """`name=value,name=value`."""
        ...

    @property
    def service(self) -> str:
        """The name that the spans are known by."""
        ...


class Operated(Protocol):
    """What of an operator's settings may hold secrets."""

    @property
    def servers(self) -> Mapping[str, Mapping[str, Any]]:
        """The `mcpServers` of the config file, filled in."""
        ...

    @property
    def api_key(self) -> SecretStr | None:
        """What the model server asks for."""
        ...

    @property
    def base_url(self) -> str:
        """Where the model server is."""
        ...

    @property
    def telemetry(self) -> Telemetry | None:
        """Where spans are sent."""
        ...


def redactor_of(settings: Operated) -> Redactor:
    """What takes the operator's secrets out of everything that is told or written down."""
    spans = settings.telemetry
    return redactor_for(
        settings.servers,
        keys=(settings.api_key,),
        addresses=(settings.base_url, spans.endpoint if spans else ""),
        headers=spans.headers.get_secret_value() if spans else "",
    )


def redactor_for(
    servers: Mapping[str, Mapping[str, Any]],
    *,
    keys: Iterable[SecretStr | None] = (),
    addresses: Iterable[str] = (),
    headers: str = "",
) -> Redactor:
    """A redactor of every secret that the operator gave.

    Args:
        servers: The `mcpServers` of the config file, filled in.
        keys: Values that are secret whatever they look like.
        addresses: Addresses that may have a password or a key in them.
        headers: Headers as OpenTelemetry's variables list them: `name=value,name=value`.
    """
    found = [key.get_secret_value() for key in keys if key is not None]
    for block in servers.values():
        found += _in_server(block)
    for address in addresses:
        found += _in_address(address)
    for name, _, value in (pair.partition("=") for pair in headers.split(",")):
        found += _of(name.strip(), unquote(value.strip()))
    return Redactor.of(found)


def _in_server(block: Mapping[str, Any]) -> Iterator[str]:
    for part in ("env", "headers"):
        for name, value in _pairs(block.get(part)):
            yield from _of(name, value)
    args = [str(arg) for arg in block.get("args") or ()]
    yield from _in_arguments(args)
    for text in (str(block.get("url") or ""), *args):
        yield from _of("", text)
        yield from _in_address(text)


def _in_arguments(args: Sequence[str]) -> Iterator[str]:
    """What an argument gives to a name: `--token VALUE`, `--token=VALUE`, `TOKEN=VALUE`."""
    for flag, value in pairwise(args):
        if flag.startswith("-") and "=" not in flag:
            yield from _of(flag.lstrip("-"), value)
    for arg in args:
        name, given, value = arg.lstrip("-").partition("=")
        if given:
            yield from _of(name, value)


def _pairs(given: Any) -> Iterator[tuple[str, str]]:
    if isinstance(given, Mapping):
        yield from ((str(name), str(value)) for name, value in given.items())


def _of(name: str, value: str) -> Iterator[str]:
    """The secrets of one named value: itself, without its scheme, and inside an address."""
    value = value.strip()
    scheme, _, rest = value.partition(" ")
    if is_secret(name, value):
        yield value
    if rest and scheme.lower() in _SCHEMES:
        yield rest.strip()
    yield from _in_address(value)


def _in_address(text: str) -> Iterator[str]:
    if "://" not in text:
        return
    try:
        parts = urlsplit(text)
        query = parse_qsl(parts.query)
    except ValueError:
        return
    _, _, password = parts.netloc.rpartition("@")[0].partition(":")
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    yield from (password, unquote(password))
    yield from (value for name, value in (("", user), *query) if is_secret(name, value))
    yield from (segment for segment in parts.path.split("/") if is_secret("", segment))
