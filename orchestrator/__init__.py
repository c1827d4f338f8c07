"""Ferryman: carries a task across tool namespaces on small local models.

The public API. Importing it is cheap: every name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.bootstrap import open_orchestrator as open_orchestrator
    from orchestrator.core.errors import OrchestratorError as OrchestratorError
    from orchestrator.core.events import Entry as Entry
    from orchestrator.core.runs import Budget as Budget
    from orchestrator.core.runs import RunRequest as RunRequest
    from orchestrator.core.runs import RunResult as RunResult
    from orchestrator.core.runs import RunStatus as RunStatus
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

_HOMES = {
    "Budget": "orchestrator.core.runs",
    "Entry": "orchestrator.core.events",
    "Orchestrator": "orchestrator.runtime",
    "OrchestratorError": "orchestrator.core.errors",
    "RunRequest": "orchestrator.core.runs",
    "RunResult": "orchestrator.core.runs",
    "RunStatus": "orchestrator.core.runs",
    "Settings": "orchestrator.settings",
    "open_orchestrator": "orchestrator.bootstrap",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
