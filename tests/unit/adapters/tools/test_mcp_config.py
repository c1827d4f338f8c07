"""The usual mcpServers block is taken as it is, and what cannot work is refused."""

import pytest
from pydantic import ValidationError

from adapters.tools.mcp import McpServerConfig, McpToolset
from orchestrator.core.errors import SettingsError


@pytest.mark.parametrize(
    "block",
    [
        {
            "command": "/usr/bin/npx",
            "args": ["-y", "@scope/server", "/data"],
            "env": {"PORT": 3000},
        },
        {"type": "stdio", "command": "uvx", "args": [], "autoApprove": ["x"], "timeout": 60},
        {
            "type": "http",
            "url": "https://example.org/mcp",
            "headers": {"Authorization": "Bearer x"},
        },
        {"url": "http://127.0.0.1:8000/mcp", "transport": "streamable-http", "alwaysAllow": []},
        {"command": "x", "disabled": True, "description": "mine", "gallery": True, "enabled": True},
    ],
)
def test_blocks_as_they_are_pasted_are_taken(block):
    config = McpServerConfig.model_validate(block)
    assert config.where in {"npx", "uvx", "x", "https://example.org", "http://127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("block", "where"),
    [
        (
            {"command": "/opt/py/python3", "args": ["-m", "desk.files", "--root", "/h"]},
            "python3 -m desk.files",
        ),
        ({"command": "npx", "args": ["-y", "server", "--token", "canary"]}, "npx"),
        ({"url": "https://me:canary@host.org:8443/mcp?key=canary#canary"}, "https://host.org:8443"),
        ({"url": "https://[canary/mcp?key=canary"}, "https://"),
    ],
)
def test_a_message_tells_the_program_or_the_host_and_nothing_filled_in(block, where):
    assert McpServerConfig.model_validate(block).where == where


def test_numbers_in_the_environment_become_text():
    assert McpServerConfig(command="x", env={"PORT": 3000}).env == {"PORT": "3000"}


def test_a_server_that_is_not_enabled_is_disabled():
    assert McpServerConfig.model_validate({"command": "x", "enabled": False}).disabled


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({}, "either a command"),
        ({"command": "x", "url": "http://x"}, "either a command"),
        ({"comand": "x"}, "did you mean 'command'"),
        ({"command": "x", "polcy": {}}, "did you mean 'policy'"),
        ({"url": "ftp://x/y"}, "url"),
        ({"url": "http://x/sse", "type": "sse"}, "sse transport is retired"),
        ({"command": "x", "policy": {"a": "harmless"}}, "policy"),
        ({"command": "x", "timeout_s": 0}, "timeout_s"),
        ("npx server", "dict"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(block, words):
    with pytest.raises(ValidationError, match=words):
        McpServerConfig.model_validate(block)


@pytest.mark.parametrize("namespace", ["", "a.b", "two words", "1st", "ns/x"])
def test_a_namespace_that_no_tool_id_could_hold_is_refused(namespace):
    with pytest.raises(SettingsError, match="namespace"):
        McpToolset(namespace, McpServerConfig(command="x"))


@pytest.mark.anyio
async def test_a_disabled_server_is_not_started_and_offers_nothing():
    async with McpToolset("off", McpServerConfig(command="/nonexistent", disabled=True)) as off:
        assert off.specs == ()
