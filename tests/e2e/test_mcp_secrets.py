"""What a failing server says reaches the journal, and the operator's secrets do not."""

import sys
from pathlib import Path

import pytest

from adapters.tools.combined import CombinedToolset
from adapters.tools.mcp import McpServerConfig, McpToolset
from adapters.tools.mcp_lazy import LazyMcpToolset
from adapters.tools.mcp_manifest import ManifestCache
from adapters.tools.mcp_stdio import STDERR_TAIL_BYTES
from orchestrator.core.tools import ToolCall

pytestmark = pytest.mark.anyio

CANARY = "canary-5f2c9e81"
BAD = Path(__file__).parents[1] / "fakes" / "bad_server.py"
TELLTALE = """
import os, sys
sys.stderr.write(f"{os.environ['DSN']} is refused, started as {sys.argv}\\n")
sys.exit(3)
"""
FLOOD = f"""
import os, sys
sys.stderr.write(os.environ["DSN"] + "x" * ({STDERR_TAIL_BYTES} - 8))
sys.exit(3)
"""
BLOCKS = {
    "no program": {"command": "/nonexistent/server", "args": ["--token", CANARY]},
    "no host": {"url": f"http://127.0.0.1:9/mcp?key={CANARY}"},
    "last words": {
        "command": sys.executable,
        "args": ["-I", "-S", "-c", TELLTALE, "--api-key", CANARY],
        "env": {"DSN": f"{CANARY}-dsn"},
    },
    "cut last words": {
        "command": sys.executable,
        "args": ["-I", "-S", "-c", FLOOD],
        "env": {"DSN": CANARY},
    },
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
async def test_a_server_that_does_not_start_is_told_of_without_its_secrets(block, tmp_path):
    config = McpServerConfig.model_validate(block)
    members = [
        LazyMcpToolset("late", config, manifests=ManifestCache(tmp_path)),
        McpToolset("soon", config),
    ]
    async with CombinedToolset(members) as toolset:
        told = [error.message for error in toolset.unavailable.values()]
        outcome = await toolset.call(ToolCall(tool="soon.look", arguments={}))
    assert len(told) == len(members)
    for message in (*told, outcome.error):
        assert "did not start" in message
        assert CANARY not in message
        assert CANARY[-8:] not in message


async def test_last_words_keep_what_is_not_secret(tmp_path):
    config = McpServerConfig.model_validate(BLOCKS["last words"])
    async with CombinedToolset([McpToolset("soon", config)]) as toolset:
        message = toolset.unavailable["soon"].message
    assert "[redacted] is refused, started as ['-c', '--api-key', '[redacted]']" in message
    assert "It exited with code 3." in message


@pytest.mark.parametrize(
    ("mode", "name", "code", "secret"),
    [
        ("is_error", "look", "tool_failed", "no such file"),
        ("rpc_error", "look", "tool_failed", "bad argument"),
        ("crash", "look", "tool_unavailable", "Segmentation"),
        ("crash", "act", "tool_outcome_unknown", "Segmentation"),
    ],
)
async def test_a_failing_call_is_told_of_without_secrets(mode, name, code, secret):
    config = McpServerConfig(
        command=sys.executable, args=["-I", "-S", str(BAD), mode], env={"WORDS": secret}
    )
    async with McpToolset("bad", config) as toolset:
        outcome = await toolset.call(ToolCall(tool=f"bad.{name}", arguments={}))
    assert outcome.code == code
    assert "[redacted]" in outcome.error
    assert secret not in outcome.error
