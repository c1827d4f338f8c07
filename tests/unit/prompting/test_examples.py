"""The closest example is chosen, and only one that is true in this run."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.plans import PlanStep
from orchestrator.prompting.examples import (
    PLANS_SHOWN,
    ChosenStep,
    closest_decision,
    closest_plans,
    overlap,
    words,
)
from tests.fakes.office import LIBRARY

NAMESPACES = {"filesystem", "ocr", "text", "email", "time"}
TOOLS = {step.tool for example in LIBRARY.examples for step in example.steps}


def closest(intent, namespace, over="", tools=TOOLS):
    step = PlanStep(id="s1", intent=intent, namespace=namespace, over=over)
    return closest_decision(step, LIBRARY.examples, tools)


def test_words_are_what_tells_texts_apart():
    assert words("Rename the Files, and each file!") == {"rename", "file"}
    assert words("") == frozenset()


def test_overlap_is_the_share_of_words():
    assert overlap("rename files", "rename folders") == 1 / 3
    assert overlap("", "") == 0


@settings(max_examples=40)
@given(st.text(), st.text())
def test_overlap_is_the_same_both_ways(one, other):
    assert overlap(one, other) == overlap(other, one)
    assert 0 <= overlap(one, other) <= 1


def test_the_closest_plan_stands_last():
    shown = closest_plans("Rename the scans in my Inbox", LIBRARY.examples, NAMESPACES)
    assert shown[-1].name == "rename-scans-after-shop"
    assert len(shown) <= PLANS_SHOWN


def test_a_plan_whose_namespaces_are_not_all_there_is_not_shown():
    scope = {"filesystem", "ocr"}
    shown = closest_plans("Rename the scans", LIBRARY.examples, scope)
    assert all(step.namespace in scope for example in shown for step in example.steps)
    without = closest_plans("Rename the scans", LIBRARY.examples, set())
    assert all(not example.steps for example in without)


def test_the_decision_of_the_same_namespace_and_form_is_chosen():
    found = closest("rename each picture", "filesystem", over="s3")
    assert found.name == "rename-scans-after-shop/s4"
    assert closest("list the files", "filesystem").step.over == ""


def test_a_decision_whose_tool_is_not_there_is_not_shown():
    assert closest("read the text", "ocr", over="s1", tools=TOOLS - {"ocr.read"}) is not None
    assert closest("read", "ocr", over="s1", tools={"filesystem.list_dir"}) is None
    assert closest("play a song", "music") is None


def test_it_is_named_after_its_example_and_step():
    example = LIBRARY.examples[0]
    chosen = ChosenStep(example=example, step=example.steps[0])
    assert chosen.name == f"{example.name}/{example.steps[0].id}"
