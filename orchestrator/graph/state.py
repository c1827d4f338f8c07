"""What the graph carries from node to node: the run as its journal tells it."""

from typing import TypedDict

from orchestrator.core.runs import RunState


class GraphState(TypedDict):
    """One channel: the fold of the run's events."""

    run: RunState
