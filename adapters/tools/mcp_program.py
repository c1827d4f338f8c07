"""Tells which version of a server a command would start, without starting it.

A remembered list of tools is good for one version only. Where nothing tells the version (a
distant server, a package runner), the answer is "" and the list is remembered for less long.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, distribution, entry_points, version
from pathlib import Path

from adapters.tools.mcp_config import McpServerConfig

_SCHEMA_MAKERS = ("mcp", "pydantic")
"""A server built with these lists other schemas after their upgrade."""

_SCRIPT = re.compile(r".*\.(py|js|mjs|cjs|ts|rb|sh|jar)$")


def program_version(config: McpServerConfig) -> str:
    """Name the program behind a server's command, so that an upgrade changes the name."""
    command = shutil.which(config.command or "", path=config.env.get("PATH"))
    if command is None:
        return ""
    module = _module(Path(command), config.args)
    if module:
        return _module_version(module, config.cwd or Path())
    return _script_version(config.args, config.cwd or Path())


def source_digest(files: Iterable[Path]) -> str:
    """Name source files by their content, in the order of their paths."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file.name}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


def _module(command: Path, args: tuple[str, ...]) -> str:
    """The Python module that a command of our own environment runs, else ""."""
    if command.parent != Path(sys.executable).parent:
        return ""
    if command.name.startswith("python"):
        runs_module = len(args) > 1 and args[0] == "-m"
        return args[1] if runs_module else ""
    found = [*entry_points(group="console_scripts", name=command.name)]
    return found[0].module if found else ""


def _module_version(module: str, folder: Path) -> str:
    top = module.partition(".")[0]
    spec = PathFinder.find_spec(top, [str(folder), *sys.path])
    files = _sources(spec)
    if not files:
        return ""
    own = _installed_version(top, files[0]) or f"{top} {source_digest(files)}"
    return ", ".join([own, *(f"{name} {version(name)}" for name in _SCHEMA_MAKERS)])


def _sources(spec: ModuleSpec | None) -> list[Path]:
    if spec is None or spec.origin is None:
        return []
    origin = Path(spec.origin)
    if spec.submodule_search_locations is None:
        return [origin]
    return [origin, *(file for file in origin.parent.rglob("*.py") if file != origin)]


def _installed_version(top: str, origin: Path) -> str:
    """Name an installed package; "" for a checkout, whose version says nothing of its files."""
    try:
        package = distribution(top)
    except PackageNotFoundError:
        return ""
    root = Path(str(package.locate_file("")))
    return f"{package.name} {package.version}" if origin.is_relative_to(root) else ""


def _script_version(args: tuple[str, ...], folder: Path) -> str:
    named = next((arg for arg in args if _SCRIPT.fullmatch(arg)), None)
    if named is None or not (folder / named).is_file():
        return ""
    return f"{Path(named).name} {source_digest([folder / named])}"
