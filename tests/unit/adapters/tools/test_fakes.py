"""The office in memory behaves as the real one does where scenarios depend on it."""

import pytest

from orchestrator.core.tools import ToolCall
from tests.fakes.tools import InMemoryFiles, InMemoryToolset, filesystem, ocr

pytestmark = pytest.mark.anyio


@pytest.fixture
def files():
    return InMemoryFiles({"/desk/a b.png": "123", "/desk/n.txt": "", "/other/c.png": ""})


@pytest.fixture
def office(files):
    return InMemoryToolset([*filesystem(files), *ocr({"/desk/a b.png": "Invoice 42"})])


async def ask(office, tool, **arguments):
    return await office.call(ToolCall(tool=tool, arguments=arguments))


async def test_listing_reading_and_renaming_work_together(office, files):
    listed = await ask(office, "filesystem.list_dir", path="/desk")
    first = listed.data["entries"][0]
    assert first == {"name": "a b.png", "path": "/desk/a b.png", "size": 3}
    read = await ask(office, "ocr.extract_text_from_image", path=first["path"])
    assert read.data == {"text": "Invoice 42"}
    renamed = await ask(
        office, "filesystem.rename_file", path=first["path"], new_name="invoice-42.png"
    )
    assert renamed.data["new_path"] == "/desk/invoice-42.png"
    assert sorted(files.content) == ["/desk/invoice-42.png", "/desk/n.txt", "/other/c.png"]
    assert office.called("filesystem.list_dir") == [{"path": "/desk"}]
    assert len(office.calls) == 3


async def test_a_search_stays_in_its_folder(office):
    found = await ask(office, "filesystem.search_files", path="/desk", pattern="*.png")
    assert [entry["name"] for entry in found.data["entries"]] == ["a b.png"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("filesystem.list_dir", {"path": "/nowhere"}),
        ("filesystem.rename_file", {"path": "/desk/gone", "new_name": "x"}),
        ("filesystem.rename_file", {"path": "/desk/n.txt", "new_name": "a b.png"}),
        ("filesystem.rename_file", {"path": "/desk/n.txt", "new_name": "../n.txt"}),
        ("ocr.extract_text_from_image", {"path": "/desk/n.txt"}),
        ("ocr.extract_text_from_image", {"file": "/desk/n.txt"}),
    ],
)
async def test_what_cannot_be_done_fails(office, tool, arguments):
    outcome = await ask(office, tool, **arguments)
    assert (outcome.ok, outcome.code) == (False, "tool_failed")
