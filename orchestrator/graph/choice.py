"""The first stage of a decision: one tool id out of the shortlist."""

from collections.abc import Sequence

from orchestrator.core.chat import ChatReply, Choice, Frozen, Message
from orchestrator.core.errors import MalformedReply
from orchestrator.core.events import ToolsDisclosed, TranscriptRenewed
from orchestrator.core.runs import Candidate, RunState
from orchestrator.core.tools import ToolSpec
from orchestrator.graph.context import RunContext
from orchestrator.graph.prospect import Prospect, called
from orchestrator.policy.arguments import accepted_kinds
from orchestrator.policy.handles import handles, shape
from orchestrator.policy.shortlist import MOST, Shortlist, shortlist
from orchestrator.prompting.examples import ChosenStep, closest_decision
from orchestrator.prompting.render import plan_json
from orchestrator.prompting.transcript import (
    SEARCH,
    decision,
    distance,
    opening,
    over_line,
    tokens,
    worked_example,
)

EXAMPLE_MESSAGES = 4
CONTEXT_SHARE = 0.6
"""How full the model's context may be before the transcript starts anew; the rest is for the
decision itself, whose tokens are only estimated beforehand."""


class Chosen(Frozen):
    """The tool of the first stage and how sure the model was."""

    tool: str
    margin: float | None = None


async def choose_tool(context: RunContext, ahead: Prospect) -> Chosen:
    """First stage: one tool id; an unsure model is asked again, among the step's own tools.

    Raises:
        MalformedReply: The reply is no tool id.
    """
    profile = context.roles["planner"].profile
    reply = await _choose(context, ahead, profile.shortlist_k)
    unsure = reply.margin is not None and reply.margin < profile.low_margin
    if unsure and not context.state.query:
        reply = await _choose(context, ahead, profile.shortlist_k, own_only=True)
    if reply.truncated:
        raise MalformedReply(f"{ahead.step.id}: the name of the tool came out incomplete.")
    return Chosen(tool=reply.text, margin=reply.margin)


async def _choose(
    context: RunContext, ahead: Prospect, k: int | None, *, own_only: bool = False
) -> ChatReply:
    await _renew(context)
    state, step = context.state, ahead.step
    example = closest_decision(step, context.library.examples, context.specs)
    listed = candidates(context, ahead, k, example, own_only=own_only)
    tools = [entry.tool for entry in listed.entries]
    selectable = [*tools, SEARCH] if not state.query else tools
    if not selectable:
        raise MalformedReply(f"{step.id}: no tool is left to choose from.")
    shown, again = _example_messages(context, example)
    asked = Message(role="user", content=_words(context, ahead, selectable, example, shown))
    await context.happened(
        ToolsDisclosed(
            step=step.id,
            candidates=tuple(
                Candidate(tool=entry.tool, score=entry.score, why=entry.why)
                for entry in listed.entries
            ),
            added=tuple(tool for tool in tools if tool not in state.disclosed),
            example=example.name if example and shown else "",
            example_again=again,
            distance=_distance(state, example, shown, asked),
        )
    )
    reply = await context.ask(
        "planner",
        (*state.transcript, *shown, asked),
        constraint=Choice(options=tuple(selectable)),
        logprobs=True,
    )
    await context.happened(called("choose", step, (*shown, asked), reply))
    return reply


async def _renew(context: RunContext) -> None:
    """Start the transcript anew when it would soon outgrow the model's context."""
    state = context.state
    limit = CONTEXT_SHARE * context.roles["planner"].profile.context_tokens
    if state.request is None or state.plan is None or distance(state.transcript) <= limit:
        return
    specs, places = tuple(context.toolset.specs), tuple(state.request.places)
    front = opening(context.library, specs, places, state.request.goal)
    done = [shape(known) for known in handles(state).values()]
    planned = Message(role="assistant", content=plan_json(state.plan))
    told = Message(role="user", content="Done so far:\n" + ("\n".join(done) or "nothing"))
    noted = Message(role="assistant", content="Noted.")
    await context.happened(TranscriptRenewed(messages=(*front, planned, told, noted)))


def candidates(
    context: RunContext,
    ahead: Prospect,
    k: int | None,
    example: ChosenStep | None,
    *,
    own_only: bool = False,
) -> Shortlist:
    """The shortlist of a step: closest to its intent, never what the guard would refuse.

    Left out are masked tools, a closed namespace, and what changes something outside the step's
    namespace, which the plan lock holds. With `own_only` nothing outside it is left.
    """
    state = context.state
    last = next((call.tool.partition(".")[0] for call in reversed(state.settled)), None)
    limit = k if k is None else min(k, MOST - 1)
    return shortlist(
        context.catalogue,
        query=state.query or ahead.step.intent,
        namespace=ahead.step.namespace,
        k=limit,
        last_namespace=last if last != ahead.step.namespace else None,
        exclude=frozenset(state.masked)
        | {spec.id for spec in context.specs.values() if _left_out(state, ahead, spec, own_only)},
        pinned=[example.step.tool] if example and not state.query else [],
    )


def _left_out(state: RunState, ahead: Prospect, spec: ToolSpec, own_only: bool) -> bool:  # noqa: FBT001
    if spec.namespace == ahead.step.namespace:
        return spec.namespace == state.closed_namespace
    return own_only or spec.effect != "read" or spec.namespace == state.closed_namespace


def _example_messages(
    context: RunContext, example: ChosenStep | None
) -> tuple[tuple[Message, ...], bool]:
    state = context.state
    if example is None:
        return (), False
    begun = state.examples.get(example.name)
    limit = context.roles["planner"].profile.example_distance_tokens
    if begun is not None:
        behind = state.transcript[begun + EXAMPLE_MESSAGES :]
        if distance(behind) <= limit:
            return (), False
    kinds = accepted_kinds(context.specs[example.step.tool])
    shown = worked_example(context.library, example, context.specs, kinds)
    return tuple(shown), begun is not None


def _distance(
    state: RunState, example: ChosenStep | None, shown: Sequence[Message], asked: Message
) -> int | None:
    if shown:
        return tokens(asked.content)
    begun = state.examples.get(example.name) if example else None
    if begun is None:
        return None
    return distance(state.transcript[begun + EXAMPLE_MESSAGES :]) + tokens(asked.content)


def _words(
    context: RunContext,
    ahead: Prospect,
    selectable: Sequence[str],
    example: ChosenStep | None,
    shown: Sequence[Message],
) -> str:
    state, step = context.state, ahead.step
    known = {*state.disclosed, *(example.step.tools if example and shown else ())}
    over = ""
    if step.over:
        where = " and ".join(condition.written() for condition in step.where)
        over = over_line(shape(ahead.known[step.over]), where)
    return decision(
        context.library,
        step,
        over=over,
        note=state.note,
        specs=context.specs,
        tools=selectable,
        known=known,
    )
