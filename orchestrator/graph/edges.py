"""Where the graph goes from a node: the state says it, each edge says what is possible there."""

from typing import Literal, cast

from orchestrator.graph.state import GraphState
from orchestrator.journal.next_node import next_node

Entry = Literal["plan", "decide", "approve", "act", "synthesize", "end"]
AfterPlan = Literal["decide", "synthesize", "end"]
AfterDecide = Literal["plan", "decide", "approve", "act", "synthesize", "end"]
AfterApprove = Literal["decide", "act", "end"]
AfterAct = Literal["plan", "decide", "approve", "synthesize", "end"]


def entry(state: GraphState) -> Entry:
    """A new run begins with its plan; a resumed one goes on wherever it was."""
    return next_node(state["run"])


def after_plan(state: GraphState) -> AfterPlan:
    """On to the first open step; a direct answer needs none, and a question rests the run."""
    return cast("AfterPlan", next_node(state["run"]))


def after_decide(state: GraphState) -> AfterDecide:
    """What the guard said: act, ask, decide again, plan again, or stop."""
    return next_node(state["run"])


def after_approve(state: GraphState) -> AfterApprove:
    """Granted, refused, or still waiting: then the run rests in its journal."""
    return cast("AfterApprove", next_node(state["run"]))


def after_act(state: GraphState) -> AfterAct:
    """On to the next step, to a person about an unknown outcome, or to a new plan."""
    return cast("AfterAct", next_node(state["run"]))
