"""The first stage of a decision: one tool id out of the shortlist."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain

from pydantic import JsonValue

from orchestrator.core.chat import ChatReply, Choice, Frozen, JsonSchema, Message
from orchestrator.core.errors import MalformedReply, UnsureDecision
from orchestrator.core.events import ToolsDisclosed, TranscriptRenewed
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import Candidate
from orchestrator.graph.candidates import TEXT, candidates, named_by_error
from orchestrator.graph.context import CHOICE_TOKENS, RunContext
from orchestrator.graph.filling import (
    SEARCH_SCHEMA,
    asked_parameters,
    offered_values,
    parameter_words,
)
from orchestrator.graph.prospect import Prospect, called
from orchestrator.graph.thread import (
    CONTEXT_SHARE,
    Thread,
    plan_opening,
    shown_example,
    thread,
)
from orchestrator.policy.arguments import Parameter, answer_schema, whole_schema
from orchestrator.policy.grounding import lister, lists_a_folder
from orchestrator.policy.handles import handles, shape
from orchestrator.policy.samples import sample_arguments
from orchestrator.policy.shortlist import Shortlist, named_closer
from orchestrator.prompting.contrast import contrasts
from orchestrator.prompting.examples import ChosenStep, closest_decision
from orchestrator.prompting.generated import generated_example
from orchestrator.prompting.render import parameter_line, plan_json
from orchestrator.prompting.transcript import (
    SEARCH,
    Question,
    decision,
    distance,
    over_line,
    tokens,
    turn,
)

SURE = 0.9
"""The margin with which a model has its way, whatever tool is closest."""
DOUBT = 2.0
"""The margin that a model needs for a tool is so many times the score by which the tool is behind
the closest one. Of 40 decisions of the tuned half of `desk` it changed one, which was wrong."""


class Chosen(Frozen):
    """The tool of the first stage and how sure the model was.

    `arguments` came with it where a decision is one reply.
    """

    tool: str
    margin: float | None = None
    arguments: dict[str, JsonValue] | None = None


class Offer(Frozen):
    """What a decision is asked with: the tools to choose from, and the words for them."""

    listed: Shortlist
    tools: tuple[str, ...]
    example: ChosenStep | None
    shown: tuple[Message, ...] = ()
    again: bool = False


async def choose_tool(context: RunContext, ahead: Prospect) -> Chosen:
    """First stage: one tool id; where the model is unsure, the profile says what is done.

    Raises:
        MalformedReply: The reply is no tool id, or (UnsureDecision) not a clear one.
    """
    profile = context.roles["planner"].profile
    if profile.gate and (named := named_by_error(context, ahead)):
        return Chosen(tool=named)
    reply = await _choose(context, ahead)
    unsure = _below(reply, profile.low_margin)
    if profile.when_unsure == "closest" and not context.state.query:
        if better := _closer(context, ahead, reply, unsure=unsure):
            return Chosen(tool=better, margin=reply.margin)
    elif unsure and not context.state.query:
        reply = await _choose(context, ahead, own_only=True)
    if reply.truncated:
        raise MalformedReply(f"{ahead.step.id}: the name of the tool came out incomplete.")
    if _below(reply, profile.abstain_margin):
        raise UnsureDecision(f"{ahead.step.id}: no tool is clearly the right one.")
    if profile.stages == 1:
        return _whole(ahead, reply)
    return Chosen(tool=reply.text, margin=reply.margin)


def _closer(context: RunContext, ahead: Prospect, reply: ChatReply, *, unsure: bool) -> str:
    """The tool that plain evidence prefers to the one in a reply; "" where it may stand.

    It lists the folder that is to be listed, its name says more of the step, or it is the closest
    of the step's own namespace and the model is not sure enough of another.
    """
    if said := _lists_a_folder(context, ahead) or _says_more(context, ahead, reply.text):
        return said
    if not unsure and not _below(reply, min(SURE, DOUBT * _behind(context, ahead, reply.text))):
        return ""
    listed = candidates(context, ahead, 1, None, own_only=True).entries
    return listed[0].tool if listed else reply.text


def _lists_a_folder(context: RunContext, ahead: Prospect) -> str:
    """The tool that lists folders, where a step of its namespace is there to list one."""
    found = lister(context.specs.values())
    listing = found[0] if found and found[0] not in context.state.masked else ""
    own = listing.partition(".")[0] == ahead.step.namespace
    return listing if own and lists_a_folder(ahead.step.intent, ahead.places) else ""


def _says_more(context: RunContext, ahead: Prospect, tool: str) -> str:
    """The sibling of a tool whose name says more of the step's words, if any does."""
    if ahead.step.namespace == TEXT:
        return ""
    listed = candidates(context, ahead, None, None, own_only=True).tools
    return named_closer(context.catalogue, tool, listed, ahead.step.intent)


