"""The cases of the suite are sound, many, and of every kind that the suite promises."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from desk.errors import OfficeError
from desk.suite.cases import DeskCase
from desk.suite.loading import load_cases, suite_digest

OFFICE = Path(__file__).parents[3] / "desk" / "office.yaml"
SINGLES = load_cases("single")
WITHOUT_SERVER = {"text"}


def test_there_are_more_than_a_hundred_and_twenty_four_single_steps():
    assert len(SINGLES) >= 124
    assert sum(len(case.gold) == 1 for case in SINGLES) >= 100
    assert sum(not case.gold for case in SINGLES) >= 24
    assert all(len(case.gold) <= 1 for case in SINGLES)


def test_every_id_and_every_goal_stands_once():
    cases = load_cases()
    assert len({case.id for case in cases}) == len(cases)
    assert len({case.goal.casefold() for case in cases}) == len(cases)


def test_every_namespace_of_the_office_has_cases():
    served = set(yaml.safe_load(OFFICE.read_text())["mcpServers"]) - {"fetch"}
    used = Counter(case.gold[0].tool.partition(".")[0] for case in SINGLES if case.gold)
    assert set(used) - WITHOUT_SERVER == served
    assert min(used.values()) >= 4


@pytest.mark.parametrize(
    ("tag", "fewest"),
    [("sibling", 60), ("filter-miss", 30), ("literal", 30), ("no-tool", 8), ("ask", 8)],
)
def test_what_tries_an_agent_in_one_way_is_there_often_enough(tag, fewest):
    assert sum(tag in case.tags for case in SINGLES) >= fewest


@pytest.mark.parametrize(
    ("outcome", "fewest"), [("done", 100), ("nothing", 8), ("asked", 8), ("refused", 8)]
)
def test_every_outcome_is_there(outcome, fewest):
    assert sum(case.outcome == outcome for case in SINGLES) >= fewest


def test_no_difficulty_is_missing():
    assert {case.difficulty for case in SINGLES} == {"easy", "medium", "hard"}


def test_a_case_that_wants_something_done_says_how_that_is_seen():
    assert [case.id for case in SINGLES if case.outcome == "done" and not case.checks] == []


def test_no_goal_names_a_tool_or_where_the_office_lies():
    tools = {call.tool.partition(".")[2] for case in load_cases() for call in case.gold}
    long = {tool for tool in tools if "_" in tool}
    named = [case.id for case in load_cases() if any(tool in case.goal for tool in long)]
    assert named == []
    assert [case.id for case in load_cases() if "{office}" in case.goal] == []


def written(folder, part="single", **files):
    for name in ("single", "chains"):
        (folder / name).mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / part / f"{name}.yaml").write_text(text)
    return folder


def test_an_id_that_stands_twice_is_refused_with_both_places(tmp_path):
    text = "- {id: one, goal: Do the first.}\n"
    folder = written(tmp_path, first=text, second=text)
    with pytest.raises(OfficeError, match=r"second\.yaml: the id 'one' .* first\.yaml"):
        load_cases(folder=folder)


def test_a_case_that_is_not_sound_is_named(tmp_path):
    folder = written(tmp_path, odd="- {id: one, goal: Do the first., colour: red}\n")
    with pytest.raises(OfficeError, match=r"odd\.yaml: case one is not sound: colour"):
        load_cases(folder=folder)


@pytest.mark.parametrize("text", ["- {id: one", "id: one\n"])
def test_a_file_that_holds_no_list_is_refused(tmp_path, text):
    folder = written(tmp_path, odd=text)
    with pytest.raises(OfficeError, match=r"odd\.yaml is not"):
        load_cases(folder=folder)


def test_a_part_that_is_not_there_is_refused():
    with pytest.raises(OfficeError, match="no part 'double'"):
        load_cases("double")


def test_the_digest_changes_with_a_case(tmp_path):
    one = written(tmp_path, odd="- {id: one, goal: Do the first.}\n")
    other = tmp_path / "other"
    other.mkdir()
    written(other, odd="- {id: one, goal: Do the second.}\n")
    assert suite_digest(folder=one) != suite_digest(folder=other)
    assert len(suite_digest()) == 64


def test_a_part_is_read_without_the_other(tmp_path):
    folder = written(tmp_path, odd="- {id: one, goal: Do the first.}\n")
    written(tmp_path, "chains", long="- {id: two, goal: Do the second.}\n")
    assert load_cases("chains", folder=folder) == (DeskCase(id="two", goal="Do the second."),)
    assert [case.id for case in load_cases(folder=folder)] == ["one", "two"]
