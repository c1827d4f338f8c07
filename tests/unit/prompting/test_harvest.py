"""A completed run becomes a worked example that says how it was done, not what was found."""

import pytest
import yaml

from orchestrator.core.events import CallProposed
from orchestrator.core.plans import Plan
from orchestrator.policy.handles import handles, shape
from orchestrator.policy.planning import read_plan
from orchestrator.prompting.examples import closest_decision
from orchestrator.prompting.harvest import NEUTRAL, example_yaml, harvest
from orchestrator.prompting.library import load_examples
from orchestrator.prompting.render import compact, step_json
from tests.fakes.office import (
    LIST,
    SCREENSHOT_ACTS,
    SCREENSHOT_PLAN,
    Office,
    act,
    entries_of,
    plan,
    screenshot_script,
    screenshots,
    step,
)

pytestmark = pytest.mark.anyio


async def run_of(script=None, goal="Rename the screenshots after what they show."):
    office = Office(images=screenshots())
    orchestrator = office.orchestrator(script or screenshot_script())
    entries = await entries_of(orchestrator.stream(office.request(goal)))
    state = (await orchestrator.result(entries[0].run_id)).state
    return entries, {name: shape(known) for name, known in handles(state).items()}


async def test_plan_and_decisions_of_a_completed_run_are_taken_over():
    example = harvest(*await run_of())
    assert example.goal == "Rename the screenshots after what they show."
    assert [s.tool for s in example.steps] == [tool for tool, _ in SCREENSHOT_ACTS.values()]
    assert [s.arguments for s in example.steps] == [args for _, args in SCREENSHOT_ACTS.values()]
    assert [s.over for s in example.steps] == ["", "s1", "s2", "s3"]
    assert example.steps[1].where == "name contains screenshot"
    assert all(1 <= len(s.tools) <= 3 and s.tool in s.tools for s in example.steps)
    assert example.steps[3].values == ("$s1.path", "$s3.value")


async def test_it_is_as_good_as_a_written_one(tmp_path):
    example = harvest(*await run_of())
    (tmp_path / f"{example.name}.yaml").write_text(example_yaml(example), encoding="utf-8")
    [loaded] = load_examples(tmp_path)
    assert loaded == example
    made = read_plan(compact({"steps": [step_json(s.model_dump()) for s in loaded.steps]}))
    assert isinstance(made, Plan)
    tools = {s.tool for s in loaded.steps}
    assert closest_decision(made.steps[1], [loaded], tools).step.id == "s2"


async def test_nothing_of_what_was_read_is_in_it():
    entries, shapes = await run_of()
    written = example_yaml(harvest(entries, shapes))
    assert "Flight" not in written
    assert "more words" not in written
    assert "screenshot 1.png" not in written
    assert yaml.safe_load(written)["name"].startswith("rename-the-screenshots")


async def test_a_written_argument_that_stands_in_a_result_gives_way():
    entries, shapes = await run_of()
    changed = [with_instruction(entry, "Flight Lisbon boarding") for entry in entries]
    example = harvest(changed, shapes)
    assert example.steps[2].arguments["instruction"] == NEUTRAL


def with_instruction(entry, words):
    event = entry.event
    if not isinstance(event, CallProposed) or "instruction" not in event.proposal.expressions:
        return entry
    expressions = {**event.proposal.expressions, "instruction": words}
    proposal = event.proposal.model_copy(update={"expressions": expressions})
    return entry.model_copy(update={"event": event.model_copy(update={"proposal": proposal})})


async def test_a_run_that_was_not_completed_gives_none():
    entries, shapes = await run_of([SCREENSHOT_PLAN, *act(LIST, path="$folder.Desktop")])
    assert harvest(entries, shapes) is None
    assert harvest(entries[:3], shapes) is None


async def test_a_run_with_a_step_that_was_not_done_gives_none():
    script = [
        plan(
            step("s1", "list the files on the Desktop", "filesystem"),
            step("s2", "list them again", "filesystem"),
        ),
        *act(LIST, path="$folder.Desktop"),
        *act(LIST, path="$folder.Desktop"),
    ]
    entries, shapes = await run_of(script)
    assert harvest(entries, {"s1": shapes["s1"]}) is None
