"""What the control arms are told: everything in the system prompt, or the tools as they are.

Both are the same for every goal but for their ends, so that a server's prompt cache serves these
arms as well as any.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from orchestrator.core.chat import FunctionTool, Message
from orchestrator.core.tools import ToolSpec
from orchestrator.ports.tools import Toolset
from orchestrator.prompting.library import ExampleStep, Library, WorkflowExample
from orchestrator.prompting.render import compact
from orchestrator.prompting.transcript import tokens

Style = Literal["bare", "native"]

RECIPE_TOKENS = 3_000
"""Room for workflows beside all the tools; every one of them would lengthen this arm's prompt by
half and tell it little."""

_FRONT = """\
You are an assistant that carries out tasks on an office computer with tools.

Workflows that have worked:
{recipes}

Tools:
<tools>
{tools}
</tools>

To call a tool, reply with exactly one JSON object inside <tool_call></tool_call> tags:
<tool_call>
{{"name": "<tool>", "arguments": {{<its arguments>}}}}
</tool_call>
You then get its result. When the task is done, reply with the answer in plain text.

Folders:
{folders}"""

_NATIVE = """\
You are an assistant that carries out tasks on an office computer with tools. When the task is \
done, reply with the answer in plain text."""

_FOLDER = re.compile(r"\$folder\.(\w+)")
_FIELD = re.compile(r"\$s(\d+)\.(\w+)")


def opening(  # noqa: PLR0917
    goal: str,
    places: Mapping[str, str],
    toolset: Toolset,
    library: Library,
    style: Style,
    history: Sequence[Message],
) -> list[Message]:
    """The conversation up to the goal, or the further turn of one."""
    asked = Message(role="user", content=goal)
    if history:
        return [*history, asked]
    if style == "native":
        # The template writes the tools behind the system prompt: what varies stands after them.
        told = Message(role="user", content=f"Folders:\n{_folders(places)}\n\n{goal}")
        return [Message(role="system", content=_NATIVE), told]
    return list(front(goal, places, tuple(toolset.specs), library))


def _recipes(examples: Sequence[WorkflowExample]) -> list[str]:
    """The workflows that fit, those of the most steps first: one-step ones say the least."""
    told, room = [], RECIPE_TOKENS
    for example in sorted(examples, key=lambda each: (-len(each.steps), each.name)):
        told.append(recipe(example))
        room -= tokens(told[-1])
        if room < 0:
            return told[:-1]
    return told


def function_tool(spec: ToolSpec) -> FunctionTool:
    """A tool as the request's `tools` field has it."""
    return FunctionTool(name=spec.id, description=spec.description, parameters=spec.input_schema)


def front(
    goal: str, places: Mapping[str, str], specs: Sequence[ToolSpec], library: Library
) -> tuple[Message, Message]:
    """The system prompt with everything in it, examples at the top, and the goal.

    It is the same for every goal but for the folders at its end, so that a server's prompt cache
    serves this arm as well as any.
    """
    namespaces = {spec.namespace for spec in specs}
    examples = [
        example
        for example in library.examples
        if example.steps and all(step.namespace in namespaces for step in example.steps)
    ]
    system = _FRONT.format(
        recipes="\n".join(_recipes(examples)) or "none",
        tools="\n".join(map(_definition, specs)),
        folders=_folders(places),
    )
    return Message(role="system", content=system), Message(role="user", content=goal)


def _folders(places: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {path}" for name, path in places.items()) or "none"


def recipe(example: WorkflowExample) -> str:
    """A workflow example as prose has it: the goal and its sequence of tool calls."""
    lines = [f"{number}. {_recipe_line(step)}" for number, step in enumerate(example.steps, 1)]
    return "\n".join([f"- {example.goal}", *(f"  {line}" for line in lines)])


def _definition(spec: ToolSpec) -> str:
    function = {
        "name": spec.id,
        "description": spec.description,
        "parameters": spec.input_schema,
    }
    return compact({"type": "function", "function": function})


def _recipe_line(step: ExampleStep) -> str:
    where = f" where {step.where}" if step.where else ""
    each = f" (once for each item of step {step.over[1:]}{where})" if step.over else ""
    return f"{step.intent}{each}: {step.tool} {_placeholders(compact(step.arguments))}"


def _placeholders(arguments: str) -> str:
    named = _FOLDER.sub(r"<path of the \1 folder>", arguments)
    return _FIELD.sub(r"<\2 from step \1>", named)
