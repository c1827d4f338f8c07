"""Texts on their way to a client of OpenAI's API: nothing is lost, and results are kept as data."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidRequest, RunNotFound
from orchestrator.core.fingerprints import unfit
from orchestrator.service.openai.chat_wire import pieces
from orchestrator.service.openai.parameters import HARMLESS, NEUTRAL, refuse_unserved
from orchestrator.service.openai.responses_wire import parted, response_id
from orchestrator.service.openai.turns import outcome_of


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text):
    assert "".join(pieces(text)) == text


@given(st.text(alphabet="ab \n", max_size=300))
def test_a_piece_is_short_where_its_words_are(text):
    longest = max((len(word) for word in text.split(" ")), default=0)
    assert all(len(piece) <= max(48, longest + 1) for piece in pieces(text))


@given(st.recursive(st.integers() | st.text() | st.none() | st.floats(), st.lists, max_leaves=5))
def test_whatever_a_tool_gives_can_be_kept(value):
    assert not unfit(outcome_of(json.dumps(value)).model_dump(mode="json"))


def test_an_object_is_data_and_anything_else_is_text():
    assert outcome_of('{"a": [1]}').data == {"a": [1]}
    assert outcome_of("3").data == {"text": "3"}
    assert outcome_of("{").data == {"text": "{"}


@pytest.mark.parametrize("name", [*HARMLESS, *NEUTRAL, "anything"])
def test_a_parameter_that_is_null_was_not_given(name):
    refuse_unserved({name: None})


def test_a_parameter_that_nobody_knows_is_named():
    with pytest.raises(InvalidRequest) as refused:
        refuse_unserved({"temperature": 1, "voice": "alloy"})
    assert refused.value.param == "voice"


@given(st.text("0123456789abcdef", min_size=1, max_size=32), st.integers(0, 10**9))
def test_the_id_of_a_response_is_its_run_and_where_it_begins(run_id, since):
    assert parted(response_id(run_id, since)) == (run_id, since)


@given(st.text().filter(lambda text: not text.startswith("resp_")))
def test_what_is_no_id_is_no_response(text):
    with pytest.raises(RunNotFound, match="response"):
        parted(text)
