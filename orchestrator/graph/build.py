"""The picture: five nodes, and one question after each of them.

    goal ─▶ plan ─▶ decide ─▶ (guard) ─▶ [approve] ─▶ act ─▶ next step … ─▶ synthesize ─▶ answer
             ▲                   │                     │
             └───── replan ──────┴─────────────────────┘

A run may enter anywhere: the first question is asked of the journal's state, so that a resumed
run goes on where it was. No checkpointer stands beside the journal.
"""

from collections.abc import Hashable

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from orchestrator.graph.context import RunContext
from orchestrator.graph.edges import onward
from orchestrator.graph.nodes.act import act
from orchestrator.graph.nodes.approve import approve
from orchestrator.graph.nodes.decide import decide
from orchestrator.graph.nodes.plan import plan
from orchestrator.graph.nodes.synthesize import synthesize
from orchestrator.graph.state import GraphState

Graph = CompiledStateGraph[GraphState, RunContext, GraphState, GraphState]
NODES = ("plan", "decide", "approve", "act", "synthesize")
ONWARD: dict[Hashable, str] = {**{name: name for name in NODES}, "end": END}


def build_graph() -> Graph:
    """Compile the graph that carries a run."""
    graph = StateGraph(GraphState, context_schema=RunContext)
    graph.add_node("plan", plan)
    graph.add_node("decide", decide)
    graph.add_node("approve", approve)
    graph.add_node("act", act)
    graph.add_node("synthesize", synthesize)
    for node in (START, *NODES):
        graph.add_conditional_edges(node, onward, ONWARD)
    return graph.compile()
