"""A small well-behaved MCP server, over stdio or (with a port) streamable HTTP on loopback."""

import sys

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("good", log_level="ERROR")


class Sum(BaseModel):
    total: int


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> Sum:
    """Add two integers."""
    return Sum(total=a + b)


@server.tool(annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
def echo(text: str) -> str:
    """Say the text again."""
    return text


@server.tool(annotations=ToolAnnotations(destructive_hint=False, idempotent_hint=True))
def fail(reason: str) -> str:
    """Fail for the given reason."""
    raise ToolError(reason)


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def wait() -> str:
    """Wait for ever."""
    await anyio.sleep_forever()
    return "never"


@server.tool(name="dotted.name!", annotations=ToolAnnotations(open_world_hint=True))
def dotted() -> str:
    """Have a name that is not safe on every wire."""
    return "reached"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
