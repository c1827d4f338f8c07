"""Ferryman: carries a task across tool namespaces on small local models.

The public API. Importing it is cheap: what needs the graph is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import OrchestratorError
from orchestrator.core.events import Entry
from orchestrator.core.runs import Budget, RunRequest, RunResult, RunStatus

if TYPE_CHECKING:
    from orchestrator.bootstrap import open_orchestrator as open_orchestrator
    from orchestrator.runtime import Orchestrator as Orchestrator
    from orchestrator.settings import Settings as Settings

__all__ = [
    "Budget",
    "Entry",
    "Orchestrator",
    "OrchestratorError",
    "RunRequest",
    "RunResult",
    "RunStatus",
    "Settings",
    "open_orchestrator",
]

_LATE = {
    "Orchestrator": "orchestrator.runtime",
    "Settings": "orchestrator.settings",
    "open_orchestrator": "orchestrator.bootstrap",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
