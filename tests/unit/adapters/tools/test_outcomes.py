"""What enters a run's state is bounded, plain and clean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tools.outcomes import failed, legible, scrubbed, succeeded, unknown_tool
from orchestrator.core.errors import ToolFailed, ToolOutputTooLarge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_plain_json_stays_as_it_is(value):
    assert succeeded(value).data == value


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_text_that_can_be_written(text):
    outcome = succeeded({"text": text})
    assert json.loads(outcome.model_dump_json())["data"]["text"] == scrubbed(text)
    assert ("lossy" in outcome.data) == (scrubbed(text) != text)


def test_a_pair_of_surrogates_is_the_character_that_it_means():
    assert scrubbed("\ud83e\uddfe \ud800") == "🧾 \ufffd"


def nested(levels):
    value = "leaf"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [nested(65), 2**63, -(2**63) - 1, float("nan"), float("inf"), {"a": b"bytes"}, {1, 2}],
    ids=["deep", "big", "small", "nan", "inf", "bytes", "set"],
)
def test_what_json_cannot_carry_is_refused(value):
    with pytest.raises(ToolFailed):
        succeeded(value)


def test_the_deepest_value_is_taken():
    assert succeeded(nested(64)).ok


def test_a_result_over_the_limit_is_refused_with_its_size():
    with pytest.raises(ToolOutputTooLarge, match="102 bytes"):
        succeeded("é" * 50, max_bytes=101)


def test_an_error_is_legible_and_short():
    outcome = failed(ToolFailed("\x1b[31mred\u202e" + "x" * 9000))
    assert outcome.error.startswith("[31mredxxx")
    assert len(outcome.error) < 4100
    assert legible("a\x00\u200bb\n") == "ab\n"


def test_at_most_five_near_names_are_told():
    outcome = unknown_tool("ns.lok", [f"ns.look{n}" for n in range(20)])
    assert outcome.error.count("ns.look") == 5
    assert unknown_tool("zzz", ["ns.look"]).error == "There is no tool 'zzz'."
