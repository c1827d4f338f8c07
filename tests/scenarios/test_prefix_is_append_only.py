"""What the planner has read stays byte for byte: each request extends the one before it."""

import itertools

import pytest

from orchestrator.core.events import ModelCalled, TranscriptRenewed
from tests.fakes.office import (
    LIST,
    PROFILE,
    SEARCH_FILES,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshot_script,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio


def epochs(requests):
    """The planner's requests, parted where the transcript starts anew."""
    parts = [[requests[0]]]
    for before, after in itertools.pairwise(requests):
        if after.messages[: len(before.messages)] == before.messages:
            parts[-1].append(after)
        else:
            parts.append([after])
    return parts


async def run_with(script, **office):
    made = Office(images=screenshots(), **office)
    entries = await entries_of(made.orchestrator(script).stream(made.request()))
    return made, entries


async def test_every_request_extends_the_one_before_it():
    office, _ = await run_with(screenshot_script())
    requests = office.planner.requests
    assert len(requests) == 9
    assert len(epochs(requests)) == 1


async def test_the_reply_stands_where_it_was_given():
    office, entries = await run_with(screenshot_script())
    replies = [e.reply for e in events(entries, ModelCalled) if e.role == "planner"]
    for reply, (before, after) in zip(
        replies, itertools.pairwise(office.planner.requests), strict=False
    ):
        said = after.messages[len(before.messages)]
        assert (said.role, said.content) == ("assistant", reply)


async def test_it_holds_through_a_repair_a_search_and_a_new_plan():
    script = [
        plan(step("s1", "list the files", "filesystem", "s4")),
        plan(
            step("s1", "list the files", "filesystem"),
            step("s2", "read each", "ocr", "s1", "name contains banana"),
        ),
        "search_tools",
        {"query": "find files by name"},
        *act(SEARCH_FILES, path="$folder.Desktop", pattern="*"),
        plan(step("s2", "find them again", "filesystem")),
        *act(LIST, path="$folder.Desktop"),
    ]
    office, entries = await run_with(script)
    assert entries[-1].event.status == "completed", entries[-1].event.error
    assert len(office.planner.requests) == len(script)
    assert len(epochs(office.planner.requests)) == 1


async def test_most_of_every_prompt_is_found_in_the_cache():
    _, entries = await run_with(screenshot_script())
    usage = [e.usage for e in events(entries, ModelCalled) if e.role == "planner"][1:]
    assert sum(u.cached for u in usage) / sum(u.prompt for u in usage) > 0.75


async def test_nothing_volatile_stands_in_the_front():
    fronts = []
    for _ in range(2):
        office, _ = await run_with(screenshot_script())
        office.clock.advance(12_345)
        fronts.append(office.planner.requests[0].messages)
    assert fronts[0] == fronts[1]


async def test_a_transcript_that_grows_too_long_starts_anew_once_and_is_then_extended_again():
    office, entries = await run_with(
        screenshot_script(), profile=PROFILE.model_copy(update={"context_tokens": 1500})
    )
    assert entries[-1].event.status == "completed", entries[-1].event.error
    renewed = events(entries, TranscriptRenewed)
    parts = epochs(office.planner.requests)
    assert renewed
    assert len(parts) == len(renewed) + 1
    assert office.planner.requests[0].messages[0] == parts[-1][0].messages[0]


async def test_a_tool_is_described_once_in_a_transcript():
    office, _ = await run_with(screenshot_script())
    last = office.planner.requests[-1].messages
    described = [
        line
        for message in last
        if message.role == "user" and not message.content.startswith("Example.")
        for line in message.content.splitlines()
        if line.startswith(f"- {LIST}(")
    ]
    assert len(described) <= 1
