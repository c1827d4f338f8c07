"""A score compares what was called with what a right solution calls, the same for every arm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.scoring import agrees, fixations, identical, score
from orchestrator.evals.traces import MadeCall, ModelUse, Trace

LIST, READ, RENAME = "filesystem.list_dir", "ocr.read_image", "filesystem.rename_file"
WRITE = "text.write"


def gold(tool, *, also=(), free=(), **arguments):
    return Gold(tool=tool, arguments=arguments, also=also, free=free)


def made(tool, *, ok=True, effect="read", result="r", reused=False, schema_ok=True, **arguments):
    return MadeCall(
        tool=tool,
        arguments=arguments,
        ok=ok,
        effect=effect,
        result=result,
        fingerprint=f"{tool} {sorted(arguments.items())}",
        reused=reused,
        schema_ok=schema_ok,
    )


def scored(golds, calls, failures=(), /, **fields):
    case = Case(id="c", goal="g", gold=tuple(golds), **{"calls": bool(golds), **fields})
    return score(case, Trace(status="completed", calls=tuple(calls)), failures)


def test_the_world_alone_says_whether_a_case_is_solved():
    assert scored([gold(LIST)], []).solved
    found = scored([gold(LIST)], [made(LIST)], ["notes.txt is missing."])
    assert (found.solved, found.failures) == (False, ("notes.txt is missing.",))


def test_the_first_tool_is_right_when_it_is_the_golds_or_one_as_good():
    one = gold(LIST, also=("filesystem.search_files",))
    assert scored([one], [made("filesystem.search_files"), made(READ)]).first_tool
    assert scored([one], [made(READ), made(LIST)]).first_tool is False
    assert scored([one], []).first_tool is False
    assert scored([one], [made(LIST, ok=False)]).first_tool
    assert scored([], [made(LIST)]).first_tool is None


def test_tools_are_the_share_of_gold_calls_made_in_order():
    golds = [gold(LIST), gold(READ), gold(RENAME)]
    swapped = scored(golds, [made(READ), made(LIST), made(RENAME)])
    assert (swapped.tools, swapped.in_order, swapped.wasted) == (2 / 3, False, 1)
    failed = scored(golds, [made(LIST), made(READ, ok=False), made(RENAME)])
    assert (failed.tools, failed.in_order) == (2 / 3, False)
    every = scored(golds, [made(LIST), made(READ), made(LIST), made(RENAME)])
    assert (every.tools, every.in_order, every.wasted) == (1.0, True, 1)


def test_without_gold_there_is_nothing_to_compare():
    found = scored([], [made(LIST)])
    assert (found.tools, found.arguments, found.in_order) == (None, None, None)
    assert (found.crossings, found.wasted) == (None, 1)
    assert scored([], []).valid is None


def test_of_equally_many_pairs_those_whose_arguments_agree_count():
    golds = [gold(LIST, path="/b")]
    calls = [made(LIST, path="/a"), made(LIST, path="/b"), made(LIST, path="/c")]
    assert scored(golds, calls).arguments == 1.0
    assert scored(golds, calls[:1]).arguments == 0.0
    two = [gold(LIST, path="/a"), gold(LIST, path="/b")]
    assert scored(two, calls[1:]).arguments == 0.0
    assert scored([gold(LIST, path="/b"), gold(READ)], calls).arguments == 0.5


@pytest.mark.parametrize(
    ("wanted", "given_value"),
    [
        ("{office}/Inbox", "/tmp/x/office/Inbox/"),
        ("{office}/Inbox/", "/other/inbox"),
        ("Packing  List", "packing list"),
        (3, 3.0),
        ([1, "A"], [1.0, "a"]),
        ({"to": ["{office}/a.txt"]}, {"to": ["/o/a.txt"]}),
        (None, None),
        (True, True),
        ("{s2.path}", "anything"),
        ("Total: {s1.text}", "whatever it was"),
        (["{s1.entries.0.path}"], []),
    ],
)
def test_arguments_agree_when_they_say_the_same(wanted, given_value):
    assert agrees(gold(LIST, value=wanted), made(LIST, value=given_value))


@pytest.mark.parametrize(
    ("wanted", "given_value"),
    [
        ("{office}/Inbox", "/tmp/x/office/Desktop"),
        ("{office}/Inbox", "/tmp/MyInbox"),
        ("{size} of it", "anything"),
        ("3", 3),
        (1, True),
        (False, 0),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}),
        (None, "x"),
    ],
)
def test_arguments_that_say_something_else_do_not_agree(wanted, given_value):
    assert not agrees(gold(LIST, value=wanted), made(LIST, value=given_value))


def test_a_free_argument_may_say_anything_and_what_the_gold_leaves_out_is_not_looked_at():
    assert agrees(gold(LIST, free=("text",), text="a", path="/p"), made(LIST, path="/p"))
    assert agrees(gold(LIST, path="/p"), made(LIST, path="/p", deep=True))
    assert agrees(gold(LIST, path="/p", expect="words"), made(LIST, path="/p"))
    assert not agrees(gold(LIST, path="/p"), made(LIST))


def test_crossings_are_the_golds_changes_of_namespace():
    golds = [gold(LIST), gold(READ), gold(WRITE), gold(RENAME)]
    assert scored(golds, [made(LIST), made(READ), made(RENAME)]).crossings == 1.0
    assert scored(golds, [made(READ), made(WRITE), made(RENAME)]).crossings == 0.5
    assert scored(golds, [made(LIST), made(READ, ok=False), made(RENAME)]).crossings == 0.0
    assert scored([gold(LIST), gold(RENAME)], []).crossings is None
    assert scored([gold("add"), gold("mul")], [made("add"), made("mul")]).crossings == 1.0


def test_built_in_tools_may_be_used_or_not():
    golds = [gold(LIST), gold(WRITE), gold(RENAME)]
    without = scored(golds, [made(LIST), made(RENAME)])
    beside = scored(golds, [made(LIST), made(WRITE), made(WRITE), made(RENAME)])
    for found in (without, beside):
        assert (found.tools, found.in_order, found.wasted) == (1.0, True, 0)


def test_a_fixation_repeats_the_very_call_before_with_the_same_result():
    assert fixations([made(LIST), made(LIST), made(LIST)]) == 2
    assert fixations([made(LIST), made(READ), made(LIST)]) == 0
    assert fixations([made(LIST), made(LIST, result="other")]) == 0
    assert fixations([made(LIST, path="a"), made(LIST, path="b")]) == 0


def test_an_identical_call_repeats_any_earlier_one_in_an_unchanged_world():
    assert identical([made(LIST), made(READ), made(LIST)]) == 1
    wrote = made(RENAME, effect="local_write")
    assert identical([made(LIST), wrote, made(LIST)]) == 0
    failed = made(RENAME, effect="local_write", ok=False)
    assert identical([made(LIST), failed, made(LIST)]) == 1
    assert identical([wrote, wrote]) == 1


def test_what_was_answered_from_what_was_known_is_no_call():
    found = scored([gold(LIST)], [made(LIST), made(LIST, reused=True)])
    assert (found.fixations, found.identical, found.wasted) == (0, 0, 0)


def test_valid_is_the_share_of_calls_that_fitted_their_schema():
    assert scored([], [made(LIST), made(LIST, schema_ok=False)]).valid == 0.5


def test_call_or_not_says_whether_tools_were_called_exactly_if_needed():
    assert scored([gold(LIST)], [made(LIST)]).call_or_not
    assert not scored([gold(LIST)], []).call_or_not
    assert scored([], []).call_or_not
    assert not scored([], [made(LIST)]).call_or_not
    assert scored([], [made(LIST)], calls=True).call_or_not


def test_a_decision_is_right_when_its_last_tool_is_one_of_the_golds():
    uses = (
        ModelUse(purpose="plan"),
        ModelUse(purpose="choose", decision=0, tool=READ),
        ModelUse(purpose="choose", decision=0, tool=LIST),
        ModelUse(purpose="arguments", decision=0),
        ModelUse(purpose="choose", decision=1, tool=RENAME),
    )
    case = Case(id="c", goal="g", gold=(gold(LIST),))
    trace = Trace(status="completed", model=uses)
    assert score(case, trace, []).right == {0: True, 1: False}
    assert score(case.model_copy(update={"gold": ()}), trace, []).right == {}


def test_plan_length_is_steps_planned_over_steps_needed():
    case = Case(id="c", goal="g", steps=4)
    assert score(case, Trace(status="completed", plan_steps=3), []).plan_length == 0.75
    assert score(case, Trace(status="completed"), []).plan_length is None


TOOLS = st.sampled_from([LIST, READ, RENAME, "mail.send_mail", WRITE])
GOLDS = st.lists(
    st.builds(
        lambda tool, path: gold(tool, path=path), TOOLS, st.sampled_from(["/a", "{office}/b", 7])
    ),
    min_size=1,
    max_size=6,
)
CALLS = st.lists(
    st.builds(
        lambda tool, path, ok: made(tool, path=path, ok=ok),
        TOOLS,
        st.sampled_from(["/a", "/x/b", 7]),
        st.booleans(),
    ),
    max_size=8,
)


@given(GOLDS)
def test_a_run_that_makes_exactly_the_gold_calls_has_every_share_whole(golds):
    calls = [made(g.tool, path=str(g.arguments["path"]).replace("{office}", "/o")) for g in golds]
    calls = [
        call if g.arguments["path"] != 7 else made(g.tool, path=7)
        for g, call in zip(golds, calls, strict=True)
    ]
    found = scored(golds, calls)
    shares = (found.tools, found.arguments, found.crossings, found.valid)
    assert set(shares) <= {1.0, None}
    assert found.first_tool in {True, None}
    assert found.in_order in {True, None}
    assert found.wasted == 0


@given(GOLDS, CALLS, st.integers(0, 8))
def test_an_unrelated_call_more_never_raises_tools_or_arguments(golds, calls, at):
    more = [*calls[:at], made("clock.now"), *calls[at:]]
    before, after = scored(golds, calls), scored(golds, more)
    assert (after.tools, after.arguments) == (before.tools, before.arguments)
    assert after.wasted == before.wasted + 1


@given(GOLDS, CALLS)
def test_shares_are_shares_and_arguments_never_exceed_tools(golds, calls):
    found = scored(golds, calls)
    for share in (found.tools, found.arguments, found.crossings, found.valid):
        assert share is None or 0.0 <= share <= 1.0
    assert (found.arguments or 0.0) <= (found.tools or 0.0)
