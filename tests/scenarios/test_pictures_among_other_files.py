"""A step that reads the pictures of a folder reads no folder and no letter beside them."""

import pytest

from tests.fakes.office import DESKTOP, LIST, PROFILE, READ, Office, act, entries_of, plan, step

pytestmark = pytest.mark.anyio

MENDING = PROFILE.model_copy(update={"mends_plans": True})


async def test_every_picture_is_read_and_nothing_else():
    images = {f"{DESKTOP}/b.png": "Bike", f"{DESKTOP}/c.png": "Car"}
    office = Office(files=[f"{DESKTOP}/a.txt"], images=images, profile=MENDING)
    asked = plan(
        step("s1", "list the files on the Desktop", "filesystem"),
        step("s2", "read all files", "ocr", over="s1"),
    )
    script = [asked, *act(LIST, path="$folder.Desktop"), *act(READ, path="$s1.path")]
    request = office.request("Read the photos on the Desktop.")
    entries = await entries_of(office.orchestrator(script).stream(request))
    assert [call["path"] for call in office.desk.called(READ)] == sorted(images)
    assert entries[-1].event.status == "completed"
