"""What the words of a step or of a goal settle: which sibling, which namespace."""

import pytest

from orchestrator.core.tools import ToolSpec
from orchestrator.policy.shortlist import (
    build_catalogue,
    changing_namespace,
    named_closer,
    reading_namespace,
)
from tests.unit.policy.test_shortlist import Fixed, SharedWords

READERS = [
    ToolSpec(id="task.get_overdue_tasks", effect="read"),
    ToolSpec(id="task.list_tasks", effect="read"),
    ToolSpec(id="task.update_overdue_task", effect="local_write"),
    ToolSpec(id="mail.get_overdue_mail", effect="read"),
]


@pytest.mark.parametrize(
    ("tool_id", "words", "closer"),
    [
        ("task.list_tasks", "list the overdue tasks", "task.get_overdue_tasks"),
        ("task.list_tasks", "list the tasks", ""),
        ("task.get_overdue_tasks", "list the overdue tasks", ""),
        ("task.update_overdue_task", "list the overdue tasks", ""),
        ("mail.get_overdue_mail", "list the overdue tasks", ""),
        ("task.gone", "list the overdue tasks", ""),
    ],
)
def test_a_sibling_whose_name_says_more_of_the_words_is_closer(tool_id, words, closer):
    catalogue = build_catalogue(READERS, [SharedWords()])
    among = [spec.id for spec in READERS]
    assert named_closer(catalogue, tool_id, among, words) == closer


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ([0.9, 0.2, 1.0], ("b", True)),
        ([0.9, 0.8, 1.0], ("b", False)),
        ([0.2, 0.9, 1.0], ("c", True)),
    ],
)
def test_words_belong_to_the_namespace_whose_changing_tool_is_plainly_closest(scores, found):
    specs = [
        ToolSpec(id="b.write", effect="local_write"),
        ToolSpec(id="c.send", effect="egress"),
        ToolSpec(id="d.read", effect="read"),
        ToolSpec(id="e.read", effect="read"),
    ]
    catalogue = build_catalogue(specs, [Fixed("minilm", [*scores, 0.0])])
    assert changing_namespace(catalogue, "do it") == found


def test_where_nothing_changes_anything_no_namespace_does():
    catalogue = build_catalogue(READERS[:2], [SharedWords()])
    assert changing_namespace(catalogue, "add a task") == ("", False)


def test_words_that_look_for_something_belong_where_the_closest_reader_is():
    specs = [ToolSpec(id="text.read"), ToolSpec(id="a.add", effect="local_write"), *READERS[:2]]
    catalogue = build_catalogue(specs, [Fixed("minilm", [1.0, 0.9, 0.2, 0.8])])
    assert reading_namespace(catalogue, "find it") == READERS[1].namespace
    assert reading_namespace(build_catalogue(specs[:2], [SharedWords()]), "find it") == ""


def test_words_that_name_a_parameter_belong_to_the_tool_that_has_it():
    due = {"properties": {"title": {}, "due": {}}}
    specs = [
        ToolSpec(id="contacts.add_contact", effect="local_write"),
        ToolSpec(id="task.create_task", effect="local_write", input_schema=due),
        ToolSpec(id="time.get_time", effect="read"),
    ]
    catalogue = build_catalogue(specs, [Fixed("minilm", [1.0, 0.9, 0.0])])
    assert changing_namespace(catalogue, "add it, due that day")[0] == "task"
    assert changing_namespace(catalogue, "add it, with a title")[0] == "contacts"
