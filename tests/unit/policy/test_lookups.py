"""What a step needs to know is looked up before it; which of two is meant is asked."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.plans import PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.lookups import (
    Lookups,
    looked_up,
    lookups,
    named_among,
    named_directly,
    unidentified,
    which_one,
)
from orchestrator.policy.references import Reference

WHERE = Lookups(people="contacts", records={"calendar": "events", "task": "tasks"})


def step(intent, namespace="email", name="s1", over=""):
    return PlanStep(id=name, intent=intent, namespace=namespace, over=over)


def found(*steps, where=WHERE):
    free = (f"s{at}" for at in count(7))
    return [
        (s.intent, s.namespace, s.over, " ".join(c.written() for c in s.where))
        for s in looked_up(steps, free, where)
    ]


@pytest.mark.parametrize("form", ["Ms ", "coach ", ""])
def test_whom_a_mail_is_for_is_found_first(form):
    intent = f'draft a mail to {form}Kim Larsen, subject "The offer"'
    assert found(step(intent)) == [
        ("find the contact Kim Larsen", "contacts", "", ""),
        (intent, "email", "s7", ""),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [step("draft a mail to kim@larsen.example for Kim")],
        [step("find Kim", "contacts"), step("draft a mail to Kim", name="s2", over="s1")],
        [step("draft a mail to that address")],
        [step('draft a mail saying "Give it to Kim"')],
        [step("find the mail about the camp")],
    ],
)
def test_but_not_where_the_address_is_known_or_nobody_is_named(steps):
    assert len(found(*steps)) == len(steps)


@pytest.mark.parametrize(
    ("intent", "where"),
    [
        ('update the event "Dentist appointment" to 2026-04-23', "title contains Dentist"),
        ("cancel my lesson on 2026-05-21", ""),
    ],
)
def test_the_records_of_which_one_is_changed_are_listed_first(intent, where):
    assert found(step(intent, "calendar")) == [
        ("list all the events", "calendar", "", ""),
        (intent, "calendar", "s7", where),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [step('add the event "Dentist"', "calendar")],
        [step("list the events", "calendar"), step("cancel it", "calendar", "s2", "s1")],
        [step("move the file", "filesystem")],
    ],
)
def test_what_is_made_or_listed_already_is_not_listed(steps):
    assert len(found(*steps)) == len(steps)


def test_where_things_are_found_is_read_from_the_tools():
    record = {"$defs": {"Person": {"properties": {"name": {}, "email": {}}}}}
    needs = {"required": ["event_id"], "properties": {"event_id": {}}}
    specs = [
        ToolSpec(id="contacts.find_contact", effect="read", output_schema=record),
        ToolSpec(id="contacts.add_contact", effect="local_write", output_schema=record),
        ToolSpec(id="calendar.list_events", effect="read"),
        ToolSpec(id="calendar.cancel_event", effect="destructive", input_schema=needs),
        ToolSpec(id="notes.list_notes", effect="read"),
        ToolSpec(id="files.list_trash", effect="read"),
        ToolSpec(id="files.restore", effect="local_write", input_schema={"required": ["trash_id"]}),
        ToolSpec(id="files.rename", effect="local_write", input_schema={"required": ["path"]}),
    ]
    assert lookups(specs) == Lookups(people="contacts", records={"calendar": "events"})
    assert lookups([]) == Lookups()


KIMS = [{"name": "Kim Duarte"}, {"name": "Kim Larsen"}]


def test_which_of_two_is_asked_with_their_names():
    asked = which_one(
        step("draft a mail to that address"), KIMS, "find the contact Kim", "Mail Kim"
    )
    assert asked.startswith("Which one is meant: Kim Duarte or Kim Larsen?")


@pytest.mark.parametrize(
    ("items", "goal"),
    [
        (KIMS[:1], "Mail Kim."),
        (KIMS, "Mail everybody who is called Kim."),
        (KIMS, "Cancel all lessons and mail Kim."),
        ([{"id": "1"}, {"id": "2"}], "Mail Kim."),
    ],
)
def test_one_or_several_or_nameless_things_are_not_asked_about(items, goal):
    assert which_one(step("draft a mail to that address"), items, "find Kim", goal) == ""


intents = st.sampled_from(
    ["draft a mail to Kim", "move the event", "list the tasks", 'cancel "Dentist"', "read it"]
)


@given(st.lists(st.builds(step, intents, st.sampled_from(["email", "calendar"])), max_size=4))
def test_every_step_is_still_there_in_its_order(steps):
    free = (f"s{at}" for at in count(7))
    made = looked_up(steps, free, WHERE)
    assert [s.intent for s in made if s.id == "s1"] == [s.intent for s in steps]


SEARCH = step("search the file Car/inspection.txt in Garage", "filesystem")
READ = step("read the file Car/inspection.txt", "text", "s2", "s1")


def test_a_file_that_is_named_with_its_path_is_not_searched_for():
    [reads, last] = named_directly([SEARCH, READ, step("add it", "task", "s3", "s2")], "filesystem")
    assert (reads.id, reads.namespace, reads.over, last.over) == ("s2", "filesystem", "", "s2")


@pytest.mark.parametrize(
    "steps",
    [
        [SEARCH],
        [SEARCH, step("read it", "filesystem", "s2", "s1")],
        [SEARCH, READ, step("move it", "filesystem", "s3", "s1")],
        [step("list Car/inspection.txt", "filesystem"), READ],
    ],
)
def test_other_searches_stay(steps):
    assert named_directly(steps, "filesystem") == steps


EVENTS = [
    {"id": "e1", "title": "Dentist Mia"},
    {"id": "e2", "title": "Piano"},
    {"id": "e3", "title": "Dentist Jon"},
]


@pytest.mark.parametrize(
    ("intent", "listing", "found"),
    [
        ("move the dentist appointment", "list all the events", (0, 2)),
        ("cancel the piano lesson", "list all the events", (1,)),
        ("move the dentist to after the piano lesson", "list all the events", (0, 2)),
        ("move the appointment", "list all the events", (0, 1, 2)),
        ("cancel all dentist appointments", "list all the events", (0, 1, 2)),
        ("cancel the piano lesson", "find what is on today", (0, 1, 2)),
        ("read the piano lesson", "list all the events", (0, 1, 2)),
    ],
)
def test_of_records_listed_to_find_one_those_of_its_name_are_meant(intent, listing, found):
    source = step(listing, "calendar", "s1")
    assert named_among(step(intent, "calendar", "s2", "s1"), source, EVENTS) == found


def test_files_are_no_records_to_find_one_among():
    files = [{"name": "archive list.txt"}, {"name": "a.png"}]
    moved = step("move the pictures to the archive list", "files", "s2", "s1")
    assert named_among(moved, step("list all the files", "files", "s1"), files) == (0, 1)


def test_that_records_were_all_listed_to_find_one_does_not_mean_several():
    moved = step("move the dentist appointment", "calendar", "s2", "s1")
    assert which_one(moved, EVENTS, "list all the events", "Move my dentist appointment.")


READS = ToolSpec(id="email.read_message", effect="read", input_schema={"required": ["message_id"]})


@pytest.mark.parametrize(
    ("found", "said", "early"),
    [
        ([], "check if Aster has mailed by 2026-04-01", True),
        (["$s1.id"], "read it", False),
        (["$s1.message_id"], "read it", False),
        (["$s1.path", "$folder.Mail"], "read it", True),
        ([], "read the message m17", False),
    ],
)
def test_what_needs_an_id_that_nothing_has_is_too_early(found, said, early):
    offered = [Reference(text=text, kind="text") for text in found]
    assert unidentified(READS, offered, said) is early
    changes = READS.model_copy(update={"effect": "destructive"})
    assert not unidentified(changes, offered, said)
