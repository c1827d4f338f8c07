"""A worked decision made from a tool's schema, where nobody has written one for its namespace."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from orchestrator.core.tools import ToolSpec
from orchestrator.prompting.examples import ChosenStep
from orchestrator.prompting.library import ExampleStep, WorkflowExample

GENERATED = "generated"
SUBJECT = "the garden plan"


def generated_example(
    spec: ToolSpec,
    arguments: Mapping[str, JsonValue],
    tools: Sequence[str],
    around: Mapping[str, ToolSpec],
) -> ChosenStep:
    """Work a decision for a tool: the words of its name as the intent, made-up arguments.

    Two further tools of the real decision stand beside it, those of its namespace first.
    """
    others = [tool for tool in tools if tool != spec.id and tool in around]
    others.sort(key=lambda tool: around[tool].namespace != spec.namespace)
    worked = ExampleStep(
        id="s2",
        intent=f"{spec.name.replace('_', ' ')} for {SUBJECT}",
        namespace=spec.namespace,
        tools=(*others[:2], spec.id),
        tool=spec.id,
        arguments=dict(arguments),
        values=tuple(v for v in arguments.values() if isinstance(v, str) and v.startswith("$")),
    )
    name = f"{GENERATED}-{spec.id}"
    example = WorkflowExample(name=name, goal=worked.intent, steps=(worked,))
    return ChosenStep(example=example, step=worked)
