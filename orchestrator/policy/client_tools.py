"""Tools of the caller: offered to one run, carried out by the caller, who answers for them.

A client of an OpenAI-shaped API sends functions with its request. In that run they are tools of
the namespace `client`: found, chosen and filled in like any other. Their calls are written down
as intended, and then the run rests until the client gives the results. What keeps a run to its
plan holds for them too; what asks a person does not, because the client is asked about every
single call anyway, by being the one who makes it.
"""

import re
from collections.abc import Sequence

from jsonschema import Draft202012Validator

from orchestrator.core.chat import FunctionTool
from orchestrator.core.errors import InvalidRequest
from orchestrator.core.tools import Effect, ToolSpec
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.policy.arguments import answer_schema, parameters
from orchestrator.policy.client_schemas import schema_problem
from orchestrator.policy.guards import Guard, View, taint_guard
from orchestrator.policy.permissions import DEFAULT_RULES, Rule

NAMESPACE = "client"
MOST_TOOLS = 128
"""As many functions as the field's own API takes in one request."""
MOST_DESCRIPTION_CHARACTERS = 1024
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_READING = re.compile(
    r"calculate|check|compute|count|current|describe|fetch|find|forecast|get|list|look|lookup|query"
    r"|read|retrieve|search|show|weather"
)
_WRITING = re.compile(
    r"add|append|apply|archive|assign|book|buy|call|cancel|close|commit|complete|copy|create|delete"
    r"|deploy|draft|edit|execute|insert|make|mark|merge|move|open|order|pay|place|play|post|publish"
    r"|put|record|remove|rename|reply|reserve|run|save|schedule|send|set|share|start|stop|store"
    r"|submit|transfer|trash|turn|update|upload|write"
)


def client_tools(functions: Sequence[FunctionTool]) -> tuple[ToolSpec, ...]:
    """Read the functions that a client sent as tools of its run.

    Raises:
        InvalidRequest: There are too many, two share a name, or one cannot be used.
    """
    if len(functions) > MOST_TOOLS:
        raise InvalidRequest(f"The request has {len(functions)} tools; {MOST_TOOLS} are the most.")
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"Two tools are called {name!r}.")
    return tuple(client_tool(function) for function in functions)


def client_tool(function: FunctionTool) -> ToolSpec:
    """Read one function as a tool with the id `client.NAME`.

    Raises:
        InvalidRequest: Its name or its schema cannot be used.
    """
    if not _NAME.fullmatch(function.name):
        raise InvalidRequest(
            f"{function.name[:80]!r} is no name for a tool.",
            hint="A name has 1 to 64 letters, digits, underscores and dashes.",
        )
    schema = {"type": "object", "properties": {}, **function.parameters}
    if problem := schema_problem(schema):
        raise InvalidRequest(
            f"The parameters of the tool {function.name} cannot be used: {problem}.",
            hint="Parameters are one JSON schema of an object, complete in itself.",
        )
    spec = ToolSpec(
        id=f"{NAMESPACE}.{function.name}",
        description=_legible(function.description)[:MOST_DESCRIPTION_CHARACTERS],
        input_schema=schema,
        effect=effect_of(function.name),
    )
    if not _askable(spec):
        raise InvalidRequest(f"The parameters of the tool {function.name} cannot be asked for.")
    return spec


def effect_of(name: str) -> Effect:
    """Guess what a function does to the world by the verbs in its name; nobody declares it.

    Only what speaks of reading, and of nothing else, is taken to read.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    writes = any(map(_WRITING.fullmatch, words))
    return "read" if any(map(_READING.fullmatch, words)) and not writes else "local_write"


def _askable(spec: ToolSpec) -> bool:
    """Whether a decision can be asked for the arguments: the schema is tried out once."""
    try:
        required = {**spec.input_schema, "required": list(spec.input_schema["properties"])}
        every = spec.model_copy(update={"input_schema": required})
        answer_schema(parameters(every, ()))
        Draft202012Validator(spec.input_schema).is_valid({})
    except Exception:  # noqa: BLE001 - whatever goes wrong here would go wrong in the run
        return False
    return True


def _legible(text: str) -> str:
    return "".join(each for each in text if each.isprintable() or each in "\n\t").strip()


def client_rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The operator's own rules, then leave for the client's tools, then the built-in rules."""
    own = tuple(rules)
    if own[-len(DEFAULT_RULES) :] == DEFAULT_RULES:
        own = own[: -len(DEFAULT_RULES)]
        return (*own, Rule(tool=f"{NAMESPACE}.*", decision="allow"), *DEFAULT_RULES)
    return (*own, Rule(tool=f"{NAMESPACE}.*", decision="allow"))


def client_guards(guards: Sequence[Guard]) -> tuple[Guard, ...]:
    """The guards of a run with client tools: text may go to the client, who owns the answer too."""
    return tuple(_text_to_the_client if guard is taint_guard else guard for guard in guards)


def _text_to_the_client(view: View) -> Verdict:
    return ALLOW if view.proposal.tool.startswith(f"{NAMESPACE}.") else taint_guard(view)
