"""A run may rest after its plan, and be cancelled at any moment: its journal says where it is."""

import asyncio

import pytest

from adapters.backends.scripted import Said
from orchestrator.core.chat import ChatReply
from orchestrator.core.errors import BackendUnavailable
from orchestrator.core.events import RunEnded, ToolsDisclosed
from orchestrator.graph.context import Player
from tests.fakes.office import (
    LIST,
    PROFILE,
    READ,
    RENAME,
    SCREENSHOT_PLAN,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

LISTS = plan(step("s1", "list the files on the Desktop", "filesystem"))


async def test_a_plan_alone_calls_no_tool_and_can_be_carried_out_later():
    office = Office(images=screenshots(2))
    planned = office.orchestrator([SCREENSHOT_PLAN])
    entries = await entries_of(planned.stream(office.request(), plan_only=True))
    assert entries[-1].event.status == "planned"
    assert office.desk.calls == []
    later = office.orchestrator(screenshot_script()[1:])
    more = await entries_of(later.resume(entries[0].run_id, approve="yes"))
    assert more[-1].event.status == "completed"
    assert len(office.desk.called(RENAME)) == 2


def office_that_waits(begun):
    """Reading a picture here takes for ever."""

    async def wait(path):
        begun.set()
        await asyncio.Event().wait()

    return Office(images=screenshots(1), more=[tool(READ, "Read the text.", wait, path="string")])


async def test_a_cancelled_run_says_so_and_is_not_taken_up_with_another_tool():
    begun = asyncio.Event()
    office = office_that_waits(begun)
    orchestrator = office.orchestrator(screenshot_script())
    working = asyncio.create_task(orchestrator.run(office.request(), run_id="mine"))
    await begun.wait()
    assert await orchestrator.cancel("mine")
    with pytest.raises(asyncio.CancelledError):
        await working
    result = await orchestrator.result("mine")
    assert (result.status, result.error_code) == ("cancelled", "run_cancelled")
    office.desk = Office(images=screenshots(1)).desk
    again = office.orchestrator(screenshot_script()[5:])
    with pytest.raises(Exception, match="is not what it was"):
        await entries_of(again.resume("mine", approve="yes"))


async def test_only_a_run_of_this_process_can_be_cancelled():
    assert not await Office().orchestrator([]).cancel("nobody")


async def test_to_stop_watching_is_to_cancel():
    office = Office(images=screenshots(2))
    watched = office.orchestrator(screenshot_script()).stream(office.request(), run_id="seen")
    async for entry in watched:
        if isinstance(entry.event, ToolsDisclosed):
            break
    await watched.aclose()
    result = await office.orchestrator([]).result("seen")
    assert result.status == "cancelled"
    assert office.desk.called(RENAME) == []


async def test_a_goal_in_words_is_enough_to_run():
    office = Office()
    result = await office.orchestrator([{"answer": "Four."}]).run("What is two and two?")
    assert (result.status, result.answer) == ("completed", "It is done.")


async def test_a_dead_backend_fails_the_run_by_name_and_a_resume_goes_on():
    office = Office(images=screenshots(1))
    dead = office.orchestrator([LISTS, BackendUnavailable("Nobody answers at 127.0.0.1.")])
    entries = await entries_of(dead.stream(office.request()))
    ended = entries[-1].event
    assert (ended.status, ended.code) == ("failed", "backend_unavailable")
    assert "Start the backend" in ended.error
    alive = office.orchestrator(act(LIST, path="$folder.Desktop"))
    more = await entries_of(alive.resume(entries[0].run_id))
    assert more[-1].event.status == "completed"


async def test_an_unsure_choice_is_made_again_among_the_steps_own_tools():
    profile = PROFILE.model_copy(update={"low_margin": 0.2})
    office = Office(images=screenshots(1), profile=profile)
    script = [LISTS, Said(READ, 0.1), Said(LIST, 0.9), {"path": "$folder.Desktop"}]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    first, second = (
        {candidate.tool.partition(".")[0] for candidate in event.candidates}
        for event in events(entries, ToolsDisclosed)
    )
    assert first > second == {"filesystem"}
    assert entries[-1].event.status == "completed"


async def test_a_sure_choice_is_made_once():
    profile = PROFILE.model_copy(update={"low_margin": 0.2})
    office = Office(images=screenshots(1), profile=profile)
    script = [LISTS, Said(LIST, 0.21), {"path": "$folder.Desktop"}]
    entries = await entries_of(office.orchestrator(script).stream(office.request()))
    assert len(events(entries, ToolsDisclosed)) == 1


class CutShort:
    """A backend whose choices are cut in the middle, as `max_tokens` cuts them."""

    def __init__(self, real, times):
        self._real, self._times = real, times

    async def stream(self, request):
        if self._times and request.constraint and request.constraint.kind == "choice":
            self._times -= 1
            yield ChatReply(text="filesystem.li", truncated=True)
            return
        async for item in self._real.stream(request):
            yield item


async def test_a_choice_that_was_cut_short_is_made_again():
    office = Office(images=screenshots(1))
    orchestrator = office.orchestrator([LISTS, *act(LIST, path="$folder.Desktop")])
    orchestrator.parts.roles["planner"] = Player(CutShort(office.planner, 1), office.profile)
    entries = await entries_of(orchestrator.stream(office.request()))
    assert "decision_failed" in {entry.event.type for entry in entries}
    assert entries[-1].event.status == "completed"


async def test_a_defect_in_a_tool_is_raised_and_the_run_can_be_taken_up_again():
    def broken(path):
        raise ZeroDivisionError

    faulty = tool(LIST, "List a folder.", broken, path="string")
    office = Office(images=screenshots(1), more=[faulty])
    script = [LISTS, *act(LIST, path="$folder.Desktop")]
    with pytest.raises(ZeroDivisionError):
        await office.orchestrator(script).run(office.request(), run_id="hurt")
    result = await office.orchestrator([]).result("hurt")
    assert result.status == "running"
    ends = [e for e in office.store.rows["hurt"] if isinstance(e.event, RunEnded)]
    assert ends == []
