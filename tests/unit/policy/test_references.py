"""What is offered can be resolved, and what cannot be resolved is refused by name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidArguments
from orchestrator.policy.handles import Handle, Item
from orchestrator.policy.references import Reference, pointers, points_to_text, references, resolve
from tests.fakes.states import plan_step

PLACES = {"Desktop": "/home/ana/Desktop", "Mail": "/home/ana/Mail"}
LISTED = Handle(
    step="s1",
    tool="filesystem.list",
    items=(
        Item(data={"name": "a.png", "path": "/d/a.png", "size": 1}),
        Item(data={"name": "b.txt", "path": "/d/b.txt", "size": 2}, id=1),
    ),
    whole={"entries": [], "total": 2, "truncated": False, "extra": {"x": 1}},
)
READ = Handle(
    step="s2",
    over="s1",
    tool="ocr.read",
    items=(
        Item(data={"text": "T0", "box": {"x": 1}}, id=0),
        Item(data={"text": "T1"}, id=1),
    ),
)
NAMED = Handle(
    step="s3",
    over="s2",
    tool="text.write",
    items=(Item(data={"value": "zero"}, id=0), Item(data={"value": "one"}, id=1)),
)
NOTE = Handle(
    step="s4", tool="text.write", items=(Item(data={"value": "n"}),), whole={"value": "n"}
)
KNOWN = {handle.step: handle for handle in (LISTED, READ, NAMED, NOTE)}


def offered(step, known=KNOWN, **options):
    return {ref.text: ref for ref in references(step, known, PLACES, **options)}


def told(expression, step, index=0):
    return resolve(expression, step=step, index=index, known=KNOWN, places=PLACES)


RENAMES = plan_step("s9", over="s3")
ALONE = plan_step("s9")


def test_the_current_item_comes_first_with_all_that_it_was_made_from():
    found = list(offered(RENAMES))
    assert found[:3] == ["$s3.value", "$s2.text", "$s1.name"]
    assert all(ref.each for text, ref in offered(RENAMES).items() if text.startswith("$s3"))


def test_nested_records_of_an_item_are_not_offered():
    assert "$s2.box" not in offered(RENAMES)


def test_what_the_text_namespace_made_is_marked():
    found = offered(RENAMES)
    assert found["$s3.value"].made
    assert not found["$s2.text"].made


def test_what_it_made_once_is_marked_too():
    assert offered(ALONE)["$s4.value"].made


def test_a_field_is_typed_by_the_item_that_is_decided_about():
    assert offered(plan_step("s9", over="s1"), sample=0)["$s1.path"].kind == "image path"
    assert offered(plan_step("s9", over="s1"), sample=1)["$s1.path"].kind == "path"


def test_outside_a_fan_out_many_items_are_a_list_and_one_is_itself():
    found = offered(ALONE)
    assert found["$s1.name"].kind == "list"
    assert found["$s4.value"].kind == "name"
    assert found["$s1.total"].kind == "number"
    assert "$s1.extra" not in found


def test_folders_come_last_and_belong_to_no_step():
    found = list(offered(ALONE).values())
    assert [ref.text for ref in found[-2:]] == ["$folder.Desktop", "$folder.Mail"]
    assert found[-1].kind == "folder"
    assert [ref.step for ref in (found[-1], Reference(text="$s1.x", kind="name"))] == ["", "s1"]


def test_an_empty_handle_offers_nothing():
    known = {"s1": Handle(step="s1", whole={})}
    assert list(offered(ALONE, known)) == ["$folder.Desktop", "$folder.Mail"]


def test_an_item_is_resolved_with_its_own_lineage():
    assert [told("$s1.name", RENAMES, at) for at in (0, 1)] == ["a.png", "b.txt"]
    assert [told("$s3.value", RENAMES, at) for at in (0, 1)] == ["zero", "one"]


def test_of_another_step_the_whole_result_or_all_its_items_are_meant():
    assert told("$s1.total", ALONE, -1) == 2
    assert told("$s1.name", ALONE, -1) == ["a.png", "b.txt"]
    assert told("$s4.value", ALONE, -1) == "n"
    assert told("$s2.text", ALONE, -1) == ["T0", "T1"]


def test_a_single_item_of_a_fan_out_is_still_a_list():
    known = {"s1": LISTED, "s2": READ.model_copy(update={"items": READ.items[:1]})}
    found = resolve("$s2.text", step=ALONE, index=-1, known=known, places={})
    assert found == ["T0"]


def test_a_folder_is_resolved_with_what_follows_it():
    assert told("$folder.Mail", ALONE) == "/home/ana/Mail"
    assert told("$folder.Mail/new/a.txt", ALONE) == "/home/ana/Mail/new/a.txt"


def test_what_is_no_reference_is_itself_however_deep():
    expression = {"a": ["$s1.total", "plain", 3, {"b": "$folder.Mail"}], "c": None}
    assert told(expression, ALONE, -1) == {
        "a": [2, "plain", 3, {"b": "/home/ana/Mail"}],
        "c": None,
    }


@pytest.mark.parametrize("expression", ["$s9.name", "$s1.colour", "$", "$s1", "$nothing"])
def test_a_reference_to_nothing_is_refused(expression):
    with pytest.raises(InvalidArguments, match="points to nothing"):
        told(expression, ALONE)


def test_an_unknown_folder_is_refused_with_the_known_ones():
    with pytest.raises(InvalidArguments, match="Downloads is not a folder") as raised:
        told("$folder.Downloads/x", ALONE)
    assert "$folder.Desktop, $folder.Mail" in raised.value.hint


@pytest.mark.parametrize(
    ("expression", "tainted"),
    [
        ("$s2.text", True),
        ("$s1.path", False),
        ("$s1.total", False),
        ("$s3.value", False),
        ("$s8.text", False),
        ("s2.text", False),
        ("$s2.colour", False),
        ("plain", False),
    ],
)
def test_free_text_is_told_from_paths_names_and_numbers(expression, tainted):
    assert points_to_text(expression, KNOWN) is tainted


@settings(max_examples=40)
@given(st.sampled_from([RENAMES, ALONE, plan_step("s9", over="s1")]), st.integers(0, 1))
def test_everything_that_is_offered_resolves(step, index):
    for ref in references(step, KNOWN, PLACES, sample=index):
        told(ref.text, step, index if step.over else -1)


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text().filter(lambda t: t[:1] != "$"),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_literals_are_never_changed(value):
    assert told(value, ALONE) == value


def test_references_are_found_however_deep_they_stand():
    assert pointers({"a": ["$s1.x", {"b": "$s2.y"}], "c": "plain", "d": 3}) == ["$s1.x", "$s2.y"]


def test_text_inside_a_list_is_text_too():
    known = {"s2": Handle(step="s2", whole={"text": "what somebody wrote", "n": 1})}
    assert points_to_text(["$s2.text"], known)
    assert not points_to_text(["$s2.n", "$s9.text"], known)


def test_what_was_moved_is_no_longer_offered_where_it_was():
    moved = {"source": "/d/a.png", "destination": "/e/a.png"}
    known = {"s1": Handle(step="s1", tool="filesystem.move_file", items=(Item(data=moved),))}
    texts = {each.text for each in references(plan_step("s2"), known, {})}
    assert "$s1.destination" in texts
    assert "$s1.source" not in texts


def test_after_a_rename_the_old_path_is_no_longer_offered_wherever_it_stands():
    named = {"old_path": "/d/a.png", "new_path": "/d/b.png"}
    known = {
        "s1": Handle(step="s1", tool="a.read", items=(Item(data={"path": "/d/a.png"}),)),
        "s2": Handle(step="s2", tool="a.rename", over="s1", items=(Item(data=named),)),
    }
    offered = references(plan_step("s3", over="s2"), known, {}, sample=0)
    texts = {each.text for each in offered}
    assert "$s2.new_path" in texts
    assert not {"$s2.old_path", "$s1.path"} & texts


def test_what_was_copied_is_still_where_it_was():
    copied = {"source": "/d/a.png", "destination": "/e/a.png"}
    known = {
        "s1": Handle(step="s1", tool="a.read", items=(Item(data={"path": "/d/a.png"}),)),
        "s2": Handle(step="s2", tool="a.copy_file", over="s1", items=(Item(data=copied),)),
    }
    texts = {each.text for each in references(plan_step("s3", over="s2"), known, {}, sample=0)}
    assert "$s1.path" in texts


def test_in_a_list_what_points_to_several_values_stands_for_each():
    items = tuple(Item(data={"path": path}) for path in ("/a", "/b"))
    known = {"s1": Handle(step="s1", tool="a.list", items=items)}
    found = resolve(["$s1.path", "/c"], step=plan_step("s2"), index=-1, known=known, places={})
    assert found == ["/a", "/b", "/c"]


def test_several_references_in_one_text_are_their_texts_joined():
    known = {
        name: Handle(step=name, tool="a.read", whole={"text": text})
        for name, text in (("s1", "One."), ("s2", "Two."))
    }
    joins = plan_step("s3", intent="join them")
    found = resolve("$s1.text\n$s2.text", step=joins, index=-1, known=known, places={})
    assert found == "One.\nTwo."
    assert pointers("$s1.text\n$s2.text") == ["$s1.text", "$s2.text"]
    assert pointers("$5 and $s2.text") == ["$5 and $s2.text"]


def test_the_words_that_a_text_was_made_of_are_no_value():
    made = {"value": "red-bike", "because": ["red", "bike"]}
    read = Handle(step="s1", tool="ocr.read", items=(Item(data={"text": "Red bike"}),))
    known = {
        "s1": read,
        "s2": Handle(step="s2", over="s1", tool="text.write", items=(Item(data=made),)),
    }
    offered = references(plan_step("s3", over="s2"), known, {})
    assert [each.text for each in offered] == ["$s2.value", "$s1.text"]


def test_what_items_and_their_listing_both_have_is_that_of_the_items():
    listing = Handle(
        step="s1",
        tool="filesystem.list",
        items=(Item(data={"path": "/d/a.png"}), Item(data={"path": "/d/b.png"}, id=1)),
        whole={"path": "/d", "entries": []},
    )
    step = plan_step("s2")
    for pointed in ("$s1.path", ["$s1.path"]):
        found = resolve(pointed, step=step, index=-1, known={"s1": listing}, places={})
        assert found == ["/d/a.png", "/d/b.png"]
    one = listing.model_copy(update={"items": listing.items[:1]})
    assert resolve("$s1.path", step=step, index=-1, known={"s1": one}, places={}) == "/d/a.png"
