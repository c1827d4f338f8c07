"""The seed's transcript: a planner that locks onto one tool is led to the next namespace."""

import itertools

import pytest

from adapters.backends.scripted import Stubborn
from orchestrator.core.chat import Choice
from orchestrator.core.events import CallSettled, DecisionFailed, VerdictGiven
from orchestrator.core.fingerprints import call_fingerprint
from tests.fakes.office import (
    LIST,
    READ,
    RENAME,
    SCREENSHOT_ACTS,
    SEARCH_FILES,
    WRITE,
    Office,
    SteadyPlanner,
    act,
    entries_of,
    events,
    executed,
    plan,
    reused,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio

PLAN = plan(
    step("s1", "list the files on the Desktop", "filesystem"),
    step("s2", "read the text in the screenshot", "ocr"),
    step("s3", "write a short file name from the text", "text"),
    step("s4", "rename the screenshot to its new file name", "filesystem"),
)
LOCKED = Stubborn(SEARCH_FILES, otherwise=READ)
SAME_SEARCH = {"path": "$folder.Desktop", "pattern": "*.png"}


def seed_script():
    """List, then the same search for as long as it can be chosen, then what is left: ocr."""
    return [
        PLAN,
        *act(LIST, path="$folder.Desktop"),
        *[LOCKED, SAME_SEARCH] * 3,
        *act(LOCKED, path="$s1.path"),
        *SCREENSHOT_ACTS["s3"],
        *SCREENSHOT_ACTS["s4"],
    ]


async def seed_run():
    office = Office(images=screenshots(1))
    return office, await entries_of(office.orchestrator(seed_script()).stream(office.request()))


async def test_the_run_finishes_in_spite_of_the_loop():
    office, entries = await seed_run()
    assert entries[-1].event.status == "completed"
    assert not [name for name in office.names if name.startswith("screenshot")]
    crossed = list(dict.fromkeys(tool for tool, _ in executed(entries)))
    assert crossed == [LIST, SEARCH_FILES, READ, WRITE, RENAME]


async def test_no_identical_call_is_executed_twice():
    office, entries = await seed_run()
    made = [call_fingerprint(call.tool, call.arguments) for call in office.desk.calls]
    assert len(made) == len(set(made))
    assert len(executed(entries)) == len(set(executed(entries)))


async def test_the_second_search_is_answered_from_what_is_known():
    _, entries = await seed_run()
    [again] = reused(entries)
    first = next(event for event in events(entries, CallSettled) if event.tool == SEARCH_FILES)
    assert (again.tool, again.reused, again.outcome) == (SEARCH_FILES, first.id, first.outcome)


async def test_the_third_search_is_refused_and_its_tool_hidden_from_the_next_decision():
    office, entries = await seed_run()
    refused = [e.verdict for e in events(entries, VerdictGiven) if e.verdict.kind == "redirect"]
    assert [(v.code, v.mask) for v in refused] == [("repeated_call", (SEARCH_FILES,))]
    choices = [r.constraint.options for r in office.planner.requests if _about(r, "s2")]
    assert [SEARCH_FILES in options for options in choices] == [True, True, True, False]
    assert READ in choices[-1]


async def test_the_planner_is_told_why_beside_the_decision():
    office, entries = await seed_run()
    asked = [r.messages[-1].content for r in office.planner.requests if _about(r, "s2")]
    assert "already called" in asked[-1]
    reasons = [event.reason for event in events(entries, DecisionFailed)]
    assert len(reasons) == 2
    assert all("it is about ocr" in reason for reason in reasons)


async def test_a_locked_planner_is_led_on_in_a_fan_out_too():
    """The search cannot be given a value of the item, so it is made once and not for each."""
    office = Office(images=screenshots(4))
    entries = await entries_of(
        office.orchestrator(itertools.repeat(LockedPlanner())).stream(office.request())
    )
    assert entries[-1].event.status == "completed", entries[-1].event
    assert len(office.desk.called(SEARCH_FILES)) == 1
    assert len(office.desk.called(READ)) == 4


class LockedPlanner(SteadyPlanner):
    """Chooses the search for as long as it can be chosen for the step that should read."""

    def __call__(self, request):
        asked = request.messages[-1].content
        if isinstance(request.constraint, Choice) and _about(request, "s2"):
            return LOCKED
        if f"Arguments of {SEARCH_FILES}:" in asked or "do not fit" in asked:
            return SAME_SEARCH
        return super().__call__(request)


def _about(request, step_id):
    return request.messages[-1].content.startswith(f"Step {step_id} ") and (
        request.constraint.kind == "choice"
    )
