"""approve: put exactly one proposal before a person; the run rests, no process holds it."""

from datetime import datetime, timedelta

from langgraph.runtime import Runtime

from orchestrator.core.events import ApprovalAsked, ApprovalGiven, RunEnded
from orchestrator.core.runs import Approval
from orchestrator.graph.context import RunContext
from orchestrator.graph.judging import proposal_digest
from orchestrator.graph.state import GraphState
from orchestrator.policy.permissions import standing_word


async def approve(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Ask, and answer at once where the caller gave their word beforehand."""
    context, run = runtime.context, state["run"]
    proposal, verdict, request = run.proposal, run.verdict, run.request
    if proposal is None or verdict is None or request is None:
        return state
    approval = Approval(
        proposal=proposal.id,
        digest=proposal_digest(proposal),
        reason=verdict.reason,
        expires=_expiry(context),
    )
    asked = ApprovalAsked(approval=approval)
    unknown = verdict.code == "tool_outcome_unknown"
    word = None if unknown else standing_word(request.approve, proposal.effect)
    if word is not None:
        given = ApprovalGiven(digest=approval.digest, granted=word, by="standing word")
        return await context.happened(asked, given)
    rest = RunEnded(status="waiting_approval", error=verdict.reason, code="needs_input")
    return await context.happened(asked, rest)


def _expiry(context: RunContext) -> datetime | None:
    if not context.approval_s:
        return None
    return context.clock.now() + timedelta(seconds=context.approval_s)
