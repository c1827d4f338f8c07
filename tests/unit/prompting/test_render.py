"""What is written for a model is compact, cut at words, and always the same."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.plans import Plan
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.planning import read_plan
from orchestrator.prompting.render import (
    MAX_VALUES,
    NAMESPACE_TOOLS,
    compact,
    first_sentence,
    namespace_lines,
    parameter_line,
    plan_json,
    step_json,
    tool_line,
    value_words,
)
from tests.fakes.office import SCREENSHOT_PLAN, plan, step


def test_json_is_written_without_blanks_in_the_order_given():
    assert compact({"b": [1, 2], "a": "ü"}) == '{"b":[1,2],"a":"ü"}'


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("Read a file. Then more.", 99, "Read a file"),
        ("Read  a\nfile", 99, "Read a file"),
        ("Read the text in a file", 12, "Read the"),
        ("Unbreakable", 5, "Unbre"),
        ("Version 1.5 is new", 99, "Version 1.5 is new"),
        ("", 9, ""),
    ],
)
def test_a_description_is_its_first_sentence_cut_at_a_word(text, limit, cut):
    assert first_sentence(text, limit) == cut


@settings(max_examples=40)
@given(st.text(), st.integers(1, 60))
def test_a_cut_never_passes_its_limit(text, limit):
    assert len(first_sentence(text, limit)) <= limit


def test_a_tool_is_a_line_with_its_required_parameters():
    spec = ToolSpec(
        id="fs.move",
        description="Move a file. Overwrites nothing.",
        input_schema={"type": "object", "required": ["source", "target"]},
    )
    assert tool_line(spec) == "- fs.move(source, target): Move a file"


def test_a_namespace_is_a_line_with_its_first_tools():
    specs = [ToolSpec(id=f"fs.tool_{n}") for n in range(9)] + [ToolSpec(id="ocr.read")]
    first, second = namespace_lines(specs).splitlines()
    assert first == f"- fs: {', '.join(f'tool {n}' for n in range(NAMESPACE_TOOLS))}"
    assert second == "- ocr: read"


def test_a_parameter_is_a_line():
    assert parameter_line("path", "image", "A file. More.", required=True) == (
        "- path (image, required): A file"
    )
    assert parameter_line("deep", "yes/no", "", required=False) == "- deep (yes/no, optional)"


def test_values_are_the_nearest_few():
    assert value_words([]) == "none"
    assert value_words([f"$s{n}.x" for n in range(20)]).count("$") == MAX_VALUES


def test_a_plan_is_written_as_it_was_read():
    made = read_plan(json.dumps(SCREENSHOT_PLAN))
    assert json.loads(plan_json(made)) == SCREENSHOT_PLAN
    assert plan_json(Plan(answer="x")) == '{"answer":"x"}'
    assert plan_json(Plan(question="x")) == '{"question":"x"}'


def test_a_step_has_the_same_five_keys_always():
    step = {"id": "s1", "intent": "x", "namespace": "fs"}
    assert list(step_json(step)) == ["id", "intent", "namespace", "over", "where"]
    assert step_json({**step, "where": "name is x"})["where"] == "name is x"


def test_a_step_with_conditions_is_written_as_it_was_read():
    said = {
        **step("s2", "read each", "ocr", "s1", "name contains a and size > 3"),
        "only_if": "s1.count > 0 and s1.name is b",
        "wait_until": "text contains c",
    }
    written = plan_json(read_plan(json.dumps(plan(step("s1", "list", "filesystem"), said))))
    assert json.loads(written)["steps"][1] == said
