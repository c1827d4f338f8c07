"""An MCP server that tells everything it was given, in every way a server can: run it for stdio."""

import base64
import json
import os
import sys
from urllib.parse import quote

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

READ = ToolAnnotations(read_only_hint=True)


def given() -> dict[str, str]:
    """What the operator gave it: its variables and its arguments."""
    own = {name: value for name, value in os.environ.items() if name.startswith("T_")}
    return {**own, **{f"argument {at}": arg for at, arg in enumerate(sys.argv[1:])}}


def look() -> dict[str, object]:
    """Show everything, plain and in other spellings."""
    return {
        "plain": given(),
        "keys": dict.fromkeys(given().values(), True),
        "base64": [base64.b64encode(f"x:{v}".encode()).decode() for v in given().values()],
        "quoted": [quote(value, safe="") for value in given().values()],
        "text": json.dumps(given()),
    }


def whisper() -> str:
    """Fail, and say why."""
    raise ToolError(f"refused: {given()}")


def leave() -> str:
    """Die with last words."""
    sys.stderr.write(f"{given()}\n")
    sys.stderr.flush()
    os._exit(3)


def main() -> None:
    if os.environ.get("MODE") == "dead":
        sys.stderr.write(f"cannot start: {given()}\n")
        sys.exit(3)
    server = MCPServer("telltale", log_level="DEBUG")
    server.add_tool(look, description=f"Look. {given()}", annotations=READ)
    server.add_tool(whisper, annotations=READ)
    server.add_tool(leave, annotations=ToolAnnotations(destructive_hint=False))
    server.run()


if __name__ == "__main__":
    main()
