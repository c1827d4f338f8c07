"""Conditions on what steps found are read strictly and decided by code."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import OPERATORS
from orchestrator.policy.conditions import all_hold, parse_facts, parse_own, written
from orchestrator.policy.handles import Handle, Item
from orchestrator.policy.planning import plan_problems, plan_schema, read_plan
from tests.fakes.office import plan, step


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


class TestInAPlan:
    def read(self, **fields):
        said = {**step("s2", "ring the bell", "bell"), **fields}
        return read_plan(json.dumps(plan(step("s1", "list it", "files"), said))).steps[1]

    def test_a_condition_on_a_step_is_understood_where_one_on_items_belongs(self):
        made = self.read(where="s1.count > 0")
        assert (written(made.only_if), made.where) == ("s1.count > 0", ())

    def test_where_both_are_there_each_keeps_its_place(self):
        over = {"over": "s1", "where": "s1.count > 0", "only_if": "s1.count > 1"}
        with pytest.raises(InvalidPlan, match="is not a condition"):
            self.read(**over)

    def test_the_schema_lets_both_be_left_out_and_gives_them_the_last_place(self):
        fields = plan_schema(["files"], steps_only=True)["properties"]["steps"]["items"]
        assert list(fields["properties"])[-2:] == ["only_if", "wait_until"]
        assert not {"only_if", "wait_until"} & set(fields["required"])

    @pytest.mark.parametrize("over", ["s2", "s7"])
    def test_a_source_that_is_none_is_told_with_those_there_are(self, over):
        made = read_plan(
            json.dumps(plan(step("s1", "list", "files"), step("s2", "ring", "files", over)))
        )
        [problem] = plan_problems(made, ["files"])
        assert "no earlier step. The earlier steps are: s1." in problem
        assert ("itself" in problem) == (over == "s2")

    def test_the_first_step_has_no_earlier_one(self):
        made = read_plan(json.dumps(plan({**step("s1", "list", "fax"), "only_if": "s1.count > 0"})))
        assert plan_problems(made, ["files"]) == [
            "s1: 'fax' is no namespace. Use one of: files.",
            "s1 has an 'only_if' on itself, which is no earlier step. It is the first step.",
        ]
