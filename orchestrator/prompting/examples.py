"""Choosing worked examples: the plans closest to a goal, the decision closest to a step."""

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from orchestrator.core.chat import Frozen
from orchestrator.core.plans import PlanStep
from orchestrator.ports.retrieval import Retriever
from orchestrator.prompting.library import ExampleStep, WorkflowExample

PLANS_SHOWN = 3
SAME_FORM = 0.25
"""What it counts that both a step and an example go over items, or both do not."""
EXAMPLE_HOME = "/home/kim/"
"""Where the folders of worked examples lie, when they are told by path."""
Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""How close a text is to each of some others, 0 to 1."""
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

    def with_literal_values(self) -> "ChosenStep":
        """The decision as it is without references: a folder by its path instead of its name."""
        arguments = {
            name: _literal(value) if isinstance(value, str) else value
            for name, value in self.step.arguments.items()
        }
        values = tuple(_literal(value) for value in self.step.values)
        changed = {"arguments": arguments, "values": values}
        return self.model_copy(update={"step": self.step.model_copy(update=changed)})


def _literal(value: str) -> str:
    return value.replace("$folder.", EXAMPLE_HOME)


def words(text: str) -> frozenset[str]:
    """The words of a text that tell it apart, roughly stemmed."""
    found = _WORD.findall(text.lower())
    return frozenset(word.rstrip("s") for word in found if word not in _COMMON)


def overlap(left: str, right: str) -> float:
    """The share of words that two texts have in common (Jaccard index, 0 to 1)."""
    a, b = words(left), words(right)
    return len(a & b) / len(a | b) if a | b else 0.0


def by_words(text: str, others: Sequence[str]) -> list[float]:
    """Compare a text with others by the words they share."""
    return [overlap(text, other) for other in others]


def by_retriever(retriever: Retriever) -> Similarity:
    """Compare texts as the catalogue compares tools, such as by the embedding."""
    index = lru_cache(maxsize=256)(retriever.index)

    def compare(text: str, others: Sequence[str]) -> list[float]:
        scores = index(tuple(others)).scores(text)
        most = max(1.0, *scores)
        return [max(0.0, score) / most for score in scores]

    return compare


def closest_plans(
    goal: str,
    examples: Sequence[WorkflowExample],
    namespaces: Collection[str],
    count: int = PLANS_SHOWN,
    similarity: Similarity = by_words,
) -> list[WorkflowExample]:
    """The examples to plan by, the closest last, where a model reads it best.

    Only examples whose namespaces are all in scope count. Where none of them has a step there is
    none: to answer that nothing can be done would be all that is left to learn from.
    """
    usable = [
        example
        for example in examples
        if all(step.namespace in namespaces for step in example.steps)
    ]
    if not any(example.steps for example in usable):
        return []
    close = similarity(goal, [example.goal for example in usable]) if usable else ()
    pairs = zip(close, usable, strict=True)
    ranked = sorted(pairs, key=lambda pair: (-pair[0], pair[1].name))
    return [example for _, example in ranked[:count]][::-1]


def closest_decision(
    step: PlanStep,
    examples: Sequence[WorkflowExample],
    tools: Collection[str],
    similarity: Similarity = by_words,
) -> ChosenStep | None:
    """The worked decision for a step: same namespace, rather of the same form, the closest.

    Its tool must be in scope, so that it is true here too.
    """
    chosen = [
        ChosenStep(example=example, step=worked)
        for example in examples
        for worked in example.steps
        if worked.namespace == step.namespace and worked.tool in tools
    ]
    if not chosen:
        return None
    close = similarity(step.intent, [candidate.step.intent for candidate in chosen])
    ranked = [
        (near + SAME_FORM * (bool(step.over) == bool(candidate.step.over)), candidate.name)
        for near, candidate in zip(close, chosen, strict=True)
    ]
    return chosen[ranked.index(max(ranked))]


def usable_decisions(
    goal: str, examples: Sequence[WorkflowExample], tools: Collection[str]
) -> list[ChosenStep]:
    """Every worked decision whose tool is in scope, those of the closest goals first."""
    ranked = sorted(examples, key=lambda example: (-overlap(goal, example.goal), example.name))
    return [
        ChosenStep(example=example, step=worked)
        for example in ranked
        for worked in example.steps
        if worked.tool in tools
    ]
