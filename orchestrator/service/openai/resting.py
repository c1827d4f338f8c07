"""What a run says when it is over or rests: its answer, or exactly what it waits for."""

import json

from orchestrator.core.errors import BudgetExceeded
from orchestrator.core.runs import Approval, Proposal, RunState
from orchestrator.core.tools import ToolCall
from orchestrator.policy.budgets import spent

_TOKENS = ("generated_tokens", "prompt_tokens")
_MOST_CALLS = 40


def said(state: RunState) -> str:
    """What a run has to say: its answer, its question, or what waits for a person."""
    if state.status == "waiting_tools":
        return ""
    if state.status == "waiting_approval" and state.proposal and state.approval:
        return asks_approval(state.run_id, state.proposal, state.approval)
    question = state.plan.question if state.plan else ""
    told = (state.answer, question, state.error)
    return next((text for text in told if text), f"The run is {state.status}.")


def asks_approval(run_id: str, proposal: Proposal, approval: Approval) -> str:
    """Tell which calls wait for a person, in full, and how to decide about them."""
    count = len(proposal.calls)
    calls = [f"- {_written(call)}" for call in proposal.calls[:_MOST_CALLS]]
    if count > _MOST_CALLS:
        calls.append(f"- and {count - _MOST_CALLS} more: GET /v1/runs/{run_id} lists them all")
    what = f"{count} call{'s' if count != 1 else ''} of {proposal.tool}"
    body = json.dumps({"digest": approval.digest})
    effect = proposal.effect.replace("_", " ")
    return "\n".join(
        [
            f"I have not done this yet: {what} ({effect}) needs your approval.",
            *calls,
            *([f"Why I ask: {approval.reason}"] if approval.reason else []),
            f"To approve: POST /v1/runs/{run_id}/approve with {body}, or decide in the console.",
            f"To refuse: POST /v1/runs/{run_id}/deny with the same body.",
        ]
    )


def out_of_tokens(state: RunState) -> bool:
    """Whether the run was stopped because a limit on its tokens was reached."""
    if state.error_code != BudgetExceeded.code:
        return False
    used = spent(state)
    return any(used[name][0] >= used[name][1] for name in _TOKENS)


def _written(call: ToolCall) -> str:
    return json.dumps(call.arguments, ensure_ascii=False)
