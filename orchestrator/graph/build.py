"""The picture: five nodes, and what may follow each of them.

    goal ─▶ plan ─▶ decide ─▶ (guard) ─▶ [approve] ─▶ act ─▶ next step … ─▶ synthesize ─▶ answer
             ▲                   │                     │
             └───── replan ──────┴─────────────────────┘

A run may enter anywhere: the first question is asked of the journal's state, so that a resumed
run goes on where it was. No checkpointer stands beside the journal.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import get_args, get_type_hints

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from orchestrator.graph import edges
from orchestrator.graph.context import RunContext
from orchestrator.graph.nodes.act import act
from orchestrator.graph.nodes.approve import approve
from orchestrator.graph.nodes.decide import decide
from orchestrator.graph.nodes.plan import plan
from orchestrator.graph.nodes.synthesize import synthesize
from orchestrator.graph.state import GraphState

Graph = CompiledStateGraph[GraphState, RunContext, GraphState, GraphState]


@cache
def build_graph() -> Graph:
    """Compile the graph that carries a run; it holds no run's data, so one serves them all."""
    graph = StateGraph(GraphState, context_schema=RunContext)
    graph.add_node("plan", plan)
    graph.add_node("decide", decide)
    graph.add_node("approve", approve)
    graph.add_node("act", act)
    graph.add_node("synthesize", synthesize)
    for source, edge in (
        (START, edges.entry),
        ("plan", edges.after_plan),
        ("decide", edges.after_decide),
        ("approve", edges.after_approve),
        ("act", edges.after_act),
    ):
        graph.add_conditional_edges(source, edge, _ways(edge))
    graph.add_edge("synthesize", END)
    return graph.compile()


def mermaid() -> str:
    """Draw the graph as a Mermaid diagram."""
    return build_graph().get_graph().draw_mermaid()


def _ways(edge: Callable[..., str]) -> dict[Hashable, str]:
    """The nodes an edge may lead to, as its return type says."""
    names = get_args(get_type_hints(edge)["return"])
    return {name: END if name == "end" else name for name in names}
