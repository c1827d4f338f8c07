"""The picture of the graph is the graph: five nodes, and the ways between them."""

import re
from pathlib import Path

from orchestrator.graph.build import build_graph, mermaid
from orchestrator.graph.edges import AfterAct, AfterApprove, AfterDecide, AfterPlan, Entry

GOLDEN = Path(__file__).parents[1] / "golden" / "graph.mmd"
NODES = {"plan", "decide", "approve", "act", "synthesize"}


def test_the_diagram_is_the_one_that_was_agreed_on():
    assert mermaid() == GOLDEN.read_text(encoding="utf-8"), "`ferryman graph` prints the new one"


def test_there_are_five_nodes_and_no_checkpointer():
    graph = build_graph()
    assert {name for name in graph.nodes if not name.startswith("__")} == NODES
    assert graph.checkpointer is None


def test_a_run_may_enter_anywhere():
    entered = set(re.findall(r"__start__ -\.(?:&nbsp;\w+&nbsp;)?\.?-?>\s*(\w+)", mermaid()))
    assert entered >= NODES


def test_no_way_leads_from_a_model_call_to_itself_but_deciding_again():
    ways = {
        "plan": AfterPlan,
        "decide": AfterDecide,
        "approve": AfterApprove,
        "act": AfterAct,
    }
    again = [name for name, way in ways.items() if name in way.__args__]
    assert again == ["decide"]
    assert set(Entry.__args__) == {*NODES, "end"}
