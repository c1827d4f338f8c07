"""What a decision's request begins with: the run's one transcript, or the step's own short one.

Either way it is only ever appended to. The run's transcript is part of its state. A step's own
is read back from the journal, so that a resume in the middle of a step goes on where it was.
"""

from collections.abc import Iterable

from orchestrator.core.chat import Frozen, Message
from orchestrator.core.events import Entry, ModelCalled, PlanMade
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import RunRequest
from orchestrator.graph.context import RunContext
from orchestrator.policy.accepts import accepted_kinds
from orchestrator.prompting.conversation import before_goal
from orchestrator.prompting.examples import ChosenStep, usable_decisions
from orchestrator.prompting.transcript import (
    described,
    distance,
    opening,
    step_opening,
    worked_example,
)

CONTEXT_SHARE = 0.6
"""How full the model's context may be before a transcript starts anew; the rest is for the
decision itself, whose tokens are only estimated beforehand."""
FAR_SHARE = 0.25
"""How much of the context the worked decisions may take that all stand at the beginning."""
STEP_SLOT = "planner-step"
"""The conversation of steps that have transcripts of their own: the plan's cache stays whole."""


class Thread(Frozen):
    """The messages before a decision; `unsaid` are those of them that no request has had yet.

    `known` are the tools that they describe; `keep` is whether replies go into the run's
    transcript.
    """

    messages: tuple[Message, ...]
    unsaid: tuple[Message, ...] = ()
    known: frozenset[str] = frozenset()
    slot: str = "planner"
    keep: bool = True

    def end_of(self, shown: tuple[Message, ...]) -> int | None:
        """Where messages that begin with the first of these ended last, or None."""
        for place in range(len(self.messages) - 1, -1, -1):
            if shown and self.messages[place] == shown[0]:
                return place + len(shown)
        return None


def thread(context: RunContext, step: PlanStep) -> Thread:
    """Give what the next request about a step begins with."""
    state, profile = context.state, context.roles["planner"].profile
    if profile.transcript == "append":
        return Thread(messages=state.transcript, known=frozenset(state.disclosed))
    said = step_messages(context.journal.entries(), step.id)
    if said and distance(said) <= CONTEXT_SHARE * profile.context_tokens:
        return Thread(messages=said, known=described(said), slot=STEP_SLOT, keep=False)
    goal = state.request.goal if state.request else ""
    front = tuple(step_opening(context.library, goal, worked=far_examples(context, goal)))
    return Thread(messages=front, unsaid=front, slot=STEP_SLOT, keep=False)


def step_messages(entries: Iterable[Entry], step: str) -> tuple[Message, ...]:
    """What was asked and answered about a step of the newest plan, in a transcript of its own."""
    found: list[Message] = []
    for event in (entry.event for entry in entries):
        if isinstance(event, PlanMade):
            found = []
        elif isinstance(event, ModelCalled) and _is_about(event, step):
            if event.appended and event.appended[0].role == "system":
                found = []
            found += event.appended
            found += [Message(role="assistant", content=event.reply)] if event.reply else []
    return tuple(found)


def _is_about(event: ModelCalled, step: str) -> bool:
    return event.role == "planner" and not event.keep and event.step == step


def plan_opening(context: RunContext, request: RunRequest) -> tuple[Message, ...]:
    """The beginning of the run's transcript, up to the goal."""
    profile = context.roles["planner"].profile
    own = profile.transcript == "step"
    *front, goal = opening(
        context.library,
        tuple(context.toolset.specs),
        request,
        profile=profile,
        worked=() if own else far_examples(context, request.goal),
        similarity=context.similarity,
    )
    said = before_goal(request.history)
    return (*front, Message(role=goal.role, content=said + goal.content))


def far_examples(context: RunContext, goal: str) -> tuple[Message, ...]:
    """Worked decisions for the beginning of a transcript, if the profile wants them there."""
    profile = context.roles["planner"].profile
    if profile.examples != "far":
        return ()
    room, found = FAR_SHARE * profile.context_tokens, list[Message]()
    for chosen in usable_decisions(goal, context.library.examples, context.specs):
        shown = shown_example(context, chosen)
        room -= distance(shown)
        if room < 0:
            break
        found += shown
    return tuple(found)


def shown_example(context: RunContext, chosen: ChosenStep) -> tuple[Message, ...]:
    """A worked decision as this profile's decisions look."""
    profile = context.roles["planner"].profile
    if not profile.references and not chosen.step.over:
        chosen = chosen.with_literal_values()
    kinds = accepted_kinds(context.specs[chosen.step.tool])
    return tuple(
        worked_example(context.library, chosen, context.specs, kinds, stages=profile.stages)
    )
