"""How every office server starts: options, tools from marked methods, stdio."""

import argparse
import contextlib
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from desk.errors import OfficeError
from desk.files.roots import Roots

KEY_META = "ferryman/idempotency-key"
"""Where a client puts the idempotency key in the ``_meta`` of a call."""

Method = TypeVar("Method", bound=Callable[..., Any])

_MARK = "__tool_annotations__"
VERSION = "1.0.0"


def reads(method: Method) -> Method:
    """Mark a tool that changes nothing."""
    return _marked(method, read_only=True, destructive=False, idempotent=True)


def writes_once(method: Method) -> Method:
    """Mark a tool that adds or moves, and that a repeated idempotency key runs only once."""
    return _marked(method, read_only=False, destructive=False, idempotent=True)


def replaces_once(method: Method) -> Method:
    """Mark a tool that overwrites or removes something, once per idempotency key."""
    return _marked(method, read_only=False, destructive=True, idempotent=True)


def key_of(context: Context) -> str | None:
    """Return the idempotency key of the call being served, if the client sent one."""
    meta = context.request_context.meta
    key = meta.get(KEY_META) if meta else None
    if key is not None and not isinstance(key, str):
        raise OfficeError(f"_meta[{KEY_META!r}] is not a string.", hint="Send a string or nothing.")
    return key


@dataclass(frozen=True, slots=True)
class Setting:
    """What a server is told on its command line."""

    roots: Roots
    state: Path


def serve(namespace: str, instructions: str, build: Callable[[Setting], object]) -> None:
    """Serve the marked methods of what ``build`` returns, over stdio, until the client leaves."""
    try:
        setting = _setting(namespace)
        server = server_of(namespace, instructions, build(setting))
    except (OfficeError, OSError) as error:
        sys.exit(f"{namespace}: {error}")
    # Ctrl-C reaches the whole process group; the client is leaving as well.
    with contextlib.suppress(KeyboardInterrupt):
        server.run("stdio")


def server_of(namespace: str, instructions: str, tools: object) -> MCPServer:
    """Make an MCP server whose tools are the marked methods of an object, in written order."""
    server = MCPServer(namespace, instructions=instructions, version=VERSION, log_level="WARNING")
    for method in _marked_methods(tools):
        server.add_tool(
            _with_designed_errors(method),
            title=method.__name__.replace("_", " ").capitalize(),
            description=" ".join((inspect.getdoc(method) or "").split()),
            annotations=getattr(method, _MARK),
        )
    return server


def _setting(namespace: str) -> Setting:
    parser = argparse.ArgumentParser(prog=f"python -m desk.servers.{namespace}")
    parser.add_argument(
        "--root",
        action="append",
        required=True,
        metavar="DIR",
        help="an allowed folder; repeatable",
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the server keeps its own")
    options = parser.parse_args()
    roots = Roots.of(options.root)
    state = options.state or _default_state(namespace, roots)
    state.mkdir(parents=True, exist_ok=True)
    return Setting(roots=roots, state=state.resolve())


def _default_state(namespace: str, roots: Roots) -> Path:
    name = hashlib.sha256(str(roots.folders[0]).encode()).hexdigest()[:12]
    return Path.home() / ".local" / "state" / "ferryman" / f"{namespace}-{name}"


def _marked(method: Method, *, read_only: bool, destructive: bool, idempotent: bool) -> Method:
    annotations = ToolAnnotations(
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=False,
    )
    setattr(method, _MARK, annotations)
    return method


def _marked_methods(tools: object) -> Iterator[Callable[..., Any]]:
    for name, value in vars(type(tools)).items():
        if hasattr(value, _MARK):
            yield getattr(tools, name)


def _with_designed_errors(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except OfficeError as error:
            raise ToolError(str(error)) from error
        except OSError as error:
            place = f" ({error.filename!r})" if error.filename else ""
            raise ToolError(f"The disk refused: {error.strerror or error}{place}.") from error

    return call
