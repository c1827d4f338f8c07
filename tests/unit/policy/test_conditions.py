"""Conditions on what steps found are read strictly and decided by code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import OPERATORS
from orchestrator.policy.conditions import all_hold, parse_facts, parse_own, written
from orchestrator.policy.handles import Handle, Item


def found(*records, whole=None):
    items = tuple(Item(data=record, id=place) for place, record in enumerate(records))
    return Handle(step="s1", items=items, whole=whole or {})


def holds(text, handle):
    return all_hold(parse_own(text, "s1"), handle)


class TestReading:
    def test_nothing_is_no_condition(self):
        assert parse_facts("  ") == ()

    @pytest.mark.parametrize("text", ["s1.count > 0", "$s1.count>0", "S1.count > 0"])
    def test_a_fact_names_a_step_and_a_condition(self, text):
        assert written(parse_facts(text)) == "s1.count > 0"

    def test_facts_are_joined_by_and(self):
        facts = parse_facts("s1.count > 0 and s2.name contains a b")
        assert written(facts) == "s1.count > 0 and s2.name contains a b"

    def test_a_fact_without_a_step_is_about_the_one_it_goes_over(self):
        assert written(parse_facts("count != 0", default="s3")) == "s3.count is not 0"

    def test_a_fact_without_any_step_is_refused(self):
        with pytest.raises(InvalidPlan, match="names no step"):
            parse_facts("count > 0")

    @pytest.mark.parametrize("text", ["s1.", "s1.count", "s1.count >= 0", "s1 and"])
    def test_what_is_no_condition_is_refused(self, text):
        with pytest.raises(InvalidPlan):
            parse_facts(text, default="s1")

    def test_waiting_is_about_the_steps_own_result(self):
        assert written(parse_own("s2.status = done", "s2")) == "status is done"
        with pytest.raises(InvalidPlan, match="s2 waits for a result of s1"):
            parse_own("s1.status is done", "s2")


class TestHolding:
    def test_count_is_how_many_items_there_are(self):
        assert holds("count is 2", found({"a": 1}, {"a": 2}, whole={"rows": []}))
        assert holds("count is 0", found(whole={"rows": []}))

    def test_a_single_result_that_counts_is_believed(self):
        said = {"count": 7}
        assert holds("count > 6", found(said, whole=said))

    def test_a_list_that_tells_its_own_count_is_counted(self):
        assert holds("count is 1", found({"a": 1}, whole={"count": 9, "rows": [{"a": 1}]}))

    def test_a_count_in_words_is_no_number(self):
        said = {"count": "many"}
        assert holds("count is 1", found(said, whole=said))

    def test_a_field_holds_when_it_does_for_any_item(self):
        items = found({"name": "a"}, {"name": "b"}, {"size": 3})
        assert holds("name is b", items)
        assert holds("name is not b", items)
        assert not holds("name is c", items)

    def test_a_field_of_the_whole_counts_where_no_item_has_it(self):
        assert holds("total > 3", found({"a": 1}, whole={"rows": [{"a": 1}], "total": 4}))

    def test_no_items_fulfil_nothing(self):
        assert not holds("name is a", found(whole={"rows": []}))

    def test_an_unknown_field_is_named_with_those_there_are(self):
        with pytest.raises(InvalidPlan, match="'colour'") as raised:
            holds("colour is red", found({"name": "a"}))
        assert raised.value.hint == "It has: count, name."


@given(
    st.integers(1, 12),
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    st.sampled_from(OPERATORS),
    st.integers(0, 999),
)
def test_what_was_written_is_read_as_the_same(step, field, op, value):
    facts = parse_facts(f"s{step}.{field} {op} {value}")
    assert parse_facts(written(facts)) == facts
    assert (facts[0].condition.op, facts[0].condition.value) == (op, str(value))


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 9))
def test_any_item_decides(numbers, bound):
    items = found(*({"n": number} for number in numbers))
    assert holds(f"n > {bound}", items) == any(number > bound for number in numbers)
