"""Importing the package is cheap, and nothing in it reports to anybody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"langgraph", "langsmith", "langchain_core", "httpx", "mcp", "numpy", "bm25s", "xllamacpp"}


TELL = "import json, sys; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"


def loaded_by(code):
    """The top-level modules that a fresh interpreter has after running some code."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\n{TELL}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import orchestrator",
        "import orchestrator; orchestrator.Budget, orchestrator.RunRequest",
        "import orchestrator; orchestrator.Settings",
        "import orchestrator.cli",
        "import orchestrator.evals.report",
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert not loaded_by(code) & HEAVY


def test_the_orchestrator_itself_waits_with_the_graph():
    assert "langgraph" not in loaded_by("import orchestrator; orchestrator.Orchestrator")


def test_the_graph_is_there_when_it_is_built():
    assert "langgraph" in loaded_by("from orchestrator.graph.build import build_graph")


def test_tracing_is_off_unless_somebody_turns_it_on():
    code = (
        "import os\n"
        "for name in [n for n in os.environ if n.startswith(('LANGSMITH', 'LANGCHAIN'))]:\n"
        "    del os.environ[name]\n"
        "from orchestrator.graph.build import build_graph\n"
        "build_graph()\n"
        "from langsmith.utils import tracing_is_enabled\n"
        "assert not tracing_is_enabled()"
    )
    assert "langgraph" in loaded_by(code)


def test_nothing_of_ours_speaks_of_the_tracing_service():
    for folder in ("orchestrator", "adapters", "desk"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "langsmith" not in path.read_text(encoding="utf-8").lower(), path
