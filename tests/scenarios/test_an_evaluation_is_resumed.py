"""A suite is carried case by case; what was stopped goes on with the rest."""

import itertools
import re

import pytest

from orchestrator.core.chat import ChatReply, Choice
from orchestrator.core.errors import BackendUnavailable
from orchestrator.evals.carrying import Limits
from orchestrator.evals.keeping import EvaluationFolder
from orchestrator.evals.runner import evaluate
from tests.fakes.evaluations import (
    DRAFT,
    FakeSuite,
    FakeWorld,
    case,
    evaluation,
    measuring,
    workbench,
)
from tests.fakes.office import LIST, RENAME, plan, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

RENAMES = plan(step("s1", "rename draft.txt to its new name", "filesystem"))
NOW = re.compile(r"Now rename draft\.txt to (\w+)\.txt")
FIRST = re.compile(r"Rename draft\.txt to (\w+)\.txt")


def wanted_name(request):
    """The new name that the goal asks for, a further turn's before the first's."""
    said = " ".join(message.content for message in request.messages)
    return f"{(NOW.findall(said) or FIRST.findall(said))[-1]}.txt"


class Planner:
    """Renames the draft as the goal says, whatever form the question has."""

    def __init__(self, dies_at=0):
        self.asked = 0
        self._dies_at = dies_at

    def __call__(self, request):
        self.asked += 1
        if self._dies_at and self.asked >= self._dies_at:
            raise BackendUnavailable("The model has gone.")
        return self._reply(request, wanted_name(request))

    def _reply(self, request, new_name):
        if isinstance(request.constraint, Choice):
            return RENAME
        arguments = {"path": DRAFT, "new_name": new_name}
        asked = request.messages[-1].content
        if asked.startswith("Arguments of "):
            return {"path": "$folder.Desktop/draft.txt", "new_name": new_name}
        if request.constraint is not None:
            return RENAMES
        if asked.startswith("<tool_response>"):
            return "It is renamed."
        return {"name": RENAME, "arguments": arguments}


@pytest.fixture
def folder(tmp_path):
    return EvaluationFolder(tmp_path / "evaluation")


CASES = [case(name) for name in ("one", "two", "three", "four")]


@pytest.mark.parametrize("arm", ["ferryman", "bare", "native", "ferryman-one-stage"])
async def test_every_case_gets_a_record_under_every_kind_of_arm(folder, arm):
    planner = OneReply() if arm == "ferryman-one-stage" else Planner()
    bench, suite = workbench(planner), FakeSuite(CASES)
    begun, told = [], []
    await evaluate(
        evaluation(suite, bench, folder, arm=arm, seed=7),
        on_begin=lambda done, of: begun.append((done, of)),
        on_record=told.append,
    )
    records = folder.records()
    assert records == told
    assert begun == [(0, 4)]
    assert [record.case for record in records] == suite.worlds[0].begun
    assert [record.case for record in records] == ["one", "two", "three", "four"]
    assert all(record.score.solved for record in records), records[0].score
    assert {(r.arm, r.model, r.seed, r.kind) for r in records} == {(arm, "script", 7, "single")}
    score = records[0].score
    assert (score.first_tool, score.tools, score.arguments, score.wasted) == (True, 1.0, 1.0, 0)
    assert (score.valid, score.call_or_not, score.right) == (1.0, True, {0: True})


class OneReply(Planner):
    """Says the tool and its arguments at once."""

    def __call__(self, request):
        said = super().__call__(request)
        if not request.messages[-1].content.endswith('JSON with "tool" and "arguments"?'):
            return said
        arguments = {"path": "$folder.Desktop/draft.txt", "new_name": wanted_name(request)}
        return {"tool": RENAME, "arguments": arguments}


async def test_a_run_of_ferryman_leaves_a_journal_and_a_loop_none(folder):
    bench, suite = workbench(Planner()), FakeSuite(CASES[:2])
    await evaluate(evaluation(suite, bench, folder))
    assert {record.run_id for record in folder.records()} == set(bench.store.rows)
    await evaluate(evaluation(suite, bench, folder, arm="bare"))
    loops = [record for record in folder.records() if record.arm == "bare"]
    assert [record.run_id for record in loops] == ["", ""]
    assert {measured.arm for measured in folder.measured().values()} == {"ferryman", "bare"}


@pytest.mark.parametrize("arm", ["ferryman", "bare"])
async def test_what_was_stopped_in_the_middle_carries_only_the_rest(folder, arm):
    dies_at = {"ferryman": 8, "bare": 6}[arm]
    first = FakeSuite(CASES)
    with pytest.raises(ExceptionGroup) as raised:
        await evaluate(evaluation(first, workbench(Planner(dies_at)), folder, arm=arm))
    [error] = raised.value.exceptions
    assert isinstance(error, BackendUnavailable)
    assert [record.case for record in folder.records()] == ["one", "two"]

    again, begun = FakeSuite(CASES), []
    await evaluate(
        evaluation(again, workbench(Planner()), folder, arm=arm),
        on_begin=lambda done, of: begun.append((done, of)),
    )
    assert begun == [(2, 4)]
    assert again.worlds[0].begun == ["three", "four"]
    assert [record.case for record in folder.records()] == ["one", "two", "three", "four"]


