"""Which steps are carried out together: reads that need nothing of each other, and say so.

The model decides one step after the other. A proposal that may be carried out later without a
difference is held while the next step is decided; then all of them are carried out at once.
Only a step whose plan says what it needs takes part, and no step is decided early while one
before it is open and not held: the order of everything that changes the world stays the plan's.
"""

from orchestrator.core.fingerprints import call_likeness
from orchestrator.core.runs import Proposal, RunState, StepState
from orchestrator.core.tools import split_name


def current_step(state: RunState) -> StepState | None:
    """Find the step that is worked on: the first, in the plan's order, that is not decided."""
    return next(iter(_undecided(state)), None)


def may_join(state: RunState, step: StepState) -> bool:
    """Whether a step may be decided although others are still open: it needs none of them.

    A step whose decision has failed waits, so that a failure costs the held ones nothing.
    """
    needs = step.step.needs
    if needs is None or step.failures:
        return False
    still_open = {other.step.id for other in state.steps if other.status == "open"}
    return still_open.isdisjoint((*needs, *step.step.sources))


def can_be_held(state: RunState) -> bool:
    """Whether the proposal at hand can wait for the next step's, which does not need it."""
    proposal = state.proposal
    if proposal is None or not _joins(state, proposal):
        return False
    after = next((step for step in _undecided(state) if step.step.id != proposal.step), None)
    return after is not None and may_join(state, after)


def together(state: RunState) -> tuple[Proposal, ...]:
    """The proposals to carry out now; one that cannot join the held ones comes after them."""
    proposal = state.proposal
    if proposal is None or (state.held and not _joins(state, proposal)):
        return state.held
    return (*state.held, proposal)


def _undecided(state: RunState) -> list[StepState]:
    held = {proposal.step for proposal in state.held}
    return [s for s in state.steps if s.status == "open" and s.step.id not in held]


def _joins(state: RunState, proposal: Proposal) -> bool:
    """Whether a proposal only reads, was allowed, and asks what no held one asks."""
    verdict, step = state.verdict, state.plan.step(proposal.step) if state.plan else None
    if verdict is None or verdict.kind != "allow" or verdict.reuse or proposal.effect != "read":
        return False
    if step is None or step.needs is None or step.wait_until:
        return False
    own = proposal.serves or split_name(proposal.tool)[0] == step.namespace
    asked = {alike for held in state.held for alike in _likenesses(held)}
    return own and asked.isdisjoint(_likenesses(proposal))


def _likenesses(proposal: Proposal) -> set[str]:
    return {call_likeness(call.tool, call.arguments) for call in proposal.calls}
