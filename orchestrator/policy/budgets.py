"""Limits: what a run has spent against what it may."""

from orchestrator.core.runs import RunState


def spent(state: RunState) -> dict[str, tuple[float, float]]:
    """Each limit of the run's budget as (spent, allowed), by name."""
    if state.request is None:
        return {}
    budget = state.request.budget
    return {
        "turns": (state.turns, budget.turns),
        "replans": (state.replans, budget.replans),
        "model_calls": (state.model_calls, budget.model_calls),
        "tool_calls": (executed(state), budget.tool_calls),
        "seconds": (state.seconds, budget.seconds),
        "prompt_tokens": (state.usage.prompt, budget.prompt_tokens),
        "generated_tokens": (state.usage.generated, budget.generated_tokens),
    }


def executed(state: RunState) -> int:
    """How many calls were really made; an answer out of the cache is none."""
    return state.executed


def objection(state: RunState, *, calls: int | None = None) -> str:
    """Which limit keeps a run from a new turn, or from that many more tool calls; "" when none.

    What the run was stuck on last, if anything, is said too. A turn that has begun may use up the
    last of every limit, a new one needs something left.
    """
    for name, (used, allowed) in spent(state).items():
        more = (calls or 0) if name == "tool_calls" else 0
        begun = calls is not None or name in {"tool_calls", "replans"}
        if used + more > allowed or (used >= allowed and not begun):
            limit = f"The budget of {allowed:g} {name.replace('_', ' ')} is used up ({used:g})."
            return f"{limit} {state.note}".strip()
    return ""
