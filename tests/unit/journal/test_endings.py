"""How a run ends: once it is wholly carried out, nothing that comes late changes that."""

from orchestrator.core.events import RunEnded, RunResumed
from orchestrator.core.runs import RunState
from orchestrator.journal.fold import fold


def after(*happened):
    state = RunState()
    for event in happened:
        state = fold(state, event)
    return state


def test_what_is_completed_stays_completed():
    late = RunEnded(status="cancelled", error="too late", code="run_cancelled")
    state = after(RunEnded(status="completed"), late)
    assert (state.status, state.error) == ("completed", "")


def test_what_is_incomplete_may_go_on():
    state = after(RunEnded(status="incomplete", error="one is missing"), RunResumed())
    assert (state.status, state.error) == ("running", "")
