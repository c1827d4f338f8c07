"""A small well-behaved MCP server: run it for stdio, or build it and serve its HTTP app."""

from typing import Annotated

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

READ = ToolAnnotations(read_only_hint=True)


class Sum(BaseModel):
    total: int


def add(a: int, b: Annotated[int, Field(description="The second number.")]) -> Sum:
    """Add two integers."""
    return Sum(total=a + b)


def echo(text: str) -> str:
    """Say the text again."""
    return text


def fail(reason: str) -> str:
    """Fail for the given reason."""
    raise ToolError(reason)


async def wait() -> str:
    """Wait for ever."""
    await anyio.sleep_forever()
    return "never"


def dotted() -> str:
    """Have a name that is not safe on every wire."""
    return "reached"


def build() -> MCPServer:
    server = MCPServer("good", log_level="ERROR")
    server.add_tool(add, annotations=READ)
    server.add_tool(echo, annotations=READ, structured_output=False)
    harmless = ToolAnnotations(destructive_hint=False, idempotent_hint=True)
    server.add_tool(fail, annotations=harmless)
    server.add_tool(wait, annotations=READ)
    server.add_tool(dotted, name="dotted.name!", annotations=ToolAnnotations(open_world_hint=True))
    return server


if __name__ == "__main__":
    build().run()
