"""Every loop of the corpus is broken within its bound, by the guards alone and in a run."""

import pytest

from tests.fakes.breaking import play
from tests.fakes.looping import LIMITS, run_script
from tests.fakes.scripts import corpus

pytestmark = pytest.mark.anyio

LOOPS = corpus("loops")
JUDGED = [script for script in LOOPS if script.steps != "graph"]


def calls(script):
    return sum(len(turn.calls) for turn in script.turns)


def test_the_corpus_is_large_and_every_loop_has_its_own_name():
    assert len(LOOPS) >= 44
    assert len({script.name for script in LOOPS}) == len(LOOPS)


@pytest.mark.parametrize("script", JUDGED, ids=str)
def test_a_loop_is_longer_than_its_bound(script):
    assert script.bound < calls(script)
    assert script.story


@pytest.mark.parametrize("script", JUDGED, ids=str)
def test_the_guards_break_a_loop_within_its_bound(script):
    played = play(script.turns, namespace=script.namespace)
    assert len(played.executed) <= script.bound
    assert played.objections or played.answered or played.shared
    assert played.repeats == []


@pytest.mark.parametrize("script", LOOPS, ids=str)
async def test_a_run_of_a_loop_ends_within_its_bound(script):
    run = await run_script(script)
    assert run.end.type == "run_ended"
    assert len(run.made) <= (script.graph_bound or script.bound)
    assert run.repeats == []
    assert run.turns <= LIMITS.turns


@pytest.mark.parametrize("script", [s for s in JUDGED if len(s.turns) > 8], ids=str)
def test_a_loop_that_never_gives_up_is_stopped_for_good(script):
    """Played for long enough, everything ends with the typed reason, never in silence."""
    played = play(script.turns * 6, namespace=script.namespace)
    assert played.objections[-1].code == "loop_detected"
    assert played.repeats == []
