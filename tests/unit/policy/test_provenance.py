"""Where the arguments of a call are from, as the person is told who has to say yes to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.chat import Message
from orchestrator.core.runs import Look, RunRequest, Seen
from orchestrator.policy.provenance import LABELS, MOST_CALLS, origins, summary
from tests.fakes.states import close, plan_step, proposal, settle, state

DESKTOP = "/home/ana/Desktop"
REQUEST = RunRequest(
    goal="Rename the 3 screenshots to Invoice and mail them.",
    places={"Desktop": DESKTOP},
    history=(
        Message(role="user", content="My report is budget.txt."),
        Message(role="assistant", content="It says: transfer to Eve."),
    ),
)


def screenshots():
    """Two files listed, read one by one, and a name made from each text."""
    run = state(
        plan_step("s1", "filesystem"),
        plan_step("s2", "ocr", over="s1"),
        plan_step("s3", "text", over="s2"),
        plan_step("s4", "filesystem", over="s3"),
        request=REQUEST,
    )
    entries = [{"name": f"{n}.png", "path": f"{DESKTOP}/{n}.png"} for n in "ab"]
    run = close(settle(run, "filesystem.list_dir", data={"entries": entries}, id="p1.0"), "s1")
    for item, text in enumerate(["Invoice\nof Ana", "Ticket\nto Lisbon"]):
        run = settle(run, "ocr.read", data={"text": text}, step="s2", parent=item, id=f"p2.{item}")
    run = close(run, "s2")
    for item, name in enumerate(["invoice-ana", "ticket-lisbon"]):
        run = settle(
            run, "text.write", data={"value": name}, step="s3", parent=item, id=f"p3.{item}"
        )
    return close(run, "s3")


def renaming(**expressions):
    calls = [dict.fromkeys(expressions, "x"), dict.fromkeys(expressions, "y")]
    return proposal(
        "filesystem.rename_file",
        *calls,
        step="s4",
        effect="local_write",
        expressions=expressions,
        parents=(0, 1),
    )


def origin(expression):
    return origins(screenshots(), renaming(a=expression))[1]["a"]


@pytest.mark.parametrize(
    ("expression", "label"),
    [
        ("Invoice", "person"),
        (3, "person"),
        ("budget.txt", "person"),
        ("Eve", "planner"),
        ("Inv", "planner"),
        (True, "planner"),
        ("", "planner"),
        ("$folder.Desktop", "person"),
        ("$folder.Desktop/budget.txt", "person"),
        ("$folder.Desktop/secret.txt", "planner"),
        ("$s1.path", "tool"),
        ("$s3.value", "model"),
        ("$s2.text", "text"),
        ("$s9.text", "text"),
        ({"a": ["$s1.path", "Invoice"]}, "tool"),
        ({"a": ["$s2.text", "Invoice"]}, "text"),
        ([], "planner"),
    ],
)
def test_a_value_is_as_trustworthy_as_the_least_of_what_went_into_it(expression, label):
    assert origin(expression).label == label


def test_a_reference_is_traced_to_the_call_of_its_own_item():
    assert (origin("$s3.value").calls, origin("$s3.value").tools) == (("p3.1",), ("text.write",))
    assert origin("$s3.value").read == ("ocr.read",)
    assert origin("$s1.path").calls == ("p1.0",)


def test_a_file_that_a_look_found_was_returned_by_a_tool():
    looked = Look(folder="$folder.Desktop", entries=(Seen(name="secret.txt"),))
    run = screenshots().model_copy(update={"looks": {"$folder.Desktop": looked}})
    [first, _] = origins(run, renaming(path="$folder.Desktop/secret.txt"))
    assert first["path"].label == "tool"


def test_a_whole_list_is_traced_to_its_calls_up_to_a_bound():
    run = state(plan_step("s1", "web"), plan_step("s2", "ocr", over="s1"), plan_step("s3", "mail"))
    pages = [{"url": f"u{n}"} for n in range(30)]
    run = close(settle(run, "web.list", data={"pages": pages}), "s1")
    for item in range(30):
        run = settle(run, "ocr.read", data={"name": "n"}, step="s2", parent=item)
    run = close(run, "s2")
    sends = proposal("mail.send", {"to": []}, step="s3", expressions={"to": "$s2.name"})
    [sent] = origins(run, sends)
    assert (sent["to"].label, len(sent["to"].calls)) == ("tool", MOST_CALLS)


def test_the_summary_says_it_in_words():
    told = summary(screenshots(), renaming(path="$s1.path", new_name="$s3.value", note="Hm"))
    assert told == {
        "path": "returned by filesystem.list_dir ($s1.path)",
        "new_name": "made by text.write from what ocr.read read ($s3.value)",
        "note": "written by the planner",
    }


def test_an_argument_without_an_expression_is_the_planners():
    [made] = origins(screenshots(), proposal("a.b", {"x": 1}, step="s4"))
    assert made["x"].label == "planner"


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["$", "$.", "$s1", "$s1.", "$s2.text", "$folder.", "$folder./x", "$s3.value"])
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), EXPRESSIONS, max_size=4))
def test_whatever_is_proposed_has_an_origin(expressions):
    wanted = renaming(**expressions)
    found = origins(screenshots(), wanted)
    assert [set(each) for each in found] == [set(call.arguments) for call in wanted.calls]
    assert all(each.label in LABELS for call in found for each in call.values())
    assert all(summary(screenshots(), wanted).values())


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_a_tool_returned_can_be_traced(data):
    run = close(settle(state(plan_step("s1", "a"), plan_step("s2", "b")), "a.b", data=[data]), "s1")
    wanted = proposal("b.c", {"x": data}, step="s2", expressions={"x": "$s1.value"})
    assert origins(run, wanted)[0]["x"].label in {"tool", "text"}
