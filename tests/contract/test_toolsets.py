"""Every toolset and every fake keeps the contract of the port."""

import socket
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
import uvicorn
from typing_extensions import TypedDict

from adapters.tools.combined import CombinedToolset
from adapters.tools.functions import FunctionToolset, tool
from adapters.tools.mcp import McpServerConfig, McpToolset
from adapters.tools.mcp_lazy import LazyMcpToolset
from adapters.tools.mcp_manifest import ManifestCache
from orchestrator.core.errors import ToolFailed
from tests.contract.toolset import ToolsetContract
from tests.fakes import good_server
from tests.fakes.tools import InMemoryToolset
from tests.fakes.tools import tool as in_memory

SERVER = Path(good_server.__file__)
TIMEOUT_S = 1.5


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


class Total(TypedDict):
    total: int


class Text(TypedDict):
    text: str


@tool("read")
async def add(a: int, b: int) -> Total:
    """Add two integers."""
    return {"total": a + b}


@tool("read")
def echo(text: str) -> Text:
    """Say the text again."""
    return {"text": text}


@tool("local_write", idempotent=True)
def fail(reason: str) -> str:
    """Fail for the given reason."""
    raise LookupError(reason)


@tool("read")
async def wait() -> str:
    """Wait for ever."""
    await anyio.sleep_forever()
    return "never"


def functions():
    return FunctionToolset("fn", [add, echo, fail, wait], timeout_s=TIMEOUT_S)


def lazy(folder):
    config = McpServerConfig(command=sys.executable, args=[str(SERVER)], timeout_s=TIMEOUT_S)
    return LazyMcpToolset("good", config, manifests=ManifestCache(folder))


def in_memory_tools():
    def fails(reason):
        raise ToolFailed(reason)

    return [
        in_memory("m.add", "Add.", lambda a, b: {"total": a + b}, a="integer", b="integer"),
        in_memory("m.echo", "Echo.", lambda text: {"text": text}, text="string"),
        in_memory("m.fail", "Fail.", fails, effect="local_write", idempotent=True, reason="string"),
        in_memory("m.wait", "Wait.", anyio.sleep_forever),
    ]


@contextmanager
def served():
    """Serve the good server on loopback; the socket listens before the server runs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        app = good_server.build().streamable_http_app(host="127.0.0.1")
        options = uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(options)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


class TestFunctions(ToolsetContract):
    @pytest.fixture
    def toolset(self):
        return functions()


class TestInMemory(ToolsetContract):
    @pytest.fixture
    def toolset(self):
        return InMemoryToolset(in_memory_tools(), timeout_s=TIMEOUT_S)


class TestMcpOverStdio(ToolsetContract):
    @pytest.fixture(scope="class")
    async def toolset(self):
        config = McpServerConfig(command=sys.executable, args=[str(SERVER)], timeout_s=TIMEOUT_S)
        async with McpToolset("good", config) as toolset:
            yield toolset


class TestMcpWithoutManifest(ToolsetContract):
    @pytest.fixture(scope="class")
    async def toolset(self, tmp_path_factory):
        async with lazy(tmp_path_factory.mktemp("manifests")) as toolset:
            yield toolset


class TestMcpFromManifest(ToolsetContract):
    @pytest.fixture(scope="class")
    async def toolset(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("manifests")
        async with lazy(folder):
            pass
        async with lazy(folder) as toolset:
            yield toolset


class TestMcpOverHttp(ToolsetContract):
    @pytest.fixture(scope="class")
    async def toolset(self):
        with served() as url:
            config = McpServerConfig(url=url, timeout_s=TIMEOUT_S)
            async with McpToolset("web", config) as toolset:
                yield toolset


class TestCombined(ToolsetContract):
    @pytest.fixture
    async def toolset(self):
        other = InMemoryToolset([in_memory("n.other", "Other.", dict)])
        async with CombinedToolset([functions(), other]) as toolset:
            yield toolset