def _behind(context: RunContext, ahead: Prospect, tool: str) -> float:
    """How far a tool of the step's namespace is behind the one its words are closest to."""
    listed = candidates(context, ahead, None, None, own_only=True).entries
    scores = {entry.tool: entry.score for entry in listed}
    return max(scores.values()) - scores[tool] if tool in scores else 0.0


def _below(reply: ChatReply, limit: float) -> bool:
    return reply.margin is not None and reply.margin < limit


def _whole(ahead: Prospect, reply: ChatReply) -> Chosen:
    try:
        return Chosen.model_validate({**json.loads(reply.text), "margin": None})
    except (ValueError, TypeError) as error:
        raise MalformedReply(f"{ahead.step.id}: the reply is not a tool with arguments.") from error


async def _choose(context: RunContext, ahead: Prospect, *, own_only: bool = False) -> ChatReply:
    await _renew(context)
    so_far = thread(context, ahead.step)
    offer = _offer(context, ahead, so_far, own_only=own_only)
    if not offer.tools:
        raise MalformedReply(f"{ahead.step.id}: no tool is left to choose from.")
    asked = Message(role="user", content=_words(context, ahead, offer, so_far))
    await context.happened(_disclosed(context, ahead, offer, so_far, asked))
    profile = context.roles["planner"].profile
    one = profile.stages == 1
    reply = await context.ask(
        "planner",
        (*so_far.messages, *offer.shown, asked),
        constraint=_constraint(context, ahead, offer),
        logprobs=not one,
        max_tokens=CHOICE_TOKENS + (profile.argument_tokens if one else 0),
        slot=so_far.slot,
    )
    said = (*so_far.unsaid, *offer.shown, asked)
    await context.happened(called("choose", ahead.step, said, reply, keep=so_far.keep))
    return reply


def _offer(context: RunContext, ahead: Prospect, so_far: Thread, *, own_only: bool) -> Offer:
    """What the decision can be, and the worked example that goes before it."""
    profile, step = context.roles["planner"].profile, ahead.step
    example = closest_decision(step, context.library.examples, context.specs, context.similarity)
    listed = candidates(context, ahead, profile.shortlist_k, example, own_only=own_only)
    tools = [entry.tool for entry in listed.entries]
    if example is None and profile.generated_examples:
        example = _generated(context, step, tools)
    shown, again = _example_messages(context, example, so_far)
    closed = bool(context.state.query) or (profile.gate and step.namespace == TEXT)
    selectable = tools if closed or profile.detours != "at once" else [*tools, SEARCH]
    return Offer(listed=listed, tools=tuple(selectable), example=example, shown=shown, again=again)


def _generated(context: RunContext, step: PlanStep, tools: Sequence[str]) -> ChosenStep | None:
    own = next((tool for tool in tools if context.specs[tool].namespace == step.namespace), None)
    if own is None:
        return None
    spec = context.specs[own]
    return generated_example(spec, sample_arguments(spec), tools, context.specs)


