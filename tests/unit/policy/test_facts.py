"""What a result says is told in few words, and nothing is left out without saying so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.policy.facts import MOST_ITEMS, TEXT_CHARACTERS, told

FILES = [
    {"name": f"{n}.txt", "path": f"/o/{n}.txt", "kind": "file", "size": n, "modified": "2026"}
    for n in "abcd"
]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"old_name": "a.png", "new_name": "b.png"}, ["a.png is now b.png"]),
        ({"value": "ü"}, ["value ü"]),
        ("plain words", ["plain words"]),
        ([1, 2], ["[1, 2]"]),
        ({"free": 3, "total": 9, "note": ""}, ["free 3, total 9"]),
        ({"place": {"city": "Oslo"}, "n": 1}, ["n 1", "place: city Oslo"]),
        ({"columns": ["a", "b"], "rows": [[1, 2], [3, 4]]}, ["2 rows", "a | b", "1 | 2", "3 | 4"]),
        ({"columns": [{"name": "a"}], "rows": 3}, ["rows 3", "columns (1):", "- a"]),
        ({"rows": [["Bolts", "4"], ["Nails", "9"]]}, ["rows (2):", "- Bolts | 4", "- Nails | 9"]),
    ],
)
def test_a_result_is_told_in_lines(data, lines):
    assert told(data, "") == lines


def test_of_a_list_each_item_has_a_line_with_what_tells_it_apart():
    lines = told({"path": "/o", "count": 4, "entries": FILES}, "")
    assert lines[:3] == ["path o", "entries (4):", "- a.txt, size a"]
    assert len(lines) == 6


def test_an_empty_list_is_told_as_one():
    assert told({"count": 0, "tasks": []}, "") == ["tasks: none were found"]


def test_items_that_are_no_records_are_told_as_they_are():
    assert told({"lines": ["x", "y"]}, "") == ["lines (2):", "- x", "- y"]


def test_a_long_list_says_how_many_are_not_told():
    rows = [{"name": f"n{n}"} for n in range(MOST_ITEMS + 5)]
    assert told({"rows": rows}, "")[-1] == "- and 5 more"
    assert told({"columns": ["n"], "rows": [[n] for n in range(MOST_ITEMS + 2)]}, "")[-1] == (
        "and 2 more"
    )


def test_of_a_long_text_the_passages_closest_to_the_goal_are_told():
    text = "\n".join([*["nothing of note here"] * 200, "A night in a hotel may cost 140 euros."])
    lines = told({"path": "/o/policy.md", "text": text}, "What may a hotel night cost?")
    assert lines[0] == "path policy.md"
    assert lines[2].startswith("(parts of")
    assert "A night in a hotel may cost 140 euros." in lines


def test_a_text_of_blank_lines_is_told_without_them():
    assert told("first" + "\n" * 1300 + "last", "") == [
        "(parts of 1309 characters)",
        "first",
        "last",
    ]


def test_one_endless_line_is_cut():
    assert len("".join(told("word " * 2000, "word"))) < TEXT_CHARACTERS + 100


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["columns", "rows", "old_name", "new_name", "value", "text", "n"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_anything_json_can_be_told(data):
    assert all(isinstance(line, str) for line in told(data, "goal"))
