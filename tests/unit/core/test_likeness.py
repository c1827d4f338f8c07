"""Calls are alike when their arguments differ in no more than their spelling."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.fingerprints import call_fingerprint, call_likeness


def like(one, other):
    return call_likeness("a.b", one) == call_likeness("a.b", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tax", "Tax"),
        ("tax 2025", "  tax   2025 "),
        ("/Desktop", "/Desktop/"),
        ("./notes", "notes//"),
        ("1", 1),
        ("1.0", 1),
        ("-2.50", -2.5),
        (["A", "b "], ["a", "B"]),
        ({"x": "A"}, {"x": "a", "y": None}),
    ],
)
def test_spelling_makes_no_difference(one, other):
    assert like({"about": one}, {"about": other})
    assert like({"about": one, "n": 1}, {"n": 1.0, "about": other})


@pytest.mark.parametrize("empty", [None, "", "  ", [], {}])
def test_nothing_is_as_good_as_an_empty_value(empty):
    assert like({"about": "tax", "label": empty}, {"about": "tax"})


@pytest.mark.parametrize(
    ("one", "other"),
    [("tax", "taxi"), ("/a", "a"), ("1", "11"), (0, None), (False, None), (True, 1), ("a b", "ab")],
)
def test_more_than_spelling_does(one, other):
    assert not like({"about": one}, {"about": other})


def test_the_tool_is_part_of_it():
    assert call_likeness("a.b", {}) != call_likeness("a.c", {})


@settings(max_examples=30)
@given(st.dictionaries(st.text("ab", max_size=2), st.text("aA /1.", max_size=5), max_size=3))
def test_equal_calls_are_always_alike(arguments):
    again = dict(reversed(arguments.items()))
    assert call_fingerprint("a.b", arguments) == call_fingerprint("a.b", again)
    assert like(arguments, again)
