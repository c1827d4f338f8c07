"""What a run did not do can be done by going on with it: larger limits, mended tools."""

import pytest

from orchestrator.core.errors import RunConflict
from orchestrator.core.events import CallSettled, RunEnded
from orchestrator.core.runs import Budget
from tests.fakes.office import (
    DESKTOP,
    RENAME,
    Office,
    described,
    entries_of,
    events,
    screenshot_script,
    screenshots,
)
from tests.fakes.tools import InMemoryToolset, filesystem, ocr

pytestmark = pytest.mark.anyio


def status(entries):
    return events(entries, RunEnded)[-1].status


async def test_a_stopped_run_goes_on_with_a_larger_budget():
    office = Office(images=screenshots())
    script = screenshot_script()
    request = office.request(budget=Budget(tool_calls=4))
    first = await entries_of(office.orchestrator(script).stream(request))
    assert status(first) == "stopped"
    # The proposal that was refused is decided anew, in its two stages.
    more = office.orchestrator(script[len(office.planner.requests) - 2 :])
    second = await entries_of(more.resume(first[0].run_id, approve="yes", budget=Budget()))
    assert status(second) == "completed"
    assert not [name for name in office.names if name.startswith("screenshot")]


async def test_a_run_that_asked_nothing_takes_no_answer():
    office = Office(images=screenshots())
    request = office.request(approve="ask")
    first = await entries_of(office.orchestrator(screenshot_script()).stream(request))
    assert status(first) == "waiting_approval"
    with pytest.raises(RunConflict, match="asked no question"):
        await entries_of(office.orchestrator([]).resume(first[0].run_id, answer="blue"))


async def test_stopping_to_watch_at_the_end_leaves_a_completed_run_completed():
    office = Office(images=screenshots())
    orchestrator = office.orchestrator(screenshot_script())
    stream = orchestrator.stream(office.request())
    async for entry in stream:
        run_id = entry.run_id
        if isinstance(entry.event, RunEnded):
            break
    await stream.aclose()
    assert (await orchestrator.result(run_id)).status == "completed"


async def test_every_call_of_the_main_job_settles_once():
    office = Office(images=screenshots())
    entries = await entries_of(office.orchestrator(screenshot_script()).stream(office.request()))
    ids = [event.id for event in events(entries, CallSettled)]
    assert len(ids) == len(set(ids))


async def test_an_item_that_failed_is_done_later_and_every_name_keeps_its_file():
    images = screenshots()
    broken = min(images)
    readable = {path: text for path, text in images.items() if path != broken}
    office = Office(images=readable, files=[broken])
    first = await entries_of(office.orchestrator().stream(office.request()))
    assert status(first) == "incomplete"
    assert [name for name in office.names if name.startswith("screenshot")] == [
        broken.removeprefix(f"{DESKTOP}/")
    ]
    mended = InMemoryToolset(
        [described(pair) for pair in (*filesystem(office.files), *ocr(images))]
    )
    again = office.orchestrator(toolset=mended).resume(first[0].run_id, approve="yes")
    assert status(await entries_of(again)) == "completed"
    assert not [name for name in office.names if name.startswith("screenshot")]
    assert [arguments["path"] for arguments in mended.called(RENAME)] == [broken]
