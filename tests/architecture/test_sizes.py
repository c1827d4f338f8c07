"""Files and functions stay small: the numbers the house holds, measured."""

import ast
import subprocess
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
CAP = 400
MEDIAN_LINES = 120
MEDIAN_BODY = 6
PACKAGES = ("orchestrator", "adapters", "desk")


def python_files(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "benchmarks", "scripts"])
def test_no_file_passes_the_cap(folder):
    assert [path.name for path in python_files(folder) if lines(path) > CAP] == []


def test_half_of_the_files_are_short():
    assert median(lines(path) for path in python_files(*PACKAGES)) <= MEDIAN_LINES


def test_half_of_the_functions_are_shorter_than_a_glance():
    bodies = [
        node.body[-1].end_lineno - _first(node).lineno + 1
        for path in python_files(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert median(bodies) <= MEDIAN_BODY


def _first(node):
    """The first statement after the docstring."""
    documented = ast.get_docstring(node) is not None and len(node.body) > 1
    return node.body[1 if documented else 0]


def test_nothing_generated_or_built_is_tracked():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode != 0:
        pytest.skip("not a checkout")
    names = tracked.stdout.splitlines()
    assert not [name for name in names if name.endswith((".pyc", ".gguf", ".db", ".onnx"))]
