"""What enters a run's state is bounded, plain and clean."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tools.outcomes import failed, legible, scrubbed, succeeded, unknown_tool
from orchestrator.core.errors import ToolFailed, ToolOutputTooLarge
from orchestrator.core.events import CallSettled
from orchestrator.core.fingerprints import MAX_DEPTH, MAX_INTEGER, unfit

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - MAX_INTEGER, MAX_INTEGER - 1)
    | st.text()
    | st.floats(-9, 9),
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
    [
        nested(MAX_DEPTH - 2),
        nested(900),
        2**63,
        {"n": -(2**63)},
        10**5000,
        float("nan"),
        float("inf"),
        {"a": b"bytes"},
        {1, 2},
    ],
    ids=["deep", "deepest", "big", "small", "endless", "nan", "inf", "bytes", "set"],
)
def test_what_json_cannot_carry_is_refused(value):
    with pytest.raises(ToolFailed, match="journal"):
        succeeded(value)


@pytest.mark.parametrize("value", [nested(MAX_DEPTH - 3), MAX_INTEGER - 1, 1 - MAX_INTEGER])
def test_the_last_value_that_is_taken_fits_into_the_journal(value):
    outcome = succeeded(value)
    settled = CallSettled(
        id="p1.0", step="s1", parent=-1, tool="ns.look", fingerprint="f", outcome=outcome
    )
    assert unfit({"event": settled.model_dump()}) == ""


def test_a_read_only_mapping_is_copied():
    assert succeeded(MappingProxyType({"a": (1, 2)})).data == {"a": [1, 2]}


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
