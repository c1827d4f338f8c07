"""The second stage of a decision: the arguments of the chosen tool."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from pydantic import JsonValue

from orchestrator.core.chat import JsonSchema, Message
from orchestrator.core.errors import InvalidArguments, MalformedReply
from orchestrator.core.events import QuestionAnswered
from orchestrator.core.tools import ToolCall
from orchestrator.graph.context import RunContext
from orchestrator.graph.looking import looked
from orchestrator.graph.prospect import Prospect, called
from orchestrator.graph.thread import thread
from orchestrator.policy.arguments import (
    Parameter,
    answer_schema,
    parameters,
    unanswerable,
)
from orchestrator.policy.expressions import (
    check_expressions,
    each_of_them,
    grounded,
    mended,
    uses_the_item,
    without_unfit,
)
from orchestrator.policy.references import resolve
from orchestrator.policy.spelling import spelled_out
from orchestrator.prompting.conversation import before_goal
from orchestrator.prompting.render import compact
from orchestrator.prompting.transcript import (
    ParameterWords,
    argument_request,
)

SEARCH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string", "minLength": 3, "maxLength": 120}},
    "required": ["query"],
    "additionalProperties": False,
}


async def search_query(
    context: RunContext, ahead: Prospect, given: Mapping[str, JsonValue] | None = None
) -> str:
    """What to look for, when none of the tools shown fits; `given` came with the choice."""
    if given is not None:
        return str(given.get("query") or ahead.step.intent)
    asked = Message(role="user", content="Which tool do you need? One short sentence as JSON.")
    so_far = thread(context, ahead.step)
    reply = await context.ask(
        "planner",
        (*so_far.messages, asked),
        constraint=JsonSchema(json_schema=SEARCH_SCHEMA),
        slot=so_far.slot,
    )
    await context.happened(called("search", ahead.step, (asked,), reply, keep=so_far.keep))
    return str(_object(reply.text).get("query") or ahead.step.intent)


def asked_parameters(context: RunContext, ahead: Prospect, tool: str) -> tuple[Parameter, ...]:
    """The parameters to ask for, with what each may be set to in this step."""
    spec, profile = context.specs[tool], context.roles["planner"].profile
    wanted = parameters(spec, ahead.offered, goal=ahead.goal, intent=ahead.step.intent)
    if profile.references or ahead.step.over:
        return wanted

    def value_of(text: str) -> JsonValue:
        return resolve(text, step=ahead.step, index=-1, known=ahead.known, places=ahead.places)

    return spelled_out(wanted, ahead.offered, value_of)


async def fill_arguments(
    context: RunContext,
    ahead: Prospect,
    tool: str,
    given: dict[str, JsonValue] | None = None,
) -> tuple[dict[str, JsonValue], tuple[ToolCall, ...]]:
    """Second stage: the tool's arguments, as expressions and as the calls they become.

    What was `given` with the choice is not asked for again unless it does not fit.

    Raises:
        InvalidArguments: They still do not fit after the profile's repairs.
    """
    ahead = await looked(context, ahead, tool)
    wanted = asked_parameters(context, ahead, tool)
    if not wanted:
        return {}, _calls(context, ahead, tool, {})
    if (lacking := unanswerable(wanted)) is not None:
        raise InvalidArguments(f"{tool}: nothing that was found can be its {lacking.name}.")
    words = "" if given is not None else _request(context, ahead, tool, wanted)
    left = context.roles["planner"].profile.repairs
    while True:
        try:
            written = await _expressions(context, ahead, wanted, words, given)
            found = _fitting(context, ahead, tool, wanted, written, last=left <= 0)
            return found, _calls(context, ahead, tool, found)
        except (InvalidArguments, MalformedReply) as error:
            if left <= 0:
                raise
            left -= 1
            words = f"These arguments do not fit: {error.message} Write the JSON again."
            if isinstance(error, MalformedReply):
                # Nothing of the request stands in the transcript then.
                words += "\n" + _request(context, ahead, tool, wanted)
            given = None


def _fitting(
    context: RunContext,
    ahead: Prospect,
    tool: str,
    wanted: Sequence[Parameter],
    written: Mapping[str, JsonValue],
    *,
    last: bool,
) -> dict[str, JsonValue]:
    """The arguments as they are meant; the `last` time without optional ones that do not fit.

    Raises:
        InvalidArguments: They may not stand.
    """
    spec, profile = context.specs[tool], context.roles["planner"].profile
    found = mended(written, wanted, ahead.step.intent if profile.mends_plans else "")
    if profile.mends_plans:
        found = each_of_them(spec, found, wanted, ahead.offered, ahead.step.intent)
    if last and profile.mends_plans:
        found = without_unfit(spec, found, wanted)
    check_expressions(spec, found, wanted, ahead.offered)
    if profile.literals == "from the goal":
        found = grounded(spec, found, wanted, _said(context, ahead))
    return found


def _said(context: RunContext, ahead: Prospect) -> str:
    """All that a person and the plan said: what arguments may be made of."""
    history = before_goal(context.state.request.history) if context.state.request else ""
    events = (entry.event for entry in context.journal.entries())
    answers = [event.text for event in events if isinstance(event, QuestionAnswered)]
    return "\n".join([ahead.step.intent, ahead.goal, history, *answers])


def _request(context: RunContext, ahead: Prospect, tool: str, wanted: Sequence[Parameter]) -> str:
    lines = [parameter_words(parameter) for parameter in wanted]
    said = "\n".join(message.content for message in thread(context, ahead.step).messages)
    return argument_request(context.library, tool, lines, offered_values(wanted), said)


async def _expressions(
    context: RunContext,
    ahead: Prospect,
    wanted: Sequence[Parameter],
    words: str,
    given: dict[str, JsonValue] | None,
) -> dict[str, JsonValue]:
    if given is not None:
        return given
    asked = Message(role="user", content=words)
    so_far = thread(context, ahead.step)
    reply = await context.ask(
        "planner",
        (*so_far.messages, asked),
        constraint=JsonSchema(json_schema=answer_schema(wanted)),
        max_tokens=context.roles["planner"].profile.argument_tokens,
        slot=so_far.slot,
    )
    await context.happened(called("arguments", ahead.step, (asked,), reply, keep=so_far.keep))
    return _object(reply.text)


def _object(text: str) -> dict[str, JsonValue]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def parameter_words(parameter: Parameter) -> ParameterWords:
    """A parameter as it is described to the planner."""
    return ParameterWords(
        name=parameter.name,
        kind=parameter.accepts,
        description=parameter.description,
        required=parameter.required,
    )


def offered_values(wanted: Iterable[Parameter]) -> list[str]:
    """What the parameters may be set to without being written, each once."""
    return list(dict.fromkeys(str(value) for parameter in wanted for value in parameter.references))


def _calls(
    context: RunContext, ahead: Prospect, tool: str, expressions: Mapping[str, JsonValue]
) -> tuple[ToolCall, ...]:
    """A call for each item; one for all of them where the tool takes nothing of an item."""
    validator = Draft202012Validator(context.specs[tool].input_schema)
    indices = ahead.indices if uses_the_item(expressions, ahead.offered) else (-1,)
    return tuple(_call(ahead, tool, expressions, index, validator) for index in indices)


def _rule(problem: ValidationError) -> str:
    """The rule that a value breaks, without the value: the planner never reads what files say."""
    return f"{problem.validator} {compact(problem.validator_value)}"[:200]


def _as_text(value: JsonValue, schema: Mapping[str, Any], name: str) -> JsonValue:
    """Where a text is asked for, a number as it is written, and several texts joined."""
    asked = schema.get("properties", {}).get(name, {}).get("type")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    texts = [part for part in value if isinstance(part, str)] if isinstance(value, list) else []
    if asked != "string" or not (number or (texts and texts == value)):
        return value
    return "\n".join(texts) if texts else str(value)


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
    arguments = {name: _as_text(value, validator.schema, name) for name, value in arguments.items()}
    problem = next(iter(validator.iter_errors(arguments)), None)
    if problem is not None:
        where = ".".join(map(str, problem.absolute_path)) or "the arguments"
        raise InvalidArguments(f"{tool}: {where} does not fit the schema: {_rule(problem)}.")
    return ToolCall(tool=tool, arguments=arguments)
