"""The main job: the screenshots on the Desktop are read and renamed after what they show."""

import itertools

import pytest

from orchestrator.core.events import (
    CallProposed,
    ModelCalled,
    PlanMade,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
    VerdictGiven,
)
from orchestrator.core.tools import split_name
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    RENAME,
    WRITE,
    Office,
    entries_of,
    events,
    executed,
    screenshot_script,
    screenshots,
    told,
)

pytestmark = pytest.mark.anyio

OTHERS = [f"{DESKTOP}/notes.txt", f"{DESKTOP}/holiday.png", f"{DESKTOP}/budget.xlsx"]


async def main_job(count=3, planner=None):
    office = Office(images=screenshots(count), files=OTHERS)
    script = screenshot_script() if planner is None else planner
    return office, await entries_of(office.orchestrator(script).stream(office.request()))


async def test_the_journal_tells_the_story_in_order():
    _, entries = await main_job()
    kinds = [kind for kind, _ in itertools.groupby(told(entries))]
    one_decision = [
        "tools_disclosed",
        "model_called",
        "call_proposed",
        "verdict_given",
    ]
    acted = ["call_intended", "call_settled", "step_closed"]
    approved = ["approval_asked", "approval_given"]
    assert [kind for kind in kinds if kind != "call_settled"] == [
        kind
        for kind in [
            "run_started",
            "model_called",
            "plan_made",
            *(one_decision + acted) * 3,
            *(one_decision + approved + acted),
            "model_called",
            "answer_given",
            "run_ended",
        ]
        if kind != "call_settled"
    ]


async def test_the_run_crosses_from_filesystem_to_ocr_to_text_and_back():
    _, entries = await main_job()
    crossed = [split_name(event.proposal.tool)[0] for event in events(entries, CallProposed)]
    assert crossed == ["filesystem", "ocr", "text", "filesystem"]
    assert [event.status for event in events(entries, StepClosed)] == ["done"] * 4


async def test_each_screenshot_is_renamed_once_after_its_text_and_nothing_else_is_touched():
    office, entries = await main_job()
    assert office.names == [
        "budget.xlsx",
        "error-disk-full-1002",
        "flight-lisbon-boarding-1001",
        "holiday.png",
        "notes.txt",
        "pancake-recipe-1003-more",
    ]
    assert sorted(call["path"] for call in office.desk.called(RENAME)) == sorted(screenshots())
    assert len(office.desk.called(LIST)) == 1
    assert entries[-1].event.status == "completed"


async def test_no_call_is_made_twice_and_none_for_a_file_that_does_not_match():
    office, entries = await main_job()
    assert len(executed(entries)) == len(set(executed(entries))) == 10
    assert not {f"{DESKTOP}/holiday.png"} & {call["path"] for call in office.desk.called(READ)}


async def test_every_decision_offers_at_most_twelve_tools_and_a_reading_step_other_namespaces_too():
    office, entries = await main_job()
    offered = [
        [split_name(candidate.tool)[0] for candidate in event.candidates]
        for event in events(entries, ToolsDisclosed)
    ]
    assert all(len(namespaces) <= 12 for namespaces in offered)
    lists, reads, writes, renames = map(set, offered)
    assert len(lists) > 1
    assert len(reads) > 1
    assert (writes, renames) == ({"text"}, {"filesystem"})
    options = [r.constraint.options for r in office.planner.requests if _chooses(r)]
    assert all(len(each) <= 12 for each in options)
    assert ["search_tools" in each for each in options] == [True, True, False, True]


async def test_reads_and_narrow_values_need_nobody_and_writes_are_asked_for():
    _, entries = await main_job()
    kinds = [event.verdict.kind for event in events(entries, VerdictGiven)]
    assert kinds == ["allow", "allow", "allow", "ask"]


async def test_a_plan_and_two_answers_a_step_are_all_that_the_planner_says():
    office, entries = await main_job()
    planner = [e.purpose for e in events(entries, ModelCalled) if e.role == "planner"]
    assert planner == ["plan", *["choose", "arguments"] * 4]
    assert len(office.planner.requests) == 9


async def test_the_run_can_be_read_back_from_the_journal_alone():
    office, entries = await main_job()
    result = await office.orchestrator([]).result(entries[0].run_id)
    assert (result.status, result.answer) == ("completed", "It is done.")
    assert result.state.writes == 3
    assert result.state.last_seq == entries[-1].seq
    assert [call.tool for call in result.state.settled].count(WRITE) == 3


async def test_the_journal_cites_tools_prompts_and_the_plan():
    office, entries = await main_job()
    started, made = events(entries, RunStarted, PlanMade)
    specs = {spec.id for spec in office.desk.specs}
    assert specs <= set(started.tools)
    assert set(started.prompts) >= {"plan", "decide", "arguments", "synthesize"}
    namespaces = [step.namespace for step in made.plan.steps]
    assert namespaces == ["filesystem", "ocr", "text", "filesystem"]


def _chooses(request):
    return request.constraint.kind == "choice"
