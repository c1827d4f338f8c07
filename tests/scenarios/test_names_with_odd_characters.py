"""Files are named in every way people name them; each name travels untouched."""

import pytest

from orchestrator.core.events import CallIntended
from tests.fakes.office import (
    DESKTOP,
    READ,
    RENAME,
    Office,
    entries_of,
    events,
    screenshot_script,
)

pytestmark = pytest.mark.anyio

ODD = [
    "screenshot of mum & dad.png",
    "screenshot \"quoted\" 'twice'.png",
    "screenshot übergröße 日本語 🙂.png",
    "screenshot $s1.path.png",
    "screenshot $folder.Desktop.png",
    "screenshot {{ note }}.png",
    "screenshot; rm -rf ~.png",
    "screenshot\ttab.png",
    "screenshot\nnew line.png",
    "screenshot  two  spaces.png",
    "screenshot e\u0301.png",
    "screenshot \u00e9.png",
    "screenshot \\ backslash.png",
    "screenshot .png",
]


async def run_over(names):
    images = {f"{DESKTOP}/{name}": f"subject number {100 + n}" for n, name in enumerate(names)}
    office = Office(images=images)
    entries = await entries_of(office.orchestrator(screenshot_script()).stream(office.request()))
    return office, images, entries


async def test_every_file_is_read_and_renamed_under_its_exact_name():
    office, images, entries = await run_over(ODD)
    assert entries[-1].event.status == "completed", entries[-1].event.error
    assert sorted(call["path"] for call in office.desk.called(READ)) == sorted(images)
    assert sorted(call["path"] for call in office.desk.called(RENAME)) == sorted(images)
    assert not [name for name in office.names if name.startswith("screenshot")]


@pytest.mark.parametrize("name", ODD)
async def test_one_alone_is_read_and_renamed(name):
    office, _, entries = await run_over([name])
    assert entries[-1].event.status == "completed", entries[-1].event.error
    assert office.names == ["subject-number-100"]


async def test_names_that_differ_in_blanks_only_are_different_files():
    office, images, _ = await run_over(["screenshot a b.png", "screenshot a  b.png"])
    assert sorted(call["path"] for call in office.desk.called(READ)) == sorted(images)


async def test_the_journal_holds_the_exact_names():
    office, images, entries = await run_over(ODD)
    read = [e.call.arguments["path"] for e in events(entries, CallIntended) if e.call.tool == READ]
    assert sorted(read) == sorted(images)
    again = await office.orchestrator([]).result(entries[0].run_id)
    assert {call.outcome.ok for call in again.state.settled} == {True}
