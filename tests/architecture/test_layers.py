"""The layers hold: contracts are kept, and what decides touches nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("core", "policy", "decisions", "prompting")
MAY_READ = {"library.py", "reader.py"}
"""The two files of the pure layers whose whole purpose is to read a folder once."""
RIM = {"os", "io", "socket", "subprocess", "logging", "structlog", "random", "secrets", "time"}


def pure_files():
    folders = [ROOT / "orchestrator" / name for name in PURE]
    return [path for folder in folders for path in sorted(folder.glob("*.py"))]


def test_every_import_contract_is_kept():
    code = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_what_decides_never_waits_and_never_meets_the_machine(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    awaits = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
    assert awaits == []
    assert not _imported(tree) & RIM
    calls = {node.func.id for node in ast.walk(tree) if _is_plain_call(node)}
    assert not calls & {"open", "input", "print"}
    if path.name not in MAY_READ:
        assert "pathlib" not in _imported(tree) or "Path" not in _names(tree)


def _imported(tree):
    plain = {a.name.partition(".")[0] for n in _all(tree, ast.Import) for a in n.names}
    return plain | {(n.module or "").partition(".")[0] for n in _all(tree, ast.ImportFrom)}


def _names(tree):
    return {a.name for node in _all(tree, ast.ImportFrom) for a in node.names}


def _all(tree, kind):
    return [node for node in ast.walk(tree) if isinstance(node, kind)]


def _is_plain_call(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_the_pure_layers_are_there():
    assert {path.parent.name for path in pure_files()} == set(PURE)
    assert len(pure_files()) > 25
