"""The guard: may this proposal run? The first objection decides.

The order: scope, denial, budget, loop, plan lock, permission, taint. Whether the arguments fit
the tool's schema is settled before a proposal exists, and a tool whose definition changed is
never called.
"""

from collections.abc import Callable, Sequence

from orchestrator.core.chat import Frozen
from orchestrator.core.runs import Proposal, RunState
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.policy.budgets import objection
from orchestrator.policy.handles import handles
from orchestrator.policy.loops import loop_verdict
from orchestrator.policy.permissions import Rule, permission
from orchestrator.policy.references import points_to_text


class View(Frozen):
    """Everything a guard may look at."""

    state: RunState
    proposal: Proposal
    scope: frozenset[str]
    rules: tuple[Rule, ...]


Guard = Callable[[View], Verdict]


def scope_guard(view: View) -> Verdict:
    """Refuse a tool that is not part of the run."""
    if view.proposal.tool in view.scope:
        return ALLOW
    return Verdict(
        kind="redirect",
        code="unknown_tool",
        reason=f"{view.proposal.tool} is not a tool of this run.",
        mask=(view.proposal.tool,),
    )


def denial_guard(view: View) -> Verdict:
    """Refuse what the operator's rules forbid, before anything else is weighed."""
    proposal = view.proposal
    if permission(view.rules, proposal.tool, proposal.effect) != "deny":
        return ALLOW
    return Verdict(
        kind="redirect",
        code="denied",
        reason=f"The policy forbids {proposal.tool}.",
        mask=(proposal.tool,),
    )


def budget_guard(view: View) -> Verdict:
    """Stop a run that has used up a limit."""
    calls = view.state.held_calls + len(view.proposal.calls)
    reason = objection(view.state, calls=calls)
    return Verdict(kind="stop", code="budget_exceeded", reason=reason) if reason else ALLOW


def loop_guard(view: View) -> Verdict:
    """Break repeats, cycles, stalls and fixation."""
    return loop_verdict(view.state, view.proposal)


def plan_lock(view: View) -> Verdict:
    """Let a call change the world only where the plan put its namespace.

    What a tool returned can then never bring in an effect that the plan did not name.
    """
    step = view.state.plan.step(view.proposal.step) if view.state.plan else None
    in_plan = step is not None and view.proposal.tool.startswith(f"{step.namespace}.")
    if in_plan or view.proposal.effect == "read":
        return ALLOW
    return Verdict(
        kind="redirect",
        code="plan_lock",
        reason=f"{view.proposal.tool} changes something outside this step's namespace.",
        mask=(view.proposal.tool,),
    )


def permission_guard(view: View) -> Verdict:
    """Ask a person where the operator's rules say so."""
    proposal = view.proposal
    if permission(view.rules, proposal.tool, proposal.effect) == "allow":
        return ALLOW
    return Verdict(kind="ask", code="ask", reason=f"{proposal.tool} is a {proposal.effect} call.")


def taint_guard(view: View) -> Verdict:
    """Ask before free text that nobody vouches for goes into a call that changes something.

    A path, a number, or a value in a narrow form may pass; what somebody wrote may not.
    """
    if view.proposal.effect == "read":
        return ALLOW
    known = handles(view.state)
    tainted = [
        name
        for name, expression in view.proposal.expressions.items()
        if points_to_text(expression, known)
    ]
    if not tainted:
        return ALLOW
    reason = f"{view.proposal.tool} would take over text that was read: {', '.join(tainted)}."
    return Verdict(kind="ask", code="tainted", reason=reason)


GUARDS: tuple[Guard, ...] = (
    scope_guard,
    denial_guard,
    budget_guard,
    loop_guard,
    plan_lock,
    permission_guard,
    taint_guard,
)


def first_objection(view: View, guards: Sequence[Guard] = GUARDS) -> Verdict:
    """The verdict of the first guard that does not allow; reuse found on the way is kept."""
    reuse: dict[int, str] = {}
    reason = ""
    for guard in guards:
        verdict = guard(view)
        if verdict.kind != "allow":
            return verdict.model_copy(update={"reuse": reuse})
        if verdict.reuse:
            reuse, reason = verdict.reuse, verdict.reason
        if len(reuse) == len(view.proposal.calls) > 0:
            break
    return Verdict(kind="allow", reason=reason, reuse=reuse)
