"""Steps that work on a text which no step has read."""

from itertools import count

import pytest

from orchestrator.core.plans import PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.reading import Readers, read_before, read_first, readers
from orchestrator.policy.selection import parse_where

CAN = Readers(pairs={"email"}, documents="document", pictures="ocr")


def step(id_, intent, namespace="text", over="", where=""):
    return PlanStep(id=id_, intent=intent, namespace=namespace, over=over, where=parse_where(where))


def before(*steps, can=CAN, naming=True):
    free = (f"s{n}" for n in count(7))
    made = read_before(steps, free, can, files="filesystem", naming=naming)
    return [(s.id, s.intent, s.namespace, s.over) for s in made]


LISTS = step("s1", "list the pictures in Warranty", "filesystem")
FILES = step("s1", "list the files in Tenants", "filesystem")


def test_pictures_are_read_before_they_are_named_after_what_is_on_them():
    names = step("s2", "name each picture after the appliance on it", over="s1")
    assert before(LISTS, names)[1:] == [
        ("s7", "read the text on each picture", "ocr", "s1"),
        ("s2", "rename each picture after the appliance on it", "filesystem", "s7"),
    ]


def test_names_that_are_only_suggested_or_given_by_another_step_are_texts():
    names = step("s2", "give each a name after what it says", over="s1")
    assert before(FILES, names, naming=False)[-1][2] == "text"
    renames = step("s3", "rename each", "filesystem", over="s2")
    assert [found[2] for found in before(FILES, names, renames)][2:] == ["text", "filesystem"]


def test_no_step_is_lost_where_there_is_no_id_left():
    sums = step("s2", "write a summary of each", over="s1")
    made = read_before([FILES, sums], iter(()), CAN, files="filesystem", naming=False)
    assert made == [FILES, sums]


def test_documents_are_read_before_they_are_summed_up():
    assert before(FILES, step("s2", "write a summary of each", over="s1"))[1:] == [
        ("s7", "read each document", "document", "s1"),
        ("s2", "write a summary of each", "text", "s7"),
    ]


def test_which_are_meant_is_said_to_the_step_that_reads():
    sums = step("s2", "write a summary of each", over="s1", where="name ends with .md")
    made = read_before([FILES, sums], iter(["s7"]), CAN, files="filesystem", naming=False)
    assert [len(s.where) for s in made] == [0, 1, 0]


@pytest.mark.parametrize(
    "step_",
    [
        step("s2", "write a short task title for each", over="s1"),
        step("s2", "write a summary", over=""),
        step("s2", "read each document", "document", over="s1"),
    ],
)
def test_nothing_is_read_that_no_text_is_needed_of(step_):
    assert len(before(FILES, step_)) == 2


def test_nothing_is_read_where_nothing_can():
    sums = step("s2", "write a summary of each", over="s1")
    assert len(before(FILES, sums, can=Readers())) == 2


def first(*steps):
    made = read_first(steps, (f"s{n}" for n in count(7)), CAN)
    return [(s.id, s.intent, s.namespace, s.over) for s in made]


def test_a_file_is_read_before_it_is_summed_up():
    assert first(step("s1", "summarize the file report.md from Choir trip", "data")) == [
        ("s7", "read the file report.md from Choir trip", "document", ""),
        ("s1", "summarize the file report.md from Choir trip", "text", "s7"),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [step("s1", "summarize the table sales.csv", "data")],
        [step("s1", "read a.md", "document"), step("s2", "summarize a.md", over="s1")],
        [step("s1", "read a.md", "document"), step("s2", "summarize a.md")],
        [step("s1", "summarize the mails", "email")],
        [step("s1", "summarise a.md and save the summary as b.md", "filesystem")],
    ],
)
def test_a_table_or_what_is_read_already_is_not_read_first(steps):
    assert len(first(*steps)) == len(steps)


def spec(name, *required):
    return ToolSpec(id=name, effect="read", input_schema={"required": list(required)})


def test_which_namespaces_read_what_is_seen_from_the_tools():
    specs = [
        spec("mail.list_messages"),
        spec("mail.read_message", "message_id"),
        spec("document.read_document", "path"),
        spec("ocr.extract_text_from_image", "path"),
        spec("data.read_csv", "path"),
    ]
    found = readers(specs)
    assert found == Readers(pairs={"mail"}, documents="document", pictures="ocr")
    assert readers([]) == Readers()
