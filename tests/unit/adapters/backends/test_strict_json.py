"""JSON from a model is taken only as far as every later reader can take it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.backends.strict_json import UnsafeJsonError, parse
from orchestrator.core.fingerprints import MAX_DEPTH, MAX_INTEGER

PLAIN = (
    st.none()
    | st.booleans()
    | st.text(st.characters(codec="utf-8"))
    | st.integers(1 - MAX_INTEGER, MAX_INTEGER - 1)
)
VALUES = st.recursive(
    PLAIN | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=12,
)


@given(VALUES)
def test_ordinary_values_are_read_as_the_standard_library_reads_them(value):
    assert parse(json.dumps(value)) == value


@given(st.text())
def test_any_text_is_a_value_or_a_named_error(text):
    with suppress(UnsafeJsonError):
        assert json.dumps(parse(text), ensure_ascii=False).encode()


@pytest.mark.parametrize("depth", [1, MAX_DEPTH])
def test_nesting_up_to_the_limit_is_read(depth):
    assert parse("[" * depth + "]" * depth) is not None


def test_nesting_beyond_the_limit_is_refused():
    with pytest.raises(UnsafeJsonError, match="deeper than 64"):
        parse("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_brackets_inside_strings_are_no_nesting():
    assert parse(json.dumps(["[" * 500, '\\"[' * 50])) == ["[" * 500, '\\"[' * 50]


@pytest.mark.parametrize("number", [MAX_INTEGER - 1, 1 - MAX_INTEGER, 0])
def test_integers_of_63_bits_are_read(number):
    assert parse(str(number)) == number
