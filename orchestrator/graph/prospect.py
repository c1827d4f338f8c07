"""A step about to be decided: what it goes over and what it may refer to."""

from collections.abc import Sequence

from orchestrator.core.chat import ChatReply, Frozen, Message
from orchestrator.core.events import ModelCalled
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import RunState
from orchestrator.policy.handles import Handle, handles
from orchestrator.policy.references import Reference, references


class Prospect(Frozen):
    """A step about to be decided: what it goes over and what it may refer to."""

    step: PlanStep
    known: dict[str, Handle]
    indices: tuple[int, ...]
    offered: tuple[Reference, ...]
    places: dict[str, str]
    goal: str


def prospect(state: RunState, step: PlanStep, indices: Sequence[int]) -> Prospect:
    """Gather what a decision about the step is made from."""
    known = handles(state)
    places = state.request.places if state.request else {}
    return Prospect(
        step=step,
        known=known,
        indices=tuple(indices),
        offered=tuple(references(step, known, places, sample=indices[0] if indices else 0)),
        places=places,
        goal=state.request.goal if state.request else "",
    )


def called(
    purpose: str,
    step: PlanStep,
    appended: tuple[Message, ...],
    reply: ChatReply,
    *,
    keep: bool = True,
) -> ModelCalled:
    """A planner's reply as the journal keeps it; `keep` puts it into the run's transcript."""
    return ModelCalled(
        role="planner",
        purpose=purpose,
        step=step.id,
        appended=appended,
        reply=reply.text,
        usage=reply.usage,
        seconds=reply.seconds,
        margin=reply.margin,
        keep=keep,
    )
