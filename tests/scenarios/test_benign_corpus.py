"""No honest work of the corpus is stopped, refused or sent elsewhere."""

import json
import re
from pathlib import Path

import pytest

from tests.fakes.breaking import play
from tests.fakes.looping import plannable, run_script
from tests.fakes.scripts import Turn, corpus

pytestmark = pytest.mark.anyio

BENIGN = corpus("benign")
IN_ONE_STEP = [script for script in BENIGN if script.steps != "each"]
PLANNABLE = [script for script in BENIGN if plannable(script)]
TRAJECTORIES = (
    Path(__file__).parents[2] / "../shared/data/loops/livemcp_trajectories.dev.jsonl"
).resolve()


def test_the_corpus_is_large_and_every_script_has_its_own_name():
    assert len(BENIGN) >= 44
    assert len({script.name for script in BENIGN}) == len(BENIGN)
    assert len(PLANNABLE) >= 30


@pytest.mark.parametrize("script", BENIGN, ids=str)
def test_nothing_is_objected_to_in_steps_of_their_own(script):
    played = play(script.turns, each=True, namespace="")
    assert played.objections == []
    assert played.repeats == []


@pytest.mark.parametrize("script", IN_ONE_STEP, ids=str)
def test_nothing_is_objected_to_within_one_step(script):
    played = play(script.turns, namespace=script.namespace)
    assert played.objections == []
    assert played.repeats == []


@pytest.mark.parametrize("script", PLANNABLE, ids=str)
async def test_a_run_of_it_is_completed(script):
    run = await run_script(script)
    assert run.objections == []
    assert (run.end.status, run.end.error) == ("completed", "")
    assert run.repeats == []


def trajectories():
    """Runs of a strong model on real tools, where the data lies beside the checkout."""
    if not TRAJECTORIES.is_file():
        return []
    return [json.loads(line) for line in TRAJECTORIES.read_text("utf-8").splitlines()]


WRITING = re.compile(r"create|write|add|update|delete|send|set|draw|save|fill|generate|load")


def as_turns(trajectory):
    """Its calls as turns; the tool's name is all that says whether it writes."""
    return [
        Turn(
            tool=f"agent.{call['tool']}",
            calls=(call["args"],),
            gives=({"digest": call["result_sha"]},),
            error=call["result_head"] if _failed(call) else "",
            effect="local_write" if _writes(call) else "read",
        )
        for call in trajectory["calls"]
    ]


def _failed(call):
    return call["error"] or call["result_head"].startswith("Tool call timed out")


def _writes(call):
    return bool(WRITING.search(str(call["args"].get("tool_name", "")).lower()))


@pytest.mark.parametrize("trajectory", trajectories(), ids=lambda one: one["id"][:8])
def test_no_real_trajectory_is_objected_to(trajectory):
    assert play(as_turns(trajectory), each=True).objections == []


@pytest.mark.parametrize("trajectory", trajectories(), ids=lambda one: one["id"][:8])
def test_no_real_trajectory_is_stopped_within_one_step(trajectory):
    played = play(as_turns(trajectory))
    assert not {verdict.kind for verdict in played.objections} & {"replan", "stop"}
    if not trajectory["exact_repeats"]:
        assert played.objections == []