async def test_a_torn_record_is_carried_again(folder):
    await evaluate(evaluation(FakeSuite(CASES[:2]), workbench(Planner()), folder))
    path = folder.path / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    again = FakeSuite(CASES[:2])
    await evaluate(evaluation(again, workbench(Planner()), folder))
    assert again.worlds[0].begun == ["two"]
    assert [record.case for record in folder.records()] == ["one", "two"]


async def test_when_something_else_is_measured_every_case_is_carried_again(folder):
    suite, bench = FakeSuite(CASES[:2]), workbench(Planner())
    await evaluate(evaluation(suite, bench, folder))
    changed = evaluation(suite, bench, folder, measured=measuring("ferryman", code="other"))
    await evaluate(changed)
    assert suite.worlds[1].begun == ["one", "two"]
    assert len(folder.records()) == 4


async def test_two_workers_share_the_cases_in_worlds_of_their_own(folder):
    suite = FakeSuite(CASES)
    await evaluate(evaluation(suite, workbench(Planner()), folder, parallel=2))
    assert len(suite.worlds) == 2
    assert sorted(suite.worlds[0].begun + suite.worlds[1].begun) == sorted(c.id for c in CASES)
    assert all(world.begun for world in suite.worlds)
    assert all(record.score.solved for record in folder.records())


async def test_a_world_may_change_its_tools_with_every_case(folder):
    suite = FakeSuite(CASES[:3], world=lambda: FakeWorld(anew=True))
    await evaluate(evaluation(suite, workbench(Planner()), folder))
    assert [record.score.solved for record in folder.records()] == [True] * 3
    assert len(folder.measured()) == 1


async def test_a_case_that_fails_says_what_its_world_found(folder):
    def useless(request):
        return RENAMES if request.constraint and not isinstance(request.constraint, Choice) else "?"

    suite = FakeSuite(CASES[:1])
    await evaluate(evaluation(suite, workbench(useless), folder, arm="bare"))
    [record] = folder.records()
    assert (record.score.solved, record.trace.status) == (False, "answered")
    assert record.score.failures == ("/home/ana/Desktop/one.txt is missing.",)
    assert (record.score.first_tool, record.score.call_or_not) == (False, False)


async def test_no_arm_may_decide_more_often_than_the_case_allows(folder):
    lists = itertools.repeat({"name": LIST, "arguments": {"path": "/home/ana/Desktop"}})
    suite, limits = FakeSuite(CASES[:1]), Limits(most_decisions=3)
    await evaluate(evaluation(suite, workbench(lists), folder, arm="bare", limits=limits))
    [record] = folder.records()
    assert record.trace.status == "out_of_rounds"
    assert len(record.trace.calls) == 3
    assert (record.score.fixations, record.score.identical) == (2, 2)
    assert Limits().decisions(CASES[0]) == 5
    assert limits.decisions(CASES[0]) == 3


async def test_without_its_guard_a_run_repeats_what_it_would_not_with_it(folder):
    def stubborn(request):
        if isinstance(request.constraint, Choice):
            return LIST if LIST in request.constraint.options else "disk.check"
        if request.messages[-1].content.startswith("Arguments of "):
            return {"path": "$folder.Desktop"}
        return plan(step("s1", "check the disk", "disk"))

    check = tool("disk.check", "Check the disk.", lambda path: {"checked": path}, path="string")
    for arm in ("ferryman", "ferryman-no-guard"):
        suite = FakeSuite(CASES[:1], world=lambda: FakeWorld(more=[check]))
        await evaluate(evaluation(suite, workbench(stubborn), folder, arm=arm))
    guarded, free = folder.records()
    assert guarded.score.fixations == 0 < free.score.fixations
    assert guarded.trace.refused > 0 == free.trace.refused


CHAT = case("two", "Rename draft.txt to one.txt.", turns=("Now rename draft.txt to two.txt.",))


class Talking(FakeWorld):
    """Puts the draft back after each turn."""

    async def turn_done(self, case, index, trace):
        await super().turn_done(case, index, trace)
        self.files.content[DRAFT] = ""


@pytest.mark.parametrize("arm", ["ferryman", "bare"])
async def test_the_turns_of_a_conversation_are_one_case(folder, arm):
    suite, bench = FakeSuite([CHAT], world=Talking), workbench(Planner())
    await evaluate(evaluation(suite, bench, folder, arm=arm))
    [record] = folder.records()
    ended = {"ferryman": "completed", "bare": "answered"}[arm]
    assert suite.worlds[0].said == [("two", 0, ended), ("two", 1, ended)]
    assert record.score.solved
    assert [call.arguments["new_name"] for call in record.trace.calls] == ["one.txt", "two.txt"]
    decisions = [call.decision for call in record.trace.calls]
    assert decisions[0] == 0 < decisions[1]
    said = bench.roles["planner"].backend.requests[-1].messages
    assert any("one.txt" in message.content for message in said)


async def test_a_model_that_fails_once_is_a_failed_case_and_no_end(folder):
    class Cut:
        async def stream(self, request):
            del request
            yield ChatReply(text='{"name": "fil', truncated=True)

    bench = workbench([])
    player = bench.roles["planner"].__class__(Cut(), bench.roles["planner"].profile)
    bench = workbench([], roles={**bench.roles, "planner": player})
    await evaluate(evaluation(FakeSuite(CASES[:2]), bench, folder, arm="native"))
    assert [record.trace.status for record in folder.records()] == ["failed", "failed"]
