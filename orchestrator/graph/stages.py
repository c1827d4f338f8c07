"""The two stages of a decision: one tool out of the shortlist, then that tool's arguments."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from orchestrator.core.chat import ChatReply, Choice, Frozen, JsonSchema, Message
from orchestrator.core.errors import InvalidArguments
from orchestrator.core.events import ModelCalled, ToolsDisclosed, TranscriptRenewed
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import Candidate, RunState
from orchestrator.core.tools import ToolCall
from orchestrator.graph.context import RunContext
from orchestrator.policy.arguments import (
    Parameter,
    answer_schema,
    check_expressions,
    parameters,
)
from orchestrator.policy.handles import Handle, handles, shape
from orchestrator.policy.references import Reference, references, resolve
from orchestrator.policy.shortlist import MOST, Shortlist, shortlist
from orchestrator.prompting.examples import ChosenStep, closest_decision
from orchestrator.prompting.render import plan_json
from orchestrator.prompting.transcript import (
    SEARCH,
    ParameterWords,
    argument_request,
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


class Prospect(Frozen):
    """A step about to be decided: what it goes over and what it may refer to."""

    step: PlanStep
    known: dict[str, Handle]
    indices: tuple[int, ...]
    offered: tuple[Reference, ...]
    places: dict[str, str]
    goal: str


class Chosen(Frozen):
    """The tool of the first stage and how sure the model was."""

    tool: str
    margin: float | None = None


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


async def choose_tool(context: RunContext, ahead: Prospect) -> Chosen:
    """First stage: one tool id; unsure models get to see more tools, once."""
    profile = context.roles["planner"].profile
    reply = await _choose(context, ahead, profile.shortlist_k)
    unsure = reply.margin is not None and reply.margin < profile.low_margin
    if unsure and profile.shortlist_k is not None and profile.shortlist_k < MOST - 1:
        reply = await _choose(context, ahead, MOST - 1)
    return Chosen(tool=reply.text, margin=reply.margin)


async def _choose(context: RunContext, ahead: Prospect, k: int | None) -> ChatReply:
    await _renew(context)
    state, step = context.state, ahead.step
    example = closest_decision(step, context.library.examples, context.specs)
    listed = candidates(context, ahead, k, example)
    tools = [entry.tool for entry in listed.entries]
    selectable = [*tools, SEARCH] if not state.query else tools
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
    await context.happened(_called("choose", step, (*shown, asked), reply))
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
    context: RunContext, ahead: Prospect, k: int | None, example: ChosenStep | None
) -> Shortlist:
    """The shortlist of a step: closest to its intent, never what is masked or closed."""
    state = context.state
    last = next((call.tool.partition(".")[0] for call in reversed(state.settled)), None)
    closed = [tool for tool in context.specs if tool.startswith(f"{state.closed_namespace}.")]
    limit = k if k is None else min(k, MOST - 1)
    return shortlist(
        context.catalogue,
        query=state.query or ahead.step.intent,
        namespace=ahead.step.namespace,
        k=limit,
        last_namespace=last if last != ahead.step.namespace else None,
        exclude=frozenset(state.masked) | frozenset(closed if state.closed_namespace else ()),
        pinned=[example.step.tool] if example and not state.query else [],
    )


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
    return tuple(worked_example(context.library, example, context.specs)), begun is not None


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


def _called(
    purpose: str, step: PlanStep, appended: tuple[Message, ...], reply: ChatReply
) -> ModelCalled:
    return ModelCalled(
        role="planner",
        purpose=purpose,
        step=step.id,
        appended=appended,
        reply=reply.text,
        usage=reply.usage,
        seconds=reply.seconds,
        margin=reply.margin,
    )


async def search_query(context: RunContext, ahead: Prospect) -> str:
    """What to look for, when none of the tools shown fits."""
    asked = Message(role="user", content="Which tool do you need? One short sentence as JSON.")
    schema = {
        "type": "object",
        "properties": {"query": {"type": "string", "minLength": 3, "maxLength": 120}},
        "required": ["query"],
        "additionalProperties": False,
    }
    reply = await context.ask(
        "planner", (*context.state.transcript, asked), constraint=JsonSchema(json_schema=schema)
    )
    await context.happened(_called("search", ahead.step, (asked,), reply))
    found = _object(reply.text)
    return str(found.get("query") or ahead.step.intent)


async def fill_arguments(
    context: RunContext, ahead: Prospect, tool: str
) -> tuple[dict[str, JsonValue], tuple[ToolCall, ...]]:
    """Second stage: the tool's arguments, as expressions and as the calls they become.

    Raises:
        InvalidArguments: They still do not fit after one repair.
    """
    wanted = parameters(
        context.specs[tool], ahead.offered, goal=ahead.goal, intent=ahead.step.intent
    )
    if not wanted:
        return {}, _calls(context, ahead, tool, {})
    request = argument_request(
        context.library,
        tool,
        [_parameter_words(parameter) for parameter in wanted],
        _values(wanted),
    )
    try:
        return await _attempt(context, ahead, tool, wanted, request)
    except InvalidArguments as error:
        again = f"These arguments do not fit: {error.message} Write the JSON again."
        return await _attempt(context, ahead, tool, wanted, again)


async def _attempt(
    context: RunContext, ahead: Prospect, tool: str, wanted: Sequence[Parameter], words: str
) -> tuple[dict[str, JsonValue], tuple[ToolCall, ...]]:
    expressions = await _ask_arguments(context, ahead, wanted, words)
    check_expressions(tool, expressions, wanted, ahead.offered)
    return expressions, _calls(context, ahead, tool, expressions)


async def _ask_arguments(
    context: RunContext, ahead: Prospect, wanted: Sequence[Parameter], words: str
) -> dict[str, JsonValue]:
    asked = Message(role="user", content=words)
    reply = await context.ask(
        "planner",
        (*context.state.transcript, asked),
        constraint=JsonSchema(json_schema=answer_schema(wanted)),
        max_tokens=context.roles["planner"].profile.argument_tokens,
    )
    await context.happened(_called("arguments", ahead.step, (asked,), reply))
    return _object(reply.text)


def _object(text: str) -> dict[str, JsonValue]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _parameter_words(parameter: Parameter) -> ParameterWords:
    return ParameterWords(
        name=parameter.name,
        kind=parameter.accepts,
        description=parameter.description,
        required=parameter.required,
    )


def _values(wanted: Sequence[Parameter]) -> list[str]:
    return list(dict.fromkeys(text for parameter in wanted for text in parameter.references))


def _calls(
    context: RunContext, ahead: Prospect, tool: str, expressions: Mapping[str, JsonValue]
) -> tuple[ToolCall, ...]:
    validator = Draft202012Validator(context.specs[tool].input_schema)
    indices = ahead.indices if ahead.step.over else (-1,)
    return tuple(_call(ahead, tool, expressions, index, validator) for index in indices)


def _call(
    ahead: Prospect,
    tool: str,
    expressions: Mapping[str, JsonValue],
    index: int,
    validator: Any,
) -> ToolCall:
    arguments = {
        name: resolve(
            expression, step=ahead.step, index=index, known=ahead.known, places=ahead.places
        )
        for name, expression in expressions.items()
    }
    problem = next(iter(validator.iter_errors(arguments)), None)
    if problem is not None:
        where = ".".join(map(str, problem.absolute_path)) or "the arguments"
        raise InvalidArguments(f"{tool}: {where}: {problem.message[:200]}.")
    return ToolCall(tool=tool, arguments=arguments)
