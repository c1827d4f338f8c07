"""Prompts and examples are data that can be trusted: locked, complete, and true of a run."""

import json
from pathlib import Path

import pytest
import yaml

from adapters.tools.text import SPECS
from orchestrator.core.errors import PromptError
from orchestrator.core.plans import Plan
from orchestrator.core.tools import split_name
from orchestrator.policy.planning import plan_problems, read_plan
from orchestrator.prompting.library import (
    PROMPT_NAMES,
    load_library,
    lock_lines,
    lock_problems,
)
from orchestrator.prompting.render import step_json

PROMPTS = Path(__file__).parents[2] / "prompts"
LIBRARY = load_library(PROMPTS)
STEPS = [(example, step) for example in LIBRARY.examples for step in example.steps]


def named(pair):
    return f"{pair[0].name}/{pair[1].id}"


def test_the_lock_is_current():
    lock = PROMPTS / "prompts.lock"
    assert lock.is_file(), "run `ferryman prompts lock`"
    assert lock_problems(LIBRARY, lock.read_text(encoding="utf-8")) == []
    assert lock.read_text(encoding="utf-8") == lock_lines(LIBRARY)


def test_there_is_a_file_for_every_prompt_and_none_besides():
    assert {path.stem for path in PROMPTS.glob("*.md")} == {*PROMPT_NAMES, "README"}


@pytest.mark.parametrize("name", PROMPT_NAMES)
def test_every_slot_is_filled_and_none_is_left(name):
    prompt = LIBRARY.prompt(name)
    text = prompt.render(**dict.fromkeys(prompt.inputs, "VALUE"))
    assert "{{" not in text
    assert text.count("VALUE") >= len(prompt.inputs)
    with pytest.raises(PromptError):
        prompt.render()


@pytest.mark.parametrize("name", PROMPT_NAMES)
def test_nothing_volatile_stands_in_a_prompt(name):
    assert not {"time", "date", "id", "run"} & set(LIBRARY.prompt(name).inputs)


WITH_STEPS = [example for example in LIBRARY.examples if example.steps]


@pytest.mark.parametrize("example", WITH_STEPS, ids=lambda example: example.name)
def test_an_examples_plan_passes_the_validator(example):
    said = json.dumps({"steps": [step_json(step.model_dump()) for step in example.steps]})
    made = read_plan(said)
    namespaces = [step.namespace for step in example.steps]
    assert isinstance(made, Plan)
    assert plan_problems(made, [*namespaces, "text"]) == []


@pytest.mark.parametrize("pair", STEPS, ids=named)
def test_a_worked_decision_is_one_that_could_be_made(pair):
    example, step = pair
    assert step.tool in step.tools
    assert split_name(step.tool)[0] == step.namespace
    assert len(set(step.tools)) == len(step.tools) >= 2
    earlier = [other.id for other in example.steps[: example.steps.index(step)]]
    assert step.over in {"", *earlier}


@pytest.mark.parametrize("pair", STEPS, ids=named)
def test_its_arguments_point_to_values_it_was_offered(pair):
    _, step = pair
    pointing = [v for v in step.arguments.values() if str(v).startswith("$")]
    assert set(pointing) <= set(step.values)


@pytest.mark.parametrize("pair", STEPS, ids=named)
def test_its_text_tools_are_the_built_in_ones(pair):
    _, step = pair
    known = {spec.id: spec for spec in SPECS}
    for tool in (tool for tool in step.tools if split_name(tool)[0] == "text"):
        assert tool in known
    if step.tool in known:
        assert set(step.arguments) <= set(known[step.tool].input_schema["properties"])


def test_an_example_is_written_as_yaml_and_named_after_its_file():
    for path in (PROMPTS / "workflows").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["name"] == path.stem
