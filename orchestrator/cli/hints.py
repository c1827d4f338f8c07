"""What a person can do about a run that did not get through, in the words of a command."""

from orchestrator.cli.limits import larger
from orchestrator.core.runs import FINAL, RunState, RunStatus
from orchestrator.policy.permissions import standing_word


def hint_for(status: RunStatus, state: RunState) -> str:
    """The command that goes on from where a run is, and what it does."""
    again = f"ferryman resume {state.run_id}"
    tells = f"`ferryman runs show {state.run_id}` tells what was done"
    hints: dict[RunStatus, str] = {
        "planned": f"`{again}` carries the plan out.",
        "needs_input": f"`{again} --answer TEXT` answers it.",
        "cancelled": f"`{again}` goes on where it was.",
        "failed": f"`{again}` tries again from where it was.",
    }
    if status == "waiting_approval":
        return _approval(state, again)
    if status == "incomplete" and state.status not in FINAL:
        return f"{tells}; `{again}` tries again what failed."
    if status == "stopped":
        option = larger(state)
        return f"{tells}; `{again}{option and f' {option}'}` goes on{option and ' with more'}."
    return hints.get(status, f"{tells}.")


def unknown_outcome(state: RunState) -> bool:
    """Whether the run asks about a call that was begun and never seen to end."""
    return state.verdict is not None and state.verdict.code == "tool_outcome_unknown"


def _approval(state: RunState, again: str) -> str:
    shown = f"`{again}` on a terminal shows it and asks"
    if unknown_outcome(state):
        return (
            f"Look whether it was done. {shown}; `{again} --grant` does it again,"
            f" `{again} --deny` leaves it; --yes does neither."
        )
    if state.proposal is not None and standing_word("yes", state.proposal.effect) is None:
        return (
            f"It would leave this machine, so --yes does not grant it. {shown};"
            f" `{again} --grant` allows exactly this, `{again} --deny` refuses it."
        )
    return f"`{again} --yes` approves it, `{again}` shows it first."
