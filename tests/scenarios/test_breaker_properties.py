"""However a model behaves, nothing is repeated in an unchanged world and the run keeps its limits.

The first half plays random scripts against the guards alone, in a world that answers as it
likes; the second half lets an unruly planner, which also talks nonsense, loose on a whole run.
"""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.chat import Choice
from orchestrator.core.errors import ToolFailed
from orchestrator.core.events import CallIntended, ModelCalled, PlanMade, ToolsDisclosed
from orchestrator.core.runs import Budget, RunState
from orchestrator.journal.fold import fold
from orchestrator.policy.loops import EQUAL_ERRORS, TRIES_OF_A_PLAN
from orchestrator.prompting.transcript import SEARCH
from tests.fakes.breaking import play
from tests.fakes.looping import ALLOWED, repeats
from tests.fakes.office import Office, entries_of, events, plan, step
from tests.fakes.scripts import Turn
from tests.fakes.tools import InMemoryToolset, tool

pytestmark = pytest.mark.anyio

SPELLINGS = ["tax", "Tax", " tax", "tax/", "rent"]
READS, WRITES = ("a.look", "a.find", "b.look"), ("a.put", "b.send")


def turns(tools, errors=("",)):
    """Single calls and fan-outs with arguments from a small pool and any result."""
    return st.builds(
        lambda name, words, error, said: Turn(
            tool=name,
            calls=tuple({"about": word} for word in words),
            gives=tuple({"said": said} for _ in words),
            error=error,
            effect="read" if name in READS else "local_write",
        ),
        st.sampled_from(tools),
        st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=3),
        st.sampled_from(errors),
        st.integers(0, 1),
    )


@settings(max_examples=40)
@given(st.lists(turns(READS + WRITES, ("", "", "busy")), min_size=1, max_size=40), st.booleans())
def test_no_script_makes_a_call_again_to_the_same_result(script, each):
    assert play(script, each=each).repeats == []


@settings(max_examples=40)
@given(st.lists(turns(READS), min_size=1, max_size=60), st.booleans())
def test_in_a_world_nobody_writes_to_a_call_is_made_once(script, each):
    played = play(script, each=each)
    assert max(Counter(played.executed).values()) == 1


@settings(max_examples=40)
@given(st.lists(turns(READS[:2], ("busy",)), min_size=1, max_size=60))
def test_a_call_that_only_fails_is_given_up(script):
    """Three times under the first plan, and as often as a new plan may try."""
    played = play(script)
    single = Counter(key for _, key in played.executed)
    assert len(played.state.settled) <= sum(len(turn.calls) for turn in script)
    if all(len(turn.calls) == 1 for turn in script):
        assert max(single.values()) <= EQUAL_ERRORS + TRIES_OF_A_PLAN


@settings(max_examples=20)
@given(turns(READS + WRITES), st.booleans())
def test_the_same_turn_for_ever_is_stopped_for_good(turn, each):
    played = play([turn] * 30, each=each)
    assert len(played.executed) <= len(turn.calls)
    assert each or played.verdicts[-1].kind == "stop"


LIMITS = Budget(turns=10, replans=2, tool_calls=12, model_calls=40, prompt_tokens=12_000)
SLACK = 6
"""Calls of the model that a turn or a plan which has begun may still make."""
GIBBERISH = ["", "I will do that.", "{", '{"about": }', "null", '{"steps": []}', "a" * 9000]


class Unruly:
    """Answers with what its form admits, with something near it, or with nonsense."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._nonsense = self._random.choice([0.0, 0.1, 0.3, 0.9])

    def __call__(self, request):
        if self._random.random() < self._nonsense:
            return self._random.choice(GIBBERISH)
        if isinstance(request.constraint, Choice):
            options = request.constraint.options
            return (
                SEARCH if SEARCH in options and self._random.random() < 0.2 else self._one(options)
            )
        schema = request.constraint.json_schema
        if '"steps"' in str(schema).replace("'", '"'):
            return self._planned(schema)
        return {name: self._one(SPELLINGS) for name in schema["properties"]}

    def _one(self, options):
        return self._random.choice(options)

    def _planned(self, schema):
        forms = [form for form in schema.get("anyOf", [schema]) if "steps" in form["properties"]]
        ids = forms[0]["properties"]["steps"]["items"]["properties"]["id"]["enum"]
        count = self._random.randint(1, 4)
        return plan(*(step(i, f"do {i}", self._one(["a", "b"])) for i in ids[:count]))


def world(seed):
    """Tools that answer from a small pool of results, or fail, as they please."""
    chance = random.Random(seed)

    def answer(about):
        if chance.random() < 0.2:
            raise ToolFailed("busy")
        return {"said": chance.randint(0, 1)}

    reads = [tool(name, f"To {name}.", answer, about="string") for name in READS]
    writes = [
        tool(name, f"To {name}.", answer, effect="local_write", about="string") for name in WRITES
    ]
    return InMemoryToolset([*reads, *writes])


async def unruly(seed):
    office = Office()
    planner = itertools.repeat(Unruly(seed))
    made = office.orchestrator(planner, toolset=world(seed), rules=ALLOWED)
    return await entries_of(made.stream(office.request(goal="Do it.", budget=LIMITS)))


@settings(max_examples=18)
@given(st.integers(0, 10**6))
async def test_an_unruly_planner_is_held_to_every_limit(seed):
    entries = await unruly(seed)
    assert entries[-1].event.type == "run_ended"
    assert repeats(entries) == []
    assert len(events(entries, CallIntended)) <= LIMITS.tool_calls
    assert len(events(entries, ToolsDisclosed)) <= LIMITS.turns
    assert len(events(entries, PlanMade)) <= LIMITS.replans + 1
    assert len(events(entries, ModelCalled)) <= LIMITS.model_calls + SLACK
    assert tokens_at_turns(entries)[-1:] < [LIMITS.prompt_tokens]


def tokens_at_turns(entries):
    """The prompt tokens spent when each turn began, in order."""
    state, spent = RunState(), []
    for entry in entries:
        if isinstance(entry.event, ToolsDisclosed):
            spent.append(state.usage.prompt)
        state = fold(state, entry)
    return spent
