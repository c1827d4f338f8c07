"""Equal things have equal fingerprints, and what no journal could keep is named."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.fingerprints import (
    MAX_DEPTH,
    MAX_INTEGER,
    call_fingerprint,
    canonical_json,
    digest,
    result_digest,
    unfit,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER + 1, MAX_INTEGER - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value):
    """The same value with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(part) for part in value] if isinstance(value, list) else value


@settings(max_examples=30)
@given(JSON)
def test_the_order_of_keys_makes_no_difference(value):
    assert canonical_json(shuffled(value)) == canonical_json(value)
    assert digest(shuffled(value)) == digest(value)


@settings(max_examples=30)
@given(JSON)
def test_the_canonical_form_is_json_without_blanks(value):
    assert json.loads(canonical_json(value)) == value
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'


@settings(max_examples=30)
@given(st.dictionaries(st.text("abc"), JSON))
def test_a_call_is_its_tool_and_its_arguments(arguments):
    print_of = call_fingerprint("a.b", arguments)
    assert call_fingerprint("a.b", shuffled(arguments)) == print_of
    assert call_fingerprint("a.c", arguments) != print_of
    assert call_fingerprint("a.b", {**arguments, "new": 1}) != print_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": 1}, {"n": 1.0}),
        ({"o": {"n": [2.0]}}, {"o": {"n": [2]}}),
        ({"l": ("a",)}, {"l": ["a"]}),
    ],
)
def test_whole_numbers_are_one_number_however_they_are_written(one, other):
    assert call_fingerprint("a.b", one) == call_fingerprint("a.b", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": 1}, {"n": 2}),
        ({"n": 1.5}, {"n": 1}),
        ({"t": "a b.png"}, {"t": "a  b.png"}),
        ({"t": "a"}, {"t": "a "}),
        ({}, {"t": None}),
    ],
)
def test_other_arguments_are_another_call(one, other):
    assert call_fingerprint("a.b", one) != call_fingerprint("a.b", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("at 2026-11-22T10:00:00Z", "at 2026-11-22T10:00:01.5+01:00"),
        ("2026-11-22 10:00:00 ok", "2025-01-02 03:04:05 ok"),
        ("job pid 17 ended", "job pid=18 ended"),
        ({"log": "pid: 4"}, {"log": "pid: 5"}),
    ],
)
def test_times_and_process_ids_are_no_news(one, other):
    assert result_digest(one) == result_digest(other)


def test_a_date_alone_is_news():
    assert result_digest("2026-11-22") != result_digest("2026-11-23")


@settings(max_examples=30)
@given(JSON)
def test_what_json_carries_is_fit(value):
    assert unfit(value) == ""


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (MAX_INTEGER, "63 bits"),
        (-MAX_INTEGER, "63 bits"),
        (float("nan"), "not finite"),
        (float("inf"), "not finite"),
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (nested(MAX_DEPTH + 1), "more than 64 levels"),
        ({"deep": {"er": [1, {"x": b"bytes"}]}}, "a bytes, which is not JSON"),
        ({1, 2}, "a set, which is not JSON"),
    ],
)
def test_what_no_journal_could_keep_is_named(value, why):
    assert why in unfit(value)
    assert why in unfit({"a": [value]}) or "levels" in why


@pytest.mark.parametrize(
    "value", [MAX_INTEGER - 1, True, None, "\n\t\x7f", nested(MAX_DEPTH - 1), (1, 2)]
)
def test_what_is_just_within_the_limits_is_fit(value):
    assert unfit(value) == ""