def _constraint(context: RunContext, ahead: Prospect, offer: Offer) -> Choice | JsonSchema:
    if context.roles["planner"].profile.stages != 1:
        return Choice(options=offer.tools)
    schemas = {
        tool: SEARCH_SCHEMA
        if tool == SEARCH
        else answer_schema(asked_parameters(context, ahead, tool))
        for tool in offer.tools
    }
    return JsonSchema(json_schema=whole_schema(schemas))


def _disclosed(
    context: RunContext, ahead: Prospect, offer: Offer, so_far: Thread, asked: Message
) -> ToolsDisclosed:
    found = offer.listed.entries
    return ToolsDisclosed(
        step=ahead.step.id,
        candidates=_candidates(offer.listed),
        added=tuple(e.tool for e in found if e.tool not in so_far.known),
        example=offer.example.name if offer.example and offer.shown else "",
        example_again=offer.again,
        distance=_distance(context, offer, so_far, asked),
    )


def _candidates(listed: Shortlist) -> tuple[Candidate, ...]:
    return tuple(Candidate(tool=e.tool, score=e.score, why=e.why) for e in listed.entries)


async def _renew(context: RunContext) -> None:
    """Start the run's transcript anew when it would soon outgrow the model's context."""
    state = context.state
    limit = CONTEXT_SHARE * context.roles["planner"].profile.context_tokens
    if state.request is None or state.plan is None or distance(state.transcript) <= limit:
        return
    front = plan_opening(context, state.request)
    done = [shape(known) for known in handles(state).values()]
    planned = Message(role="assistant", content=plan_json(state.plan))
    told = turn("Done so far:\n" + ("\n".join(done) or "nothing"), "Noted.")
    await context.happened(TranscriptRenewed(messages=(*front, planned, *told)))


def _example_messages(
    context: RunContext, example: ChosenStep | None, so_far: Thread
) -> tuple[tuple[Message, ...], bool]:
    """The worked example to show now, if any, and whether it had drifted too far."""
    profile = context.roles["planner"].profile
    if example is None or profile.examples != "near":
        return (), False
    shown = shown_example(context, example)
    end = so_far.end_of(shown)
    if end is not None and distance(so_far.messages[end:]) <= profile.example_distance_tokens:
        return (), False
    return shown, end is not None


def _distance(context: RunContext, offer: Offer, so_far: Thread, asked: Message) -> int | None:
    if offer.shown:
        return tokens(asked.content)
    end = so_far.end_of(shown_example(context, offer.example)) if offer.example else None
    return None if end is None else distance(so_far.messages[end:]) + tokens(asked.content)


def _words(context: RunContext, ahead: Prospect, offer: Offer, so_far: Thread) -> str:
    step, one = ahead.step, context.roles["planner"].profile.stages == 1
    example = offer.example
    over = ""
    if step.over:
        where = " and ".join(condition.written() for condition in step.where)
        over = over_line(shape(ahead.known[step.over]), where)
    asked = _asked(context, ahead, offer) if one else {}
    question = Question(
        tools=offer.tools,
        over=over,
        note=context.state.note,
        known=so_far.known.union(example.step.tools if example and offer.shown else ()),
        beside=_beside(context, offer, asked),
        values=tuple(offered_values(chain.from_iterable(asked.values()))) if one else None,
    )
    return decision(context.library, step, context.specs, question)


def _asked(context: RunContext, ahead: Prospect, offer: Offer) -> dict[str, tuple[Parameter, ...]]:
    return {t: asked_parameters(context, ahead, t) for t in offer.tools if t != SEARCH}


def _beside(
    context: RunContext, offer: Offer, asked: Mapping[str, Sequence[Parameter]]
) -> dict[str, str]:
    """What follows a tool's description: what it is not for, and its parameters if asked here."""
    profile = context.roles["planner"].profile
    found = contrasts(_candidates(offer.listed), context.specs) if profile.contrast else {}
    for tool, wanted in asked.items():
        lines = [parameter_line(**dict(parameter_words(parameter))) for parameter in wanted]
        found[tool] = found.get(tool, "") + "".join(f"\n  {line}" for line in lines)
    return found
