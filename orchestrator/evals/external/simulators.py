"""The executable simulators of BFCL's multi-turn tasks, loaded from a folder of its package.

Their package is never a dependency: its modules are imported under their own names only while
they load, without running the package's other code, and are then forgotten by the interpreter.
"""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrator.core.errors import SettingsError
from orchestrator.evals.external.reading import snake_case

PACKAGE = "bfcl_eval"
SOURCES = ("eval_checker", "multi_turn_eval", "func_source_code")
MODULES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}
"""Each simulated class and the module, and file of tool documents, that it stands in."""

NAMESPACES = {snake_case(name): name for name in MODULES}
"""Each namespace and the class behind it: the class name in snake case."""

Classes = Mapping[str, type[Any]]
Instances = dict[str, Any]


def load_classes(folder: Path) -> Classes:
    """Load the simulated classes from the folder that holds the package.

    Raises:
        SettingsError: The folder does not hold the package, or a module of it does not load.
    """
    sources = folder.joinpath(PACKAGE, *SOURCES)
    if not sources.is_dir():
        raise SettingsError(
            f"{folder} holds no simulators: {sources} is missing.",
            hint="Run `ferryman eval fetch bfcl`.",
        )
    with _importable(folder) as prefix:
        return {name: _class(prefix, module, name) for name, module in MODULES.items()}


def _class(prefix: str, module: str, name: str) -> type[Any]:
    try:
        found: type[Any] = getattr(importlib.import_module(f"{prefix}.{module}"), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise SettingsError(
            f"The simulator {name} does not load: {error}.",
            hint="Run `ferryman eval fetch bfcl` to install it anew.",
        ) from error
    return found


@contextmanager
def _importable(folder: Path) -> Iterator[str]:
    """Let the package's modules import one another, from their files alone."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_theirs(name)}
    prefix, at = PACKAGE, folder / PACKAGE
    for part in ("", *SOURCES):
        prefix, at = (f"{prefix}.{part}", at / part) if part else (prefix, at)
        package = ModuleType(prefix)
        package.__path__ = [str(at)]
        sys.modules[prefix] = package
    sys.path.append(str(folder))
    try:
        yield prefix
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if _is_theirs(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_theirs(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def instances(classes: Classes, configuration: Mapping[str, Any]) -> Instances:
    """Make one fresh simulator of each class, by namespace, as a task begins with them."""
    made: Instances = {}
    for namespace, name in NAMESPACES.items():
        made[namespace] = classes[name]()
        load = getattr(made[namespace], "_load_scenario", None)
        if load is not None:
            load(deepcopy(configuration.get(name, {})))
    return made


def differences(one: Instances, other: Instances) -> list[str]:
    """Name the public attributes in which two sets of simulators differ."""
    return [
        f"{namespace}.{name}"
        for namespace, simulator in other.items()
        for name, value in vars(simulator).items()
        if not name.startswith("_") and getattr(one[namespace], name, None) != value
    ]
