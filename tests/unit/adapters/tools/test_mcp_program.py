"""The version of a server is told by what its command would run, without running it."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from adapters.tools.mcp_config import McpServerConfig
from adapters.tools.mcp_program import program_version


def of(command=sys.executable, *args, **fields):
    return program_version(McpServerConfig(command=command, args=args, **fields))


def test_an_installed_module_has_the_version_of_its_distribution():
    told = of(sys.executable, "-m", "pytest", "-q")
    assert told.startswith(f"pytest {version('pytest')}, mcp {version('mcp')}, pydantic ")


def test_a_console_script_of_ours_is_its_module():
    script = Path(sys.executable).parent / "hypothesis"
    assert of(str(script)).startswith(f"hypothesis {version('hypothesis')}, ")


@pytest.fixture
def package(tmp_path):
    """A package that is not installed: a checkout."""
    (tmp_path / "wharf" / "servers").mkdir(parents=True)
    for name in ("__init__.py", "servers/__init__.py", "servers/files.py", "shapes.py"):
        (tmp_path / "wharf" / name).write_text("raise SystemExit('this must not be run')\n")
    return tmp_path / "wharf"


def of_package(package):
    return of(sys.executable, "-m", "wharf.servers.files", cwd=package.parent)


def test_a_module_of_a_checkout_is_named_by_the_sources_of_its_package(package):
    before = of_package(package)
    assert before.startswith("wharf ")
    assert of_package(package) == before
    (package / "shapes.py").write_text("pass")
    assert of_package(package) != before


def test_a_new_file_in_the_package_counts(package):
    before = of_package(package)
    (package / "servers" / "more.py").touch()
    assert of_package(package) != before


def test_a_checkout_that_shares_the_name_of_an_installed_package_is_not_taken_for_it(tmp_path):
    (tmp_path / "pytest.py").write_text("pass")
    assert f"pytest {version('pytest')}" not in of(sys.executable, "-m", "pytest", cwd=tmp_path)


def test_a_script_is_named_by_its_content(tmp_path):
    (tmp_path / "index.mjs").write_text("one")
    before = of("sh", "--fast", "index.mjs", "/somewhere/else.py", cwd=tmp_path)
    assert before.startswith("index.mjs ")
    (tmp_path / "index.mjs").write_text("two")
    assert of("sh", "--fast", "index.mjs", cwd=tmp_path) != before


def test_a_script_for_our_own_interpreter_is_a_script(tmp_path):
    (tmp_path / "server.py").touch()
    assert of(sys.executable, str(tmp_path / "server.py")).startswith("server.py ")


@pytest.mark.parametrize(
    "line",
    [
        ["/nonexistent/server"],
        ["sh", "-y", "some-server@latest"],
        ["sh", "gone.py"],
        [sys.executable, "-m"],
        [sys.executable, "-m", "no_such_module_anywhere"],
        [sys.executable, "-m", "sys"],
    ],
    ids=" ".join,
)
def test_what_nothing_tells_of_has_no_version(line):
    assert of(*line) == ""


def test_a_distant_server_has_no_version():
    assert program_version(McpServerConfig(url="http://127.0.0.1/mcp")) == ""
