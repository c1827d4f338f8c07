"""Worked plans and decisions made from the tools themselves, where nobody has written any."""

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from orchestrator.core.tools import ToolSpec
from orchestrator.prompting.examples import ChosenStep, Similarity
from orchestrator.prompting.library import ExampleStep, WorkflowExample

GENERATED = "generated"
SUBJECT = "the garden plan"
_SENTENCE = re.compile(r"(?<=[.;])\s+|\n")
WORDS = 24
"""Words of a description that a worked goal says at most."""


def generated_plans(
    specs: Sequence[ToolSpec], goal: str, count: int, similarity: Similarity
) -> list[WorkflowExample]:
    """Work plans for tools that nobody has written an example for, the closest to the goal last.

    Each says what one tool does, in the words of its description, and the last what two of them
    do: that is how a plan looks here, and which namespace does what. The tools are those closest
    to the goal, one of each namespace.
    """
    said = [_about(spec) for spec in specs]
    ranked = sorted(zip(similarity(goal, said), specs, said, strict=True), key=_closest_first)
    first: dict[str, tuple[ToolSpec, str]] = {}
    for _, spec, about in ranked:
        first.setdefault(spec.namespace, (spec, about))
    chosen = list(first.values())[: max(2, count - 1)]
    plans = [_plan([one]) for one in reversed(chosen)]
    plans += [_plan(chosen[:2])] if len(chosen) > 1 else []
    return plans[len(plans) - min(count, len(plans)) :]


def _closest_first(ranked: tuple[float, ToolSpec, str]) -> tuple[float, str]:
    return -ranked[0], ranked[1].id


def _about(spec: ToolSpec) -> str:
    first = _SENTENCE.split(spec.description.strip())[0].rstrip(".;")
    words = first.split()[:WORDS] or [spec.name.replace("_", " ")]
    return " ".join(words)


def _plan(chosen: Sequence[tuple[ToolSpec, str]]) -> WorkflowExample:
    steps = tuple(
        ExampleStep(
            id=f"s{number}",
            intent=about[0].lower() + about[1:],
            namespace=spec.namespace,
            tools=(spec.id,),
            tool=spec.id,
            arguments={},
            values=(),
        )
        for number, (spec, about) in enumerate(chosen, start=1)
    )
    goal = ", and then ".join(step.intent for step in steps)
    name = "-".join([GENERATED, "plan", *(spec.id for spec, _ in chosen)])
    return WorkflowExample(name=name, goal=f"{goal[0].upper()}{goal[1:]}.", steps=steps)


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
