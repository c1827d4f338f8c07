"""One word per thing: the synonyms of the house's words are not used, nor empty names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYNONYMS = {
    "guardrail": "guard",
    "subtask": "step",
    "sub-task": "step",
    "few-shot": "workflow example",
    "few shot": "workflow example",
    "event log": "journal",
    "scratchpad": "transcript",
    "toolkit": "toolset",
    "toolbox": "toolset",
    "middleware": "guard",
    "planner model": "role",
    "prompt template": "prompt",
    "objective": "goal",
    "tool selection": "shortlist or decision",
}
EMPTY = re.compile(r"(Manager|Helper|Utils?|Handler|Base)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplemented\b|raise NotImplementedError)")


def sources(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


OURS = sources("orchestrator", "adapters")


@pytest.mark.parametrize("synonym", sorted(SYNONYMS))
def test_a_thing_has_one_name(synonym):
    found = [path.name for path in OURS if synonym in path.read_text(encoding="utf-8").lower()]
    assert found == [], f"say {SYNONYMS[synonym]!r}, not {synonym!r}"


def test_no_class_has_an_empty_name():
    names = [
        node.name
        for path in sources("orchestrator", "adapters", "desk", "tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert [name for name in names if EMPTY.search(name)] == []
    assert len(names) > 150


def test_no_module_is_a_drawer():
    names = {path.stem for path in sources("orchestrator", "adapters", "desk", "tests")}
    assert not names & {"utils", "util", "helpers", "misc", "common", "base"}


def test_nothing_is_left_for_later():
    for path in sources("orchestrator", "adapters", "desk"):
        assert not UNFINISHED.search(path.read_text(encoding="utf-8")), path


def test_the_tree_of_the_orchestrator_names_the_concepts():
    concepts = {"graph", "policy", "prompting", "decisions", "evals", "journal", "ports", "core"}
    folders = {path.name for path in (ROOT / "orchestrator").iterdir() if path.is_dir()}
    assert concepts <= folders
