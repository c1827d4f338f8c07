"""Searching a model's profile: one value after the other, each measured on the same cases."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.evals.arms import Arm
from orchestrator.evals.records import Record

CHOICES: Mapping[str, tuple[JsonValue, ...]] = {
    "shortlist_k": (5, 8, 12),
    "transcript": ("append", "step"),
    "examples": ("near", "none"),
    "plan_examples": (3, 5),
    "contrast": (False, True),
    "generated_examples": (False, True),
}
"""What is tried, in the order of how much it moved in our own measurements."""

Measure = Callable[[Arm], Awaitable[Sequence[Record]]]


class Trial(Frozen):
    """One setting and what it came to: cases solved of how many, and prompt tokens in all."""

    settings: dict[str, JsonValue]
    solved: int
    cases: int
    prompt_tokens: int
    kept: bool = False

    def better_than(self, other: "Trial") -> bool:
        """More solved, or as many with fewer prompt tokens."""
        return (self.solved, -self.prompt_tokens) > (other.solved, -other.prompt_tokens)


class Tuned(Frozen):
    """The best setting found, and every trial on the way, the model's own profile first."""

    best: dict[str, JsonValue]
    trials: tuple[Trial, ...]


async def tune(measure: Measure, current: Mapping[str, JsonValue]) -> Tuned:
    """Climb from a profile: each value of each field is tried with the best found so far.

    One pass over the fields. It is a search on one sample, so a difference of a case or two says
    nothing: what it proposes is confirmed on the held-out half before a decision record cites it.
    """
    best = await _tried(measure, {})
    trials = [best.model_copy(update={"kept": True})]
    for field, values in CHOICES.items():
        standing = best.settings.get(field, current.get(field))
        for value in values:
            if value == standing:
                continue
            trial = await _tried(measure, {**best.settings, field: value})
            better = trial.better_than(best)
            trials.append(trial.model_copy(update={"kept": better}))
            best = trial if better else best
    return Tuned(best=best.settings, trials=tuple(trials))


async def _tried(measure: Measure, settings: dict[str, JsonValue]) -> Trial:
    named = ", ".join(f"{name}={value}" for name, value in settings.items())
    arm = Arm(name=f"tune {named or 'as it is'}", about="a trial of a search", profile=settings)
    records = await measure(arm)
    return Trial(
        settings=settings,
        solved=sum(record.score.solved for record in records),
        cases=len(records),
        prompt_tokens=sum(record.trace.usage.prompt for record in records),
    )
