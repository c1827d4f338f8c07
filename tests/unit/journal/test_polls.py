"""A call that is repeated to wait for something: what it found last is what it found."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.chat import Usage
from orchestrator.core.events import CallIntended, CallProposed, CallSettled, PlanMade, RunStarted
from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.plans import Plan
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.journal.fold import fold
from tests.fakes.states import plan_step, proposal

CALL = ToolCall(tool="build.status", arguments={})
FINGERPRINT = call_fingerprint(CALL.tool, CALL.arguments)


def begun():
    proposed = proposal("build.status").model_copy(update={"id": "p1"})
    return after(
        RunState(),
        RunStarted(request=RunRequest(goal="wait")),
        PlanMade(plan=Plan(steps=(plan_step(namespace="build"),))),
        CallProposed(proposal=proposed),
        settled("running"),
    )


def after(state, *events):
    for event in events:
        state = fold(state, event)
    return state


def intended():
    return CallIntended(id="p1.0", step="s1", parent=-1, call=CALL)


def settled(status, poll=0, *, ok=True):
    outcome = ToolOutcome(
        ok=ok,
        data={"status": status} if ok else None,
        error="" if ok else "busy",
        usage=Usage(prompt=2),
        model_calls=1,
    )
    return CallSettled(
        id="p1.0",
        step="s1",
        parent=-1,
        tool="build.status",
        fingerprint=FINGERPRINT,
        outcome=outcome,
        poll=poll,
    )


def found(state):
    return [call.outcome.data["status"] for call in state.settled]


def test_what_it_found_takes_the_place_of_what_it_had_found():
    state = after(begun(), intended(), settled("done", 1))
    assert found(state) == ["done"]
    assert state.steps[0].calls == ("p1.0",)


def test_it_counts_as_a_call_with_all_that_it_cost():
    state = after(begun(), intended(), settled("done", 1))
    assert (state.executed, state.model_calls, state.usage.prompt) == (2, 2, 4)


def test_a_look_that_failed_leaves_what_was_found():
    state = after(begun(), intended(), settled("", 1, ok=False))
    assert (found(state), state.polls) == (["running"], 1)


def test_its_intent_is_open_until_it_settles():
    looking = after(begun(), intended())
    assert [intent[0] for intent in looking.intended] == ["p1.0"]
    assert after(looking, settled("done", 1)).intended == ()


def test_other_calls_stay_as_they_are():
    other = settled("else").model_copy(update={"id": "p0.0"})
    assert found(after(begun(), other, intended(), settled("done", 1))) == ["done", "else"]


def test_a_new_proposal_counts_anew():
    state = after(begun(), settled("done", 3))
    assert state.polls == 3
    again = proposal("build.status").model_copy(update={"id": "p2"})
    assert after(state, CallProposed(proposal=again)).polls == 0


@given(st.lists(st.tuples(st.sampled_from(["running", "done"]), st.booleans()), max_size=12))
def test_however_often_it_is_repeated_one_call_stands_for_all(looks):
    state = begun()
    for poll, (status, ok) in enumerate(looks, 1):
        state = after(state, intended(), settled(status, poll, ok=ok))
    assert len(state.settled) == 1
    assert found(state) == [([s for s, ok in looks if ok] or ["running"])[-1]]
    assert (state.polls, state.executed) == (len(looks), len(looks) + 1)
