"""What is extracted from a text stands in it: no other sentence, no other number comes out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tools.text import MOST_CHOICES, extract_schema

POLICY = "# Travel\n\nA night may cost 140 euros. Meals 1,250.50 a year!\nCall 555-1234 or -3 °C"


def test_a_line_is_one_of_the_sentences():
    assert extract_schema("line", POLICY) == {
        "enum": [
            "# Travel",
            "A night may cost 140 euros.",
            "Meals 1,250.50 a year!",
            "Call 555-1234 or -3 °C",
        ]
    }


def test_a_number_is_one_of_the_numbers():
    assert extract_schema("number", POLICY) == {"enum": [140, 1250.5, -3]}


def test_a_date_is_one_of_the_text():
    said = "They come on 9 June 2026, not on 2026-06-02."
    assert extract_schema("date", said) == {"enum": ["2026-06-02", "2026-06-09"]}


@pytest.mark.parametrize(("form", "text"), [("line", " \n "), ("number", "none"), ("name", "Ada")])
def test_where_there_is_none_the_form_alone_holds(form, text):
    assert extract_schema(form, text) is None


@given(st.sampled_from(["line", "number"]), st.text(max_size=400))
def test_any_text_gives_a_schema_that_can_be_sent(form, text):
    schema = extract_schema(form, text)
    if schema is not None:
        assert 0 < len(schema["enum"]) <= MOST_CHOICES
        assert json.loads(json.dumps(schema)) == schema
