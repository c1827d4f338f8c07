"""A tool that is gone and arguments that do not fit are named, mended once, then given up."""

import pytest

from orchestrator.core.events import CallProposed, DecisionFailed, ModelCalled
from orchestrator.core.tools import ToolSpec
from tests.fakes.office import (
    LIST,
    READ,
    SCREENSHOT_ACTS,
    Office,
    act,
    entries_of,
    events,
    plan,
    screenshots,
    step,
)
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

LISTS = step("s1", "list the files on the Desktop", "filesystem")
TAGS = plan(LISTS, step("s2", "add the tag to the board", "board"))


def board():
    """A tool whose schema says more than an answer's form can: a pattern."""
    spec, answer = tool("board.add_tag", "Add a tag to the board.", _added, tag="string")
    properties = {"tag": {"type": "string", "pattern": "^[a-z]+$"}}
    schema = {**spec.input_schema, "properties": properties}
    return spec.model_copy(update={"input_schema": schema, "effect": "read"}), answer


def _added(tag):
    return {"tag": tag}


async def run_with(*script, more=()):
    office = Office(images=screenshots(1), more=more)
    orchestrator = office.orchestrator([*script])
    return office, await entries_of(orchestrator.stream(office.request()))


async def test_arguments_that_break_the_schema_are_mended_once():
    office, entries = await run_with(
        TAGS,
        *act(LIST, path="$folder.Desktop"),
        *act("board.add_tag", tag="Not A Tag"),
        {"tag": "fine"},
        more=[board()],
    )
    asked = office.planner.requests[-1].messages[-1].content
    assert asked.startswith("These arguments do not fit: board.add_tag: tag does not fit")
    assert "^[a-z]+$" in asked
    assert office.desk.called("board.add_tag") == [{"tag": "fine"}]
    assert entries[-1].event.status == "completed"


async def test_arguments_that_stay_bad_are_never_sent_and_the_decision_is_made_again():
    office, entries = await run_with(
        TAGS,
        *act(LIST, path="$folder.Desktop"),
        *act("board.add_tag", tag="Not A Tag"),
        {"tag": "NOR THIS"},
        *act(LIST, path="$folder.Desktop"),
        *act("board.add_tag", tag="fine"),
        more=[board()],
    )
    failed = events(entries, DecisionFailed)[0]
    assert (failed.code, failed.step) == ("invalid_arguments", "s2")
    assert failed.tool == "board.add_tag"
    assert office.desk.called("board.add_tag") == [{"tag": "fine"}]
    notes = [r.messages[-1].content for r in office.planner.requests]
    assert any("Note: board.add_tag: tag does not fit" in note for note in notes)
    assert entries[-1].event.status == "completed"


async def test_the_mended_arguments_are_what_the_journal_proposes():
    _, entries = await run_with(
        TAGS,
        *act(LIST, path="$folder.Desktop"),
        *act("board.add_tag", tag="Not A Tag"),
        {"tag": "fine"},
        more=[board()],
    )
    proposal = events(entries, CallProposed)[-1].proposal
    assert proposal.expressions == {"tag": "fine"}
    assert [e.purpose for e in events(entries, ModelCalled)][-3:] == [
        "arguments",
        "arguments",
        "answer",
    ]


async def test_a_tool_outside_the_shortlist_cannot_be_chosen_and_is_named_to_the_planner():
    office, entries = await run_with(
        plan(LISTS), "filesystem.format_disk", *act(LIST, path="$folder.Desktop")
    )
    [failed] = events(entries, DecisionFailed)
    assert failed.code == "malformed_reply"
    assert "filesystem.format_disk" in office.planner.requests[2].messages[-1].content
    assert [call.tool for call in office.desk.calls] == [LIST]
    assert entries[-1].event.status == "completed"


async def test_a_planner_that_keeps_naming_it_ends_the_run():
    office, entries = await run_with(
        *[plan(LISTS), *["filesystem.format_disk"] * 3] * 4,
    )
    assert entries[-1].event.status == "incomplete"
    assert office.desk.calls == []


async def test_a_tool_whose_server_forgot_it_is_a_failed_call():
    office = Office(images=screenshots(1))
    forgotten = Forgetful(office.desk, READ)
    script = [
        plan(LISTS, step("s2", "read the text in each screenshot", "ocr", "s1")),
        *act(LIST, path="$folder.Desktop"),
        *SCREENSHOT_ACTS["s2"],
    ]
    orchestrator = office.orchestrator(script, toolset=forgotten)
    entries = await entries_of(orchestrator.stream(office.request()))
    [failed] = events(entries, DecisionFailed)
    assert failed.code == "tool_failed"
    assert READ in failed.reason


class Forgetful:
    """Offers a tool that it does not know when it is called."""

    def __init__(self, real, forgotten):
        self.specs = tuple(real.specs)
        self._real, self._forgotten = real, forgotten

    async def call(self, call):
        if call.tool == self._forgotten:
            self._real._tools.pop(call.tool, None)
        return await self._real.call(call)


def test_a_tool_spec_has_its_namespace():
    assert ToolSpec(id=READ).namespace == "ocr"
