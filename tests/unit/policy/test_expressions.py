"""Arguments as a small model writes them: slips are put right where one thing can be meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import InvalidArguments, MissingValue
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.arguments import Parameter
from orchestrator.policy.expressions import (
    check_expressions,
    each_of_them,
    grounded,
    mended,
    uses_the_item,
    without_unfit,
)
from orchestrator.policy.references import Reference

TO = Parameter(
    name="to", accepts="text", required=True, references=("$s2.email", "$s2.name", "$s1.email")
)
PATHS = Parameter(name="paths", accepts="list", required=True, elements=("$f.a", "$f.b"))
ITEM = Reference(text="$s1.name", kind="name", each=True)


def tool(effect):
    schema = {"type": "object", "required": ["to"]}
    return ToolSpec(id="a.b", description="", input_schema=schema, effect=effect)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$s2.contacts[0].email", "$s2.email"),
        ("$s2.email", "$s2.email"),
        ("$s2.contacts[0].phone", "$s2.contacts[0].phone"),
        ("$s3.email", "$s3.email"),
        ("olaf@pipes.example", "olaf@pipes.example"),
    ],
)
def test_a_reference_is_the_one_with_its_last_field(written, meant):
    assert mended({"to": written}, [TO]) == {"to": meant}


def test_what_is_in_a_list_is_there_once_and_in_order():
    assert mended({"paths": ["$f.b", "$f.a", "$f.b"]}, [PATHS]) == {"paths": ["$f.b", "$f.a"]}


@given(st.dictionaries(st.sampled_from(["to", "paths", "x"]), st.text(max_size=12)))
def test_what_points_nowhere_is_left_alone(said):
    plain = {name: value for name, value in said.items() if not value.startswith("$")}
    assert mended(plain, [TO, PATHS]) == plain


def test_reading_the_same_for_every_item_is_reading_it_once():
    check_expressions(tool("read"), {"path": "x"}, [], [ITEM])
    assert not uses_the_item({"path": "x"}, [ITEM])
    assert uses_the_item({"path": "$s1.name"}, [ITEM])


@pytest.mark.parametrize("effect", ["local_write", "egress", "destructive"])
def test_changing_the_same_for_every_item_is_refused(effect):
    with pytest.raises(InvalidArguments, match="every item would get the same call"):
        check_expressions(tool(effect), {"path": "x"}, [], [ITEM])


SAID = 'find Petra Novakova\nDraft petra@choir.example a mail with the subject "Rehearsals".'


@pytest.mark.parametrize(
    "value",
    ["$s2.email", "petra@choir.example", "Petra Novakova", "the rehearsal", "10:30", "", "HEAD~1"],
)
def test_what_was_given_may_be_written(value):
    said = {"to": value, "body": "As I like it."}
    assert grounded(tool("read"), said, [TO], SAID) == said


@pytest.mark.parametrize("value", ["petra@home.example", "John Doe", "Buy groceries for Petra"])
def test_what_nobody_gave_is_refused_and_what_may_be_used_is_named(value):
    with pytest.raises(InvalidArguments, match=r"neither in the goal nor in a result.*\$s2.email"):
        grounded(tool("read"), {"to": value}, [TO], SAID)


def test_what_a_tool_can_do_without_is_left_out_where_nobody_gave_it():
    base = Parameter(name="base", accepts="text", required=False)
    said = {"to": "Petra", "base": "main line"}
    assert grounded(tool("read"), said, [TO, base], SAID) == {"to": "Petra"}


def test_a_value_of_the_description_may_be_written():
    revision = Parameter(
        name="revision", accepts="text", required=True, description="A commit, such as HEAD"
    )
    grounded(tool("read"), {"revision": "HEAD"}, [revision], "the last commit")


@given(st.text(max_size=30))
def test_what_stands_in_the_goal_as_it_is_is_never_refused(value):
    grounded(tool("read"), {"to": value}, [TO], f"Say {value} to her.")


BODY = Parameter(
    name="body",
    accepts="content",
    required=True,
    references=("$s1.name", "Rehearsal", "We start at seven."),
)
QUERY = Parameter(name="query", accepts="text", required=True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"subject": "Rehearsal", "body": "$s1.name"}, "We start at seven."),
        ({"subject": "Rehearsal", "body": "Rehearsal"}, "We start at seven."),
        ({"subject": "x", "body": "We start at seven."}, "We start at seven."),
        ({"subject": "We start at seven", "body": "$s1.name"}, "Rehearsal"),
        ({"subject": "Rehearsal", "body": "Dear Petra, ..."}, "Dear Petra, ..."),
    ],
)
def test_the_words_that_a_step_quotes_are_the_content(written, meant):
    assert mended(written, [BODY])["body"] == meant


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Ms Aalto", "Aalto"),
        ("Dr. Mina Berg", "Mina Berg"),
        ("Drew Berg", "Drew Berg"),
        ("Ms", "Ms"),
    ],
)
def test_a_person_is_looked_for_without_a_form_of_address(asked, found):
    assert mended({"query": asked}, [QUERY]) == {"query": found}


def test_several_texts_are_joined_in_the_order_of_the_plan():
    assert mended({"to": "$s2.email\n$s1.email"}, [TO]) == {"to": "$s1.email\n$s2.email"}
    assert mended({"to": "$s2.id\n$s1.email"}, [TO]) == {"to": "$s1.email"}
    assert mended({"to": "$s2.id\n$s1.id"}, [TO]) == {"to": "$s1.id\n$s2.id"}


RECIPIENT = TO.model_copy(update={"description": "Mail address of the recipient"})


@pytest.mark.parametrize(
    ("references", "written", "meant"),
    [
        (("$s3.email", "$s3.name"), "Ruben Salgado", "$s3.email"),
        (("$s3.email", "$s3.name"), "$s3.name", "$s3.email"),
        (("$s3.email", "$s4.value"), "$s4.value", "$s4.value"),
        (("$s3.email",), "ruben@swim.example", "ruben@swim.example"),
        (("$s3.email", "$s2.email"), "Ruben Salgado", "Ruben Salgado"),
        ((), "Ruben Salgado", "Ruben Salgado"),
    ],
)
def test_an_address_is_the_one_that_was_found(references, written, meant):
    to = RECIPIENT.model_copy(update={"references": references})
    assert mended({"to": written}, [to]) == {"to": meant}


DUE = Parameter(name="to", accepts="date", required=True)
OPEN = DUE.model_copy(update={"name": "due", "required": False})


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2027-02-04", "Put it in on 4 February 2027."),
        ("2027-02-04T18:00", "Put it in on 2027-02-04."),
        ("2027-02-04", "Put it in tomorrow."),
        ("$s1.value", "Put it in."),
    ],
)
def test_a_day_that_was_named_may_be_written(day, told):
    said = f"add it on 2027-02-04\n{told}"
    assert grounded(tool("read"), {"to": day}, [DUE], said) == {"to": day}


def test_a_day_that_only_the_plan_names_is_asked_for_or_left_out():
    said = "add it on 2027-02-04\nPut the recital into the calendar."
    with pytest.raises(InvalidArguments, match="neither in the goal nor in a result"):
        grounded(tool("read"), {"to": "2027-02-04"}, [DUE], said)
    assert grounded(tool("read"), {"to": "$s1.day", "due": "2027-02-04"}, [DUE, OPEN], said) == {
        "to": "$s1.day"
    }


def test_an_optional_value_that_points_where_it_may_not_is_left_out():
    base = Parameter(name="base", accepts="text", required=False, references=("$s1.name",))
    written = {"to": "$s9.nobody", "base": "$folder.website"}
    assert without_unfit(tool("read"), written, [TO, base]) == {"to": "$s9.nobody"}
    kept = {"to": "Petra", "base": "$s1.name"}
    assert without_unfit(tool("read"), kept, [TO, base]) == kept


def test_but_what_the_step_speaks_of_stays_and_nothing_that_destroys_is_made_wider():
    sender = Parameter(name="sender", accepts="text", required=True)
    base = Parameter(name="base", accepts="text", required=False)
    written = {"to": "inbox", "sender": "$s9.x", "base": "$s9.y"}
    assert without_unfit(tool("local_write"), written, [TO, sender]) == written
    assert without_unfit(tool("destructive"), written, [TO, base]) == written


PHONE = Parameter(name="phone", accepts="text", required=False)


def test_what_the_step_says_a_thing_is_to_have_is_asked_for_and_not_left_out():
    said = "add the contact Petra with her phone number\nAdd Petra."
    with pytest.raises(MissingValue) as missing:
        grounded(tool("local_write"), {"to": "Petra", "phone": "123-456"}, [TO, PHONE], said)
    assert missing.value.parameter == "phone"
    other = "add the contact Petra\nAdd Petra."
    found = grounded(tool("local_write"), {"to": "Petra", "phone": "123-456"}, [TO, PHONE], other)
    assert found == {"to": "Petra"}


@pytest.mark.parametrize(
    ("intent", "written", "title"),
    [
        (
            "add the task “Call Bo” due that day",
            {"title": "$s3.value", "due": "$s3.value"},
            "Call Bo",
        ),
        ("add the task “Call Bo”", {"title": "Call Bo"}, "Call Bo"),
        ("add “Hi” as note with “Ho”", {"title": "$s3.value"}, "$s3.value"),
        ("add a task", {"title": "$s3.value"}, "$s3.value"),
        ("add a task for each mail about “Trees”", {"title": "$s2.subject"}, "$s2.subject"),
        ("draft a reply to the mail about “Trees”", {"title": "$s1.subject"}, "$s1.subject"),
        ("add “Hi” with that title", {"title": "$s3.value", "text": "Hi"}, "$s3.value"),
    ],
)
def test_the_one_text_that_is_quoted_for_nothing_else_is_the_title(intent, written, title):
    assert mended(written, [], intent)["title"] == title


@pytest.mark.parametrize(
    ("intent", "effect", "path"),
    [
        ("read all the files in Bikes", "read", "$s4.path"),
        ("read p1.png", "read", "$folder.Bikes/p1.png"),
        ("compare each one with p1.png", "read", "$folder.Bikes/p1.png"),
        ("read all the files in Bikes", "local_write", "$folder.Bikes/p1.png"),
    ],
)
def test_of_all_that_are_read_each_is_not_the_first_one_only(intent, effect, path):
    wanted = Parameter(name="path", accepts="path", required=True, references=("$s4.path",))
    item = Reference(text="$s4.path", kind="path", each=True)
    written = {"path": "$folder.Bikes/p1.png"}
    assert each_of_them(tool(effect), written, [wanted], [item], intent)["path"] == path


def test_an_objection_says_what_may_stand_there():
    with pytest.raises(InvalidArguments, match=r"to cannot be \$s9.x. It can be \$s2.email or"):
        check_expressions(tool("read"), {"to": "$s9.x"}, [TO], [])
    nothing = Parameter(name="to", accepts="text", required=True)
    with pytest.raises(InvalidArguments, match="Write the words themselves"):
        check_expressions(tool("read"), {"to": "$s9.x"}, [nothing], [])


def update(**properties):
    schema = {"type": "object", "required": ["task_id"], "properties": properties}
    return ToolSpec(
        id="task.update_task", description="", input_schema=schema, effect="local_write"
    )


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ({"task_id": "$s1.id", "title": "$s1.title"}, False),
        ({"task_id": "$s1.id", "title": "$s1.title", "due": "2026-06-03"}, True),
        ({"task_id": "$s1.id", "title": "$s2.value"}, True),
        ({"task_id": "$s1.id", "title": "$s2.title"}, True),
        ({"task_id": "$s1.id", "title": "title"}, True),
        ({"task_id": "$s1.id"}, True),
    ],
)
def test_a_change_that_sets_a_thing_to_what_it_is_is_none(written, fits):
    if fits:
        check_expressions(update(), written, [], [])
        return
    with pytest.raises(InvalidArguments, match="would change nothing: title"):
        check_expressions(update(), written, [], [])


def test_no_folder_stands_for_a_text_that_need_not_be_given():
    base = Parameter(name="base", accepts="text", required=True, description="Base branch")
    spec = tool("local_write")
    given = {"to": "x", "base": "$folder.website"}
    assert without_unfit(spec, given, [TO, base]) == {"to": "x"}
    assert without_unfit(tool("destructive"), given, [TO, base]) == given
    pointing = {"to": "x", "base": "$s1.text"}
    assert without_unfit(spec, pointing, [TO, base]) == pointing


def test_the_address_that_the_step_names_stands_for_an_id():
    address = Parameter(
        name="to", accepts="text", required=True, description="Mail address of the recipient"
    )
    intent = "draft orders@aster.example a mail"
    assert mended({"to": "$s2.id"}, [address], intent) == {"to": "orders@aster.example"}
    found = address.model_copy(update={"references": ("$s1.email",)})
    assert mended({"to": "$s2.id"}, [found], intent) == {"to": "$s1.email"}
    copy = address.model_copy(update={"name": "cc"})
    assert mended({"cc": "$s2.id"}, [copy], intent) == {"cc": "$s2.id"}
    two = f"{intent} like the one to a@b.example"
    assert mended({"to": "$s2.id"}, [address], two) == {"to": "$s2.id"}
    assert mended({"to": "me@b.example"}, [address], intent) == {"to": "me@b.example"}
