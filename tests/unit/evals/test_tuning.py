"""The search climbs: what is better is kept, and what comes after is tried with it."""

import pytest

from orchestrator.core.chat import Usage
from orchestrator.core.roles import Profile
from orchestrator.evals.traces import ModelUse, Trace
from orchestrator.evals.tuning import CHOICES, Trial, tune

pytestmark = pytest.mark.anyio

CURRENT = Profile(name="m").model_dump()


class Landscape:
    """Says what settings come to: `solved` of ten cases, for so many prompt tokens."""

    def __init__(self, maker, worth):
        self.arms = []
        self._maker, self._worth = maker, worth

    async def __call__(self, arm):
        self.arms.append(arm)
        solved, tokens = self._worth({**CURRENT, **arm.profile})
        return [self._record(at, at < solved, tokens) for at in range(10)]

    def _record(self, at, solved, tokens):
        use = ModelUse(purpose="choose", usage=Usage(prompt=tokens))
        trace = Trace(status="completed", model=(use,))
        return self._maker.record(f"case-{at}", solved=solved, trace=trace)


async def test_what_solves_more_is_kept_and_carried_into_the_next_trials(maker):
    def worth(settings):
        better = (settings["shortlist_k"] == 12) + 2 * (settings["examples"] == "none")
        return 4 + better, 100

    land = Landscape(maker, worth)
    found = await tune(land, CURRENT)
    assert found.best == {"shortlist_k": 12, "examples": "none"}
    assert found.trials[0].kept
    assert [trial.settings for trial in found.trials if trial.kept] == [
        {},
        {"shortlist_k": 12},
        {"shortlist_k": 12, "examples": "none"},
    ]
    assert found.trials[-1].settings == {**found.best, "generated_examples": True}
    assert {arm.kind for arm in land.arms} == {"ferryman"}
    assert len({arm.name for arm in land.arms}) == len(land.arms) == len(found.trials)


async def test_a_tie_goes_to_fewer_prompt_tokens_and_else_to_what_stands(maker):
    found = await tune(
        Landscape(maker, lambda at: (5, 80 if at["transcript"] == "step" else 100)), CURRENT
    )
    assert found.best == {"transcript": "step"}
    assert (found.trials[0].solved, found.trials[0].cases) == (5, 10)
    assert found.trials[0].prompt_tokens == 1000


async def test_where_nothing_is_better_the_profile_stays(maker):
    found = await tune(Landscape(maker, lambda _at: (5, 100)), CURRENT)
    assert found.best == {}
    assert [trial.kept for trial in found.trials] == [True] + [False] * (len(found.trials) - 1)


async def test_the_profiles_own_values_are_not_tried_again(maker):
    land = Landscape(maker, lambda _at: (5, 100))
    await tune(land, CURRENT)
    for field in CHOICES:
        assert CURRENT[field] not in [a.profile[field] for a in land.arms if field in a.profile]
    assert len(land.arms) == 1 + sum(
        value != CURRENT[field] for field, values in CHOICES.items() for value in values
    )


async def test_fewer_solved_is_never_better_however_cheap():
    one, other = ({"settings": {}, "cases": 9, "solved": n} for n in (4, 5))
    assert not Trial(**one, prompt_tokens=1).better_than(Trial(**other, prompt_tokens=9))
    assert Trial(**other, prompt_tokens=9).better_than(Trial(**one, prompt_tokens=1))
