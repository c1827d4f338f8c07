"""Where a run goes on: a pure reading of its state, so that a run enters the graph anywhere."""

from typing import Literal

from orchestrator.core.runs import Approval, RunState
from orchestrator.journal.together import current_step, may_join

Node = Literal["plan", "decide", "approve", "act", "synthesize", "end"]


def next_node(state: RunState) -> Node:
    """Say what the run does next; `end` means that it is over or at rest.

    The first line that applies wins: rest, held proposals that nothing can join any more, a
    missing plan, a decided proposal, an open step, a missing answer.
    """
    if _at_rest(state):
        return "end"
    if state.held and not _gathers(state):
        return "act"
    if state.plan is None or state.replan_reason:
        return "plan"
    if state.plan.question:
        return "end"
    return _proposed(state) or _remaining(state)


def standing_approval(state: RunState) -> Approval | None:
    """Find the approval that is about the very proposal at hand; no other one counts."""
    proposal, approval = state.proposal, state.approval
    if proposal is None or approval is None or approval.proposal != proposal.id:
        return None
    return approval


def _at_rest(state: RunState) -> bool:
    stopped = state.verdict is not None and state.verdict.kind == "stop"
    return state.status != "running" or stopped


def _gathers(state: RunState) -> bool:
    """Whether one more step is decided before the held proposals are carried out."""
    step = current_step(state)
    undecided = state.proposal is None and not state.replan_reason
    return undecided and step is not None and may_join(state, step)


def _proposed(state: RunState) -> Node | None:
    if state.proposal is None or state.verdict is None:
        return None
    if state.verdict.kind == "allow":
        return "act"
    return _asked(state) if state.verdict.kind == "ask" else None


def _asked(state: RunState) -> Node:
    approval = standing_approval(state)
    if approval is None:
        return "approve"
    return "act" if approval.granted else "end"


def _remaining(state: RunState) -> Node:
    if current_step(state):
        return "decide"
    return "end" if state.answer else "synthesize"
