"""Conditions are read strictly and decided by typed fields."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import OPERATORS, Condition
from orchestrator.policy.selection import meant, parse_where, select

FILES = [
    {"name": "Invoice.PDF", "size": 900, "seen": True},
    {"name": "shot.png", "size": 1200, "seen": False},
    {"name": "notes.txt", "size": 5, "seen": None},
]


def chosen(where, items=FILES, take=None):
    return [items[at]["name"] for at in select(items, parse_where(where), take)]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("", ["Invoice.PDF", "shot.png", "notes.txt"]),
        ("   ", ["Invoice.PDF", "shot.png", "notes.txt"]),
        ("name contains INVOICE", ["Invoice.PDF"]),
        ("name is shot.png", ["shot.png"]),
        ("name is not shot.png", ["Invoice.PDF", "notes.txt"]),
        ("name starts with inv", ["Invoice.PDF"]),
        ("name ends with .png", ["shot.png"]),
        ("name ends with *.png", ["shot.png"]),
        ("size > 100", ["Invoice.PDF", "shot.png"]),
        ("size < 1000", ["Invoice.PDF", "notes.txt"]),
        ("name > m", ["shot.png", "notes.txt"]),
        ("seen is true", ["Invoice.PDF"]),
        ("size > 100 and name contains shot", ["shot.png"]),
        ("name contains 'shot'", ["shot.png"]),
        ('NAME_x is "y"', None),
    ],
)
def test_a_condition_picks_what_it_says(where, names):
    if names is None:
        with pytest.raises(InvalidPlan, match="NAME_x"):
            chosen(where)
    else:
        assert chosen(where) == names


@pytest.mark.parametrize("text", ["red ones", "name", "name contains", "1name is x", "is x"])
def test_what_is_no_condition_is_refused_with_the_operators(text):
    with pytest.raises(InvalidPlan, match="is not a condition") as raised:
        parse_where(text)
    assert "starts with" in raised.value.hint


def test_a_field_that_no_item_has_is_named_with_those_they_have():
    with pytest.raises(InvalidPlan, match="'colour'") as raised:
        chosen("colour is red")
    assert "name, seen, size" in raised.value.hint


def test_a_field_that_some_items_lack_is_none_there():
    items = [{"name": "a", "tag": "x"}, {"name": "b"}]
    assert chosen("tag is x", items) == ["a"]


def test_no_items_need_no_fields():
    assert select([], parse_where("colour is red")) == ()


def test_only_so_many_are_taken_in_order():
    assert chosen("", take=2) == ["Invoice.PDF", "shot.png"]


def test_operators_are_read_whatever_their_case():
    [condition] = parse_where("name  STARTS WITH  inv")
    assert condition == Condition(field="name", op="starts with", value="inv")


WORDS = st.text("abcxyz.-_ 0123456789äß", min_size=1).map(str.strip).filter(bool)


@settings(max_examples=40)
@given(st.sampled_from(OPERATORS), WORDS.filter(lambda word: " and " not in f" {word} "))
def test_what_is_written_is_read_back(op, value):
    if value.startswith(("is ", "not ")):
        return
    condition = Condition(field="name", op=op, value=value)
    assert parse_where(condition.written()) == (condition,)


@settings(max_examples=40)
@given(st.lists(st.integers(-5, 5)), st.integers(-5, 5))
def test_is_and_is_not_part_the_items(sizes, wanted):
    items = [{"size": size} for size in sizes]
    kept = select(items, [Condition(field="size", op="is", value=str(wanted))])
    left = select(items, [Condition(field="size", op="is not", value=str(wanted))])
    assert sorted((*kept, *left)) == list(range(len(items)))
    assert all(sizes[at] == wanted for at in kept)


@settings(max_examples=40)
@given(st.lists(st.integers(-5, 5), min_size=1), st.integers(-5, 5), st.integers(1, 4))
def test_take_is_a_head_of_all(sizes, limit, take):
    items = [{"size": size} for size in sizes]
    condition = [Condition(field="size", op="<", value=str(limit))]
    assert select(items, condition, take) == select(items, condition)[:take]


PEOPLE = [
    {"id": "c1", "name": "Petra Novak", "email": "petra@a.example", "phone": ""},
    {"id": "c2", "name": "Olaf Brandt", "email": "olaf@b.example", "phone": ""},
]


@pytest.mark.parametrize(
    ("where", "written"),
    [
        ("title contains Brandt", "name contains Brandt"),
        ("title contains petra", "name contains petra"),
        ("address ends with b.example", "email ends with b.example"),
        ("email contains olaf", "email contains olaf"),
        ("title contains Nobody", "title contains Nobody"),
        ("title is not Olaf Brandt", "title is not Olaf Brandt"),
    ],
)
def test_a_field_that_is_not_there_is_the_one_of_which_it_holds(where, written):
    [found] = meant(parse_where(where), PEOPLE)
    assert found.written() == written


EVENTS = [
    {"title": "Squash", "start": "2026-06-03T19:00", "end": "2026-06-03T20:00"},
    {"title": "Dentist", "start": "2026-06-04T09:00", "end": "2026-06-04T10:00"},
]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("title contains 3 June 2026", [0]),
        ("date is 2026-06-04", [1]),
        ("start is 3 June 2026", [0]),
        ("end contains 3 June 2026", []),
        ("title is Minutes 2026-06-03", []),
        ("start is 2026-06-03 10:00", []),
        ("title contains 5 June 2026", []),
        ("title contains Squash", [0]),
        ("title is not 3 June 2026", [0, 1]),
    ],
)
def test_a_day_in_a_condition_is_the_day_on_which_a_thing_is(where, found):
    assert list(select(EVENTS, meant(parse_where(where), EVENTS))) == found


@pytest.mark.parametrize(
    ("where", "item"),
    [
        ("title contains 3 June 2026", {"title": "a", "made": "2026-06-03"}),
        ("title contains 3 June 2026", {"title": "a", "due": "2026-06-03", "start": "2026-06-03"}),
        ("due is 2026-06-03", {"title": "a", "due": "2026-07-01", "created": "2026-06-03"}),
        ("due is 2026-06-03", {"title": "a", "due": "2026-07-01", "start": "2026-06-03"}),
    ],
)
def test_a_day_is_moved_only_to_the_one_field_that_says_when_a_thing_is(where, item):
    assert meant(parse_where(where), [item]) == parse_where(where)
