"""The second stage of a decision: the arguments of the chosen tool."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from pydantic import JsonValue

from orchestrator.core.chat import JsonSchema, Message
from orchestrator.core.errors import InvalidArguments, MalformedReply
from orchestrator.core.tools import ToolCall
from orchestrator.graph.context import RunContext
from orchestrator.graph.prospect import Prospect, called
from orchestrator.policy.arguments import (
    Parameter,
    answer_schema,
    check_expressions,
    parameters,
)
from orchestrator.policy.references import resolve
from orchestrator.prompting.render import compact
from orchestrator.prompting.transcript import (
    ParameterWords,
    argument_request,
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
    await context.happened(called("search", ahead.step, (asked,), reply))
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
    except (InvalidArguments, MalformedReply) as error:
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
    await context.happened(called("arguments", ahead.step, (asked,), reply))
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


def _rule(problem: ValidationError) -> str:
    """The rule that a value breaks, without the value: the planner never reads what files say."""
    return f"{problem.validator} {compact(problem.validator_value)}"[:200]


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
        raise InvalidArguments(f"{tool}: {where} does not fit the schema: {_rule(problem)}.")
    return ToolCall(tool=tool, arguments=arguments)
