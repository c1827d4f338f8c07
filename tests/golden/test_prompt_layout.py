"""The planner's whole transcript of the main job, letter by letter, as it was agreed on."""

from pathlib import Path

import pytest

from tests.fakes.office import Office, entries_of, screenshot_script, screenshots

pytestmark = pytest.mark.anyio

GOLDEN = Path(__file__).parent / "planner_transcript.txt"


async def transcript():
    """The last request of the main job and its reply: everything the planner has read and said."""
    office = Office(images=screenshots())
    entries = await entries_of(office.orchestrator(screenshot_script()).stream(office.request()))
    state = (await office.orchestrator([]).result(entries[0].run_id)).state
    return "\n".join(f"=== {turn.role}\n{turn.content}" for turn in state.transcript) + "\n"


async def test_the_planners_transcript_is_the_one_that_was_agreed_on(tmp_path):
    now = await transcript()
    new = tmp_path / GOLDEN.name
    new.write_text(now, encoding="utf-8")
    assert now == GOLDEN.read_text(encoding="utf-8"), f"if it is meant, take {new}"


async def test_it_is_the_same_in_every_run():
    assert await transcript() == await transcript()
