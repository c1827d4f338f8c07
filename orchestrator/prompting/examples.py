"""Choosing worked examples: the plans closest to a goal, the decision closest to a step."""

import re
from collections.abc import Collection, Sequence

from orchestrator.core.chat import Frozen
from orchestrator.core.plans import PlanStep
from orchestrator.prompting.library import ExampleStep, WorkflowExample

PLANS_SHOWN = 3
_WORD = re.compile(r"[a-z]{3,}")
_COMMON = frozenset(
    {"the", "and", "for", "from", "with", "each", "that", "this", "what", "one", "its"}
)


class ChosenStep(Frozen):
    """A worked decision and the example it is from."""

    example: WorkflowExample
    step: ExampleStep

    @property
    def name(self) -> str:
        """How a journal names the decision: example and step."""
        return f"{self.example.name}/{self.step.id}"


def words(text: str) -> frozenset[str]:
    """The words of a text that tell it apart, roughly stemmed."""
    found = _WORD.findall(text.lower())
    return frozenset(word.rstrip("s") for word in found if word not in _COMMON)


def overlap(left: str, right: str) -> float:
    """The share of words that two texts have in common (Jaccard index, 0 to 1)."""
    a, b = words(left), words(right)
    return len(a & b) / len(a | b) if a | b else 0.0


def closest_plans(
    goal: str, examples: Sequence[WorkflowExample], namespaces: Collection[str]
) -> list[WorkflowExample]:
    """The examples to plan by, the closest last, where a model reads it best.

    Only examples whose namespaces are all in scope count.
    """
    usable = [
        example
        for example in examples
        if all(step.namespace in namespaces for step in example.steps)
    ]
    ranked = sorted(usable, key=lambda example: (-overlap(goal, example.goal), example.name))
    return ranked[:PLANS_SHOWN][::-1]


def closest_decision(
    step: PlanStep, examples: Sequence[WorkflowExample], tools: Collection[str]
) -> ChosenStep | None:
    """The worked decision for a step: same namespace, the most words in common.

    Every tool the example chose from must be in scope, so that it is true here too.
    """
    chosen = [
        ChosenStep(example=example, step=worked)
        for example in examples
        for worked in example.steps
        if worked.namespace == step.namespace and worked.tool in tools
    ]
    if not chosen:
        return None
    return max(chosen, key=lambda c: (_closeness(step, c.step), c.name))


def _closeness(step: PlanStep, worked: ExampleStep) -> float:
    same_form = bool(step.over) == bool(worked.over)
    return overlap(step.intent, worked.intent) + 0.25 * same_form
