"""A worked decision made from a tool's schema, where nobody has written one for its namespace."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from orchestrator.core.plans import PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.arguments import Accepts, accepted_kinds, plain
from orchestrator.prompting.examples import ChosenStep
from orchestrator.prompting.library import ExampleStep, WorkflowExample

GENERATED = "generated"
_MADE_UP: Mapping[Accepts, JsonValue] = {
    "image": "$s1.path",
    "folder": "$folder.Reports",
    "path": "$s1.path",
    "new path": "$folder.Reports/copy.txt",
    "content": "$s1.text",
    "name": "garden plan",
    "text": "garden plan",
    "words": "as it was asked for",
    "number": 3,
    "list": ["garden", "plan"],
    "yes/no": True,
}


def generated_example(
    step: PlanStep, spec: ToolSpec, tools: Sequence[str], around: Mapping[str, ToolSpec]
) -> ChosenStep:
    """Work a decision for a tool: its own first words as the intent, a made-up value a type.

    Two further tools of the real decision stand beside it, those of its namespace first.
    """
    others = [tool for tool in tools if tool != spec.id and tool in around]
    others.sort(key=lambda tool: around[tool].namespace != spec.namespace)
    kinds = accepted_kinds(spec)
    properties: Mapping[str, Any] = spec.input_schema.get("properties", {})
    arguments = {
        name: _made_up(kinds[name], plain(properties[name], spec.input_schema))
        for name in spec.input_schema.get("required", ())
        if name in properties
    }
    worked = ExampleStep(
        id="s2",
        intent=f"{spec.name.replace('_', ' ')} for the garden plan",
        namespace=step.namespace,
        tools=(*others[:2], spec.id),
        tool=spec.id,
        arguments=arguments,
        values=tuple(v for v in arguments.values() if isinstance(v, str) and v.startswith("$")),
    )
    name = f"{GENERATED}-{spec.id}"
    return ChosenStep(
        example=WorkflowExample(name=name, goal=worked.intent, steps=(worked,)), step=worked
    )


def _made_up(accepts: Accepts, schema: Mapping[str, Any]) -> JsonValue:
    """A value of the right type, near the smallest that the schema allows."""
    if schema.get("enum"):
        first: JsonValue = schema["enum"][0]
        return first
    if accepts == "number" and "minimum" in schema:
        return max(3, int(schema["minimum"]))
    return _MADE_UP[accepts]
