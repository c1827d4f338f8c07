"""Dates that a goal names are read by code, and a date can only be written as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.dates import dates_named
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.arguments import parameters
from orchestrator.policy.references import Reference
from orchestrator.policy.spoken import date_pattern, is_date

DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$"
EITHER = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("What is on 4 March 2026?", ["2026-03-04"]),
        ("due 2026-3-10, or 2026-03-11", ["2026-03-10", "2026-03-11"]),
        ("on the 1st of May 2026", ["2026-05-01"]),
        ("by July 31, 2026", ["2026-07-31"]),
        ("3 Sept. 2027", ["2027-09-03"]),
        ("in May, at 14:30, room 2026", []),
    ],
)
def test_days_with_their_year_are_read(said, found):
    assert dates_named(said) == found


@pytest.mark.parametrize(
    ("about", "pattern"),
    [
        ("Due date, ISO 8601, e.g. 2026-03-02; empty for none", DAY),
        ("First day, ISO 8601; empty for all", DAY),
        ("Date and time, ISO 8601, e.g. 2026-03-02T14:00", MOMENT),
        ("New start, ISO 8601; empty to keep", EITHER),
        ("Date to compare with; empty for today", DAY),
    ],
)
def test_the_form_follows_the_description(about, pattern):
    schema = {"type": "string", "description": about}
    assert is_date(schema)
    assert date_pattern(schema) == pattern


@pytest.mark.parametrize("about", ["Title of the event", "An up-to-date name", ""])
def test_other_texts_are_no_dates(about):
    assert not is_date({"type": "string", "description": about})


def one(about, said, offered=()):
    when = {"type": "string", "description": about}
    spec = ToolSpec(id="x.y", input_schema={"properties": {"when": when}, "required": ["when"]})
    (found,) = parameters(spec, offered, goal=said)
    return found


def test_the_days_of_a_goal_are_offered_where_a_day_is_wanted():
    found = one("Due date, ISO 8601", "Pay by 4 March 2026.")
    assert (found.accepts, found.references) == ("date", ("2026-03-04",))
    assert one("Date and time, ISO 8601, e.g. 2026-03-02T14:00", "4 March 2026").references == ()


def test_a_date_that_a_step_found_may_be_pointed_to():
    made = Reference(text="$s1.value", kind="name", each=True, made=True)
    assert one("Due date, ISO 8601", "Pay by 4 March 2026.", [made]).references == ("$s1.value",)


@given(st.dates())
def test_however_a_day_is_spelled_it_is_the_same_day(day):
    iso = day.isoformat()
    spelled = f"{day.day} {day:%B} {day.year:04}"
    assert dates_named(spelled) == dates_named(iso) == [iso]
