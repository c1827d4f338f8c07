"""What the user's own runs teach: a nudge that never outweighs a clearly better match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import RunState, SettledCall, StepState
from orchestrator.core.tools import ToolOutcome, ToolSpec
from orchestrator.policy.priors import MOST_BONUS, NOTHING_LEARNT, Priors, learn, learn_sequences
from orchestrator.policy.shortlist import build_catalogue, shortlist

TOOLS = ("calendar.add", "email.draft", "email.send", "files.list", "ocr.read")
sequences = st.lists(st.lists(st.sampled_from(TOOLS), max_size=6), max_size=20)
places = st.one_of(st.none(), st.sampled_from(["", "files", "email", "nowhere"]))


def settled(step, tool, *, ok=True, reused=False):
    return SettledCall(
        id=f"{step}.0",
        step=step,
        parent=0,
        tool=tool,
        fingerprint=tool,
        effect="read",
        outcome=ToolOutcome(ok=ok),
        result="",
        world=0,
        reused=reused,
    )


def run(*calls, status="completed", steps="done"):
    names = dict.fromkeys(call.step for call in calls)
    states = tuple(
        StepState(step=PlanStep(id=name, intent="do it", namespace="files"), status=steps)
        for name in names
    )
    return RunState(status=status, steps=states, settled=calls)


@given(places)
def test_without_a_journal_no_tool_has_a_bonus(after):
    assert not NOTHING_LEARNT.bonus(TOOLS, after).any()


@given(sequences, places)
def test_a_bonus_is_never_negative_and_stays_below_its_bound(taught, after):
    bonus = learn_sequences(taught).bonus(TOOLS, after)
    assert len(bonus) == len(TOOLS)
    assert (bonus >= 0).all()
    assert (bonus < MOST_BONUS).all()


@given(sequences, places)
def test_a_clearly_closer_tool_stays_ahead(taught, after):
    specs = [ToolSpec(id=tool) for tool in TOOLS]
    catalogue = build_catalogue(specs, [Best("ocr.read")], priors=learn_sequences(taught))
    assert shortlist(catalogue, query="any", last_namespace=after).tools[0] == "ocr.read"


class Best:
    """Finds one tool, and no other, close to every query."""

    name = "minilm"

    def __init__(self, tool):
        self.tool = tool

    def index(self, documents):
        return self

    def scores(self, query):
        return [float(tool == self.tool) for tool in TOOLS]


def test_without_priors_a_shortlist_is_what_it_was():
    specs = [ToolSpec(id=tool) for tool in TOOLS]
    plain = shortlist(build_catalogue(specs, [Best("ocr.read")]), query="any")
    empty = shortlist(build_catalogue(specs, [Best("ocr.read")], priors=Priors()), query="any")
    assert plain == empty
    assert "priors" not in plain.entries[0].parts


def test_what_used_to_follow_wins_among_equals():
    taught = learn_sequences([["files.list", "ocr.read"]] * 3 + [["email.draft", "email.send"]])
    after_files = taught.bonus(TOOLS, "files")
    assert after_files.argmax() == TOOLS.index("ocr.read")
    assert taught.bonus(TOOLS, "email").argmax() == TOOLS.index("email.send")
    specs = [ToolSpec(id=tool) for tool in TOOLS]
    catalogue = build_catalogue(specs, [], priors=taught)
    assert shortlist(catalogue, query="any", last_namespace="files").tools[0] == "ocr.read"


def test_the_first_step_of_a_run_has_its_own_habits():
    taught = learn_sequences([["files.list", "ocr.read"]] * 3)
    assert taught.bonus(TOOLS, None).argmax() == TOOLS.index("files.list")


def test_more_runs_teach_more():
    few, many = (learn_sequences([["files.list"]] * count) for count in (1, 10))
    at = TOOLS.index("files.list")
    assert few.bonus(TOOLS, None)[at] < many.bonus(TOOLS, None)[at]


def test_a_step_over_many_items_counts_once():
    calls = [settled("s1", "files.list"), *[settled("s2", "ocr.read")] * 100]
    assert learn([run(*calls)]).uses == {"files.list": 1, "ocr.read": 1}
    assert learn([run(*calls)]).moves == {"": {"files.list": 1}, "files": {"ocr.read": 1}}


@pytest.mark.parametrize(
    "state",
    [
        run(settled("s1", "ocr.read"), status="failed"),
        run(settled("s1", "ocr.read"), steps="failed"),
        run(settled("s1", "ocr.read", ok=False)),
        run(settled("s1", "ocr.read", reused=True)),
    ],
    ids=["failed run", "failed step", "failed call", "answer from the cache"],
)
def test_only_success_teaches(state):
    assert learn([state]) == NOTHING_LEARNT


def test_no_tools_have_no_bonus():
    assert learn_sequences([["files.list"]]).bonus((), "files").size == 0
