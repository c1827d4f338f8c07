"""Where the graph goes from a node: what the state says, whatever the node was."""

from typing import Literal

from orchestrator.graph.state import GraphState
from orchestrator.journal.next_node import next_node


def onward(
    state: GraphState,
) -> Literal["plan", "decide", "approve", "act", "synthesize", "end"]:
    """Name the node that the run's state asks for."""
    return next_node(state["run"])
