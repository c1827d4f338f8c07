"""Every server of the sample office starts, lists its tools well, and answers over stdio."""

import json
import os
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
import yaml
from mcp import StdioServerParameters, stdio_client
from mcp.client.client import Client

from desk.samples import make_office

pytestmark = [pytest.mark.anyio, pytest.mark.desk]

REPOSITORY = Path(__file__).parents[2]
SECONDS = 90
EGRESS = {"fetch"}


def blocks(office, state):
    text = (REPOSITORY / "desk" / "office.yaml").read_text()
    for name, value in {"OFFICE": office, "STATE": state, "PYTHON": sys.executable}.items():
        text = text.replace(f"${{{name}}}", str(value))
    found = yaml.safe_load(text)["mcpServers"]
    if shutil.which("git") is None:
        # Without a git program its server cannot run; the others are enough.
        del found["git"]
    return found


def parameters(block):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    return StdioServerParameters(
        command=block["command"],
        args=block["args"],
        env={**environment, **block.get("env", {})},
    )


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    return make_office(tmp_path_factory.mktemp("desk") / "office", seed=7, screenshots=2)


@pytest.fixture(scope="module")
def catalogue(office, tmp_path_factory):
    return blocks(office.root, tmp_path_factory.mktemp("state"))


async def call(client, tool, **arguments):
    return await client.call_tool(tool, arguments, read_timeout_seconds=SECONDS)


async def test_the_catalogue_holds_fifty_nine_tools_in_thirteen_namespaces(catalogue):
    tools = {}

    async def read(namespace, block):
        async with Client(stdio_client(parameters(block))) as client:
            tools[namespace] = (await client.list_tools()).tools

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            for namespace, block in catalogue.items():
                group.start_soon(read, namespace, block)

    names = [f"{namespace}.{tool.name}" for namespace in tools for tool in tools[namespace]]
    assert len(tools) >= 13
    assert len(names) >= 59
    assert len(set(names)) == len(names)
    for namespace, listed in tools.items():
        for tool in listed:
            assert tool.description, tool.name
            assert tool.input_schema["type"] == "object", tool.name
            assert tool.annotations is not None, tool.name
            assert tool.annotations.open_world_hint is (namespace in EGRESS), tool.name
            if "mcp_server_" not in str(catalogue[namespace]):
                properties = tool.input_schema["properties"].values()
                assert all(value.get("description") for value in properties), tool.name
                assert tool.output_schema["type"] == "object", tool.name


async def test_a_screenshot_is_listed_read_renamed_once_and_bad_input_is_explained(
    office, catalogue
):
    async with AsyncExitStack() as stack:
        filesystem, ocr = [
            await stack.enter_async_context(Client(stdio_client(parameters(catalogue[name]))))
            for name in ("filesystem", "ocr")
        ]
        listing = (await call(filesystem, "list_dir", path=str(office.desktop))).structured_content
        screenshots = [e for e in listing["entries"] if e["name"].startswith("Screenshot")]
        shot = office.screenshots[0]
        assert [e["path"] for e in screenshots] == [str(s.path) for s in office.screenshots]
        assert {e["type"] for e in screenshots} == {"image"}

        reading = await call(ocr, "extract_text_from_image", path=str(shot.path))
        text = reading.structured_content["text"].lower()
        found = [word for word in shot.words if word in text]
        assert len(found) >= 0.9 * len(shot.words)
        assert json.loads(reading.content[0].text) == reading.structured_content

        for tool, path, why in (
            ("extract_text_from_image", office.desktop / "notes.txt", "not a picture"),
            ("extract_text_from_image", office.desktop / "missing.png", "does not exist"),
            ("extract_text_from_pdf", shot.path, "not a PDF"),
        ):
            refused = await call(ocr, tool, path=str(path))
            assert refused.is_error
            assert why in refused.content[0].text

        arguments = {"path": str(shot.path), "new_name": shot.kind}
        meta = {"ferryman/idempotency-key": "run/1"}
        first = await filesystem.call_tool("rename_file", arguments, meta=meta)
        again = await filesystem.call_tool("rename_file", arguments, meta=meta)
        assert first.structured_content == again.structured_content
        assert first.structured_content["new_name"] == f"{shot.kind}.png"
        assert first.structured_content["new_path"] in {str(p) for p in office.desktop.iterdir()}

        outside = await call(filesystem, "list_dir", path="/etc")
        assert outside.is_error
        assert str(office.root) in outside.content[0].text


async def test_a_server_without_a_root_says_so_and_ends():
    done = await anyio.run_process(
        [sys.executable, "-m", "desk.servers.filesystem", "--root", "/missing"],
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 1
    assert "'/missing' is not a folder" in done.stderr.decode()
