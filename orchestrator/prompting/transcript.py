"""The planner's transcript: only ever appended to, each thing shown when it is first needed.

What a model has read stays byte for byte where it is, so that its cache holds; a tool is
described at the first decision that may choose it, and the worked example stands directly
before the decision it serves, in the decision's own form.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import Field

from orchestrator.core.chat import Frozen, Message
from orchestrator.core.plans import PlanStep
from orchestrator.core.roles import Profile
from orchestrator.core.runs import RunRequest
from orchestrator.core.tools import ToolSpec
from orchestrator.prompting.examples import (
    ChosenStep,
    Similarity,
    by_words,
    closest_plans,
)
from orchestrator.prompting.generated import generated_plans
from orchestrator.prompting.library import Library, WorkflowExample
from orchestrator.prompting.render import (
    compact,
    curled,
    namespace_lines,
    parameter_line,
    step_json,
    tool_line,
    value_words,
)

CHARACTERS_PER_TOKEN = 3.6
SEARCH = "search_tools"
SEARCH_LINE = f"- {SEARCH}(query): none of these fits, look for another tool"
_DESCRIBED = re.compile(r"^- ([^\s(]+)\(", re.MULTILINE)


class ParameterWords(Frozen):
    """A parameter as the second stage describes it."""

    name: str
    kind: str
    description: str = ""
    required: bool = True


class Question(Frozen):
    """What a decision is asked about a step, besides the step itself.

    `over` is what the step goes over, `known` are tools described before, `beside` goes after a
    tool's description. With `values` the reply is the whole decision.
    """

    tools: tuple[str, ...]
    over: str = ""
    note: str = ""
    known: frozenset[str] = frozenset()
    beside: dict[str, str] = Field(default_factory=dict)
    values: tuple[str, ...] | None = None


def tokens(text: str) -> int:
    """Estimate the tokens of a text: 3.6 characters each, as measured on our prompts."""
    return round(len(text) / CHARACTERS_PER_TOKEN)


def described(messages: Sequence[Message]) -> frozenset[str]:
    """The tools that messages describe, not only name."""
    asked = [message.content for message in messages if message.role == "user"]
    return frozenset(tool for content in asked for tool in _DESCRIBED.findall(content))


def opening(
    library: Library,
    specs: Sequence[ToolSpec],
    request: RunRequest,
    *,
    profile: Profile,
    worked: Sequence[Message] = (),
    similarity: Similarity = by_words,
) -> list[Message]:
    """The fixed front, worked decisions if any, the plans to learn from, and the goal."""
    needs, goal = profile.parallel_steps, request.goal
    namespaces = {spec.namespace for spec in specs}
    front = library.prompt("plan").render(
        namespaces=namespace_lines(specs), folders=", ".join(request.places) or "none"
    )
    if needs:
        front = library.prompt("needs").render(plan=front)
    messages = [Message(role="system", content=front), *worked]
    shown = profile.plan_examples
    closest = closest_plans(goal, library.examples, namespaces, shown, similarity)
    closest = closest or generated_plans(specs, goal, shown, similarity)
    for example in closest:
        messages += turn(f"Goal: {curled(example.goal)}", compact(_reply(example, needs=needs)))
    return [*messages, Message(role="user", content=f"Goal: {curled(goal)}")]


def _reply(example: WorkflowExample, *, needs: bool) -> dict[str, Any]:
    """A worked plan as a planner replies with it."""
    if example.steps:
        said = [{"needs": step.needs} if needs else {} for step in example.steps]
        steps = zip(example.steps, said, strict=True)
        return {"steps": [step_json(step.model_dump() | more) for step, more in steps]}
    return {"answer": example.answer} if example.answer else {"question": example.question}


def step_opening(library: Library, goal: str, *, worked: Sequence[Message] = ()) -> list[Message]:
    """The short front of a step that has a transcript of its own, and worked decisions if any."""
    return [
        Message(role="system", content=library.prompt("choose").render(goal=curled(goal))),
        *worked,
    ]


def decision(
    library: Library, step: PlanStep, specs: Mapping[str, ToolSpec], question: Question
) -> str:
    """The first stage: the step, what it goes over, and the tools, described once each."""
    lines = [
        _tool(specs, tool, question.known) + question.beside.get(tool, "")
        for tool in question.tools
    ]
    words = {
        "step": step.id,
        "namespace": step.namespace,
        "intent": curled(step.intent),
        "over": f"{question.over}\n" if question.over else "",
        "note": f"Note: {question.note}\n" if question.note else "",
        "tools": "\n".join(lines),
    }
    if question.values is None:
        return library.prompt("decide").render(**words)
    return library.prompt("act").render(**words, values=value_words(question.values))


def _tool(specs: Mapping[str, ToolSpec], tool: str, known: Collection[str]) -> str:
    if tool == SEARCH:
        return SEARCH_LINE
    if tool in known or tool not in specs:
        return f"- {tool}"
    return tool_line(specs[tool])


def argument_request(
    library: Library,
    tool: str,
    parameters: Sequence[ParameterWords],
    values: Sequence[str],
    said: str = "",
) -> str:
    """The second stage: the parameters of the chosen tool and the values they may point to.

    Of a parameter whose line stands in what was `said` already only the name is given.
    """
    lines = [parameter_line(p.name, p.kind, p.description, required=p.required) for p in parameters]
    new = [line not in said.splitlines() for line in lines]
    lines = [
        line if n else f"- {p.name}" for line, n, p in zip(lines, new, parameters, strict=True)
    ]
    return library.prompt("arguments").render(
        tool=tool, parameters="\n".join(lines) or "none", values=value_words(values)
    )


def worked_example(
    library: Library,
    chosen: ChosenStep,
    specs: Mapping[str, ToolSpec],
    kinds: Mapping[str, str],
    *,
    stages: int = 2,
) -> list[Message]:
    """A worked decision as chat turns, in the form of a real one.

    They are two, or one where the reply holds everything or the tool is asked for no arguments.
    """
    worked = chosen.step
    asked = decision(
        library,
        PlanStep(id=worked.id, intent=worked.intent, namespace=worked.namespace),
        specs,
        Question(
            tools=worked.tools,
            over=_example_over(chosen),
            values=worked.values if stages == 1 else None,
        ),
    )
    if stages == 1:
        whole = {"tool": worked.tool, "arguments": worked.arguments}
        return turn(f"Example. {asked}", compact(whole))
    if not worked.arguments:
        return turn(f"Example. {asked}", worked.tool)
    wanted = [
        _example_parameter(name, kinds.get(name, "text"), specs[worked.tool])
        for name in worked.arguments
    ]
    request = argument_request(library, worked.tool, wanted, worked.values)
    return [
        *turn(f"Example. {asked}", worked.tool),
        *turn(request, compact(worked.arguments)),
    ]


def _example_over(chosen: ChosenStep) -> str:
    source = next((s for s in chosen.example.steps if s.id == chosen.step.over), None)
    return over_line(source.result, chosen.step.where) if source else ""


def _example_parameter(name: str, kind: str, spec: ToolSpec) -> ParameterWords:
    properties = spec.input_schema.get("properties", {})
    return ParameterWords(
        name=name,
        kind=kind,
        description=str(properties.get(name, {}).get("description", "")),
        required=name in spec.input_schema.get("required", ()),
    )


def over_line(shape: str, where: str = "") -> str:
    """What a fan-out goes over: the shape of its source and which items are kept."""
    return f"Once for each item of {shape}{' where ' + where if where else ''}"


def turn(asked: str, answered: str) -> list[Message]:
    """What was asked and what was answered, as two messages."""
    return [Message(role="user", content=asked), Message(role="assistant", content=answered)]


def distance(messages: Sequence[Message]) -> int:
    """The tokens of the messages between a worked example and the decision it serves."""
    return sum(tokens(message.content) for message in messages)
