"""What stands in a file is read, and each of it is listed before something is made of each."""

import pytest

from orchestrator.core.plans import PlanStep
from orchestrator.policy.itemising import each_item, read_not_listed, with_its_source
from orchestrator.policy.selection import parse_where


def step(id_, intent, namespace="task", over=""):
    return PlanStep(id=id_, intent=intent, namespace=namespace, over=over)


READING = {"filesystem", "document"}
READ = step("s1", "read Camping/missing.txt", "filesystem")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("list the items in Camping/missing.txt", "read Camping/missing.txt"),
        ("get the names from the file Trip/menu.md", "read Trip/menu.md"),
        ("get the size of report.pdf", "get the size of report.pdf"),
        ("find all copies of a.pdf in Trip", "find all copies of a.pdf in Trip"),
        ("get the outline of report.docx", "get the outline of report.docx"),
        ("list the files in Camping", "list the files in Camping"),
        ("list the rows in Trip/people.csv", "list the rows in Trip/people.csv"),
    ],
)
def test_what_is_in_a_text_file_is_read(said, meant):
    assert read_not_listed([step("s1", said, "filesystem")], READING)[0].intent == meant


def test_a_folder_of_files_that_is_gone_over_is_left_alone():
    each = step("s2", "list the items in a.txt", "filesystem", over="s1")
    trip = step("s3", "list the names of trip.pdf", "calendar")
    assert read_not_listed([each, trip], READING) == [each, trip]


def test_a_change_for_each_item_of_a_text_goes_over_its_items():
    made = each_item([READ, step("s2", "create a task for each item", over="s1")], iter(["s7"]))
    assert [(s.id, s.namespace, s.over) for s in made] == [
        ("s1", "filesystem", ""),
        ("s7", "text", ""),
        ("s2", "task", "s7"),
    ]
    assert made[1].intent.startswith("list the items that s1 read")


@pytest.mark.parametrize(
    ("source", "change"),
    [
        (READ, "create a task for the items"),
        (READ, "draft a separate reply"),
        (READ, "draft a mail to each of the contacts"),
        (READ, "create a task for every mail"),
        (READ, 'create the task "for each"'),
        (READ, "count each item"),
        (step("s1", "read the table data.csv", "data"), "create a task for each row"),
        (step("s1", "read each file", "document"), "create a task for each file"),
        (step("s1", "list the files", "filesystem"), "create a task for each file"),
    ],
)
def test_what_is_no_single_text_or_no_change_for_each_is_left_alone(source, change):
    steps = [source, step("s2", change, over="s1")]
    assert each_item(steps, iter(["s7"])) == steps
    assert each_item([READ, step("s2", "create a task for each", over="s1")], iter(()))[1].over


def test_a_first_step_on_a_text_that_nothing_reads_gets_what_it_speaks_of():
    asked = []

    def reads_in(words):
        asked.append(words)
        return "email"

    first = step("s1", "extract the amount from the mail about the mooring", "text")
    made = with_its_source([first, READ], iter(["s7"]), reads_in)
    assert [(s.id, s.intent, s.namespace, s.over) for s in made[:2]] == [
        ("s7", "find the mail about the mooring", "email", ""),
        ("s1", first.intent, "text", "s7"),
    ]
    assert asked == ["find the mail about the mooring"]


def test_what_says_which_of_them_or_how_many_stays_as_it_is():
    where = step("s2", "create a task for each", over="s1").model_copy(
        update={"where": parse_where("name contains urgent")}
    )
    assert each_item([READ, where], iter(["s7"])) == [READ, where]
    three = step("s2", "create a task for each", over="s1").model_copy(update={"take": 3})
    assert each_item([READ, three], iter(["s7"]))[2].take == 3


@pytest.mark.parametrize(
    "said",
    [
        "write a poem",
        "write a poem in the style of the sea",
        "translate “Good morning” out of the note",
        "extract it",
    ],
)
def test_a_text_that_speaks_of_nothing_to_find_is_left_alone(said):
    steps = [step("s1", said, "text")]
    assert with_its_source(steps, iter(["s7"]), lambda words: "email") == steps
    found = [step("s1", "find the mail", "email")]
    assert with_its_source(found, iter(["s7"]), lambda words: "email") == found
    assert with_its_source([], iter(["s7"]), lambda words: "email") == []
