"""The second stage asks for what is needed, offers what fits, and refuses the rest."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestrator.core.errors import InvalidArguments
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.accepts import plain
from orchestrator.policy.arguments import answer_schema, parameters
from orchestrator.policy.expressions import check_expressions
from orchestrator.policy.references import Reference

TEXT = {"type": "string"}


def ref(text, kind, **marks):
    return Reference(text=text, kind=kind, **marks)


EACH = [
    ref("$s3.value", "name", each=True, made=True),
    ref("$s2.text", "text", each=True),
    ref("$s2.path", "image path", each=True),
    ref("$s1.path", "image path", each=True),
    ref("$s1.size", "number", each=True),
]
DESKTOP, MAIL = ref("$folder.Desktop", "folder"), ref("$folder.Mail", "folder")


def spec(name="fs.act", required=(), **properties):
    schema = {"type": "object", "properties": properties, "required": list(required or properties)}
    return ToolSpec(id=name, input_schema=schema)


def only(tool, offered=(), **words):
    [parameter] = parameters(tool, offered, **words)
    return parameter


class TestKinds:
    @pytest.mark.parametrize(
        ("name", "schema", "accepts"),
        [
            ("path", TEXT, "path"),
            ("source", TEXT, "path"),
            ("path", {**TEXT, "description": "Absolute path of the folder to list"}, "folder"),
            ("path", {**TEXT, "description": "Path of the file or folder"}, "path"),
            ("path", {**TEXT, "description": "Path of an image file"}, "image"),
            ("image", TEXT, "image"),
            ("target_dir", TEXT, "folder"),
            ("destination", TEXT, "new path"),
            ("new_name", TEXT, "name"),
            ("title", TEXT, "name"),
            ("body", TEXT, "content"),
            ("instruction", TEXT, "words"),
            ("pattern", TEXT, "words"),
            ("query", TEXT, "text"),
            ("form", {"enum": ["a", "b"]}, "words"),
            ("limit", {"type": "integer"}, "number"),
            ("ratio", {"type": "number"}, "number"),
            ("tags", {"type": "array"}, "list"),
            ("deep", {"type": "boolean"}, "yes/no"),
        ],
    )
    def test_a_parameter_is_read_from_its_type_and_name(self, name, schema, accepts):
        assert only(spec(**{name: schema})).accepts == accepts

    def test_an_image_tool_takes_image_paths(self):
        assert only(spec("ocr.extract_text_from_image", path=TEXT)).accepts == "image"

    def test_an_optional_parameter_is_typed_by_its_other_form(self):
        optional = {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Limit"}
        assert only(spec(limit=optional)).accepts == "number"

    def test_a_local_reference_is_followed(self):
        root = {"$defs": {"Mode": {"enum": ["fast", "best"]}}}
        assert plain({"$ref": "#/$defs/Mode", "description": "d"}, root) == {
            "enum": ["fast", "best"],
            "description": "d",
        }
        assert plain({"$ref": "#/$defs/Gone"}, root) == {}
        assert plain({"anyOf": [{"type": "integer"}, {"type": "array"}]}, {}) == {
            "anyOf": [{"type": "integer"}, {"type": "array"}]
        }


class TestWhatIsAsked:
    def test_required_ones_always_and_optional_ones_when_they_are_spoken_of(self):
        tool = spec(required=["path"], path=TEXT, pattern=TEXT, hidden={"type": "boolean"})
        assert [p.name for p in parameters(tool, [])] == ["path"]
        assert [p.name for p in parameters(tool, [], goal="Also the hidden files")] == [
            "path",
            "hidden",
        ]
        assert [p.name for p in parameters(tool, [], intent="match a pattern")] == [
            "path",
            "pattern",
        ]

    def test_a_tool_without_parameters_is_asked_nothing(self):
        assert parameters(ToolSpec(id="a.b"), []) == ()
        assert answer_schema(()) == {
            "type": "object",
            "properties": {},
            "required": [],
            "additionalProperties": False,
        }


class TestWhatIsOffered:
    def test_an_image_path_is_the_nearest_one_and_no_literal(self):
        found = only(spec("ocr.read_image", path=TEXT), EACH)
        assert (found.references, found.literal) == (("$s2.path",), None)

    def test_a_new_name_is_the_one_that_was_made_for_it(self):
        found = only(spec(new_name=TEXT), EACH)
        assert (found.references, found.literal) == (("$s3.value",), None)

    def test_content_is_the_made_value_or_the_nearest_text(self):
        assert only(spec(text=TEXT), EACH[1:]).references == ("$s2.text",)

    def test_content_with_nothing_to_point_to_may_be_written(self):
        found = only(spec(text=TEXT), [ref("$s1.title", "name")])
        assert found.references == ("$s1.title",)
        assert found.literal == {"type": "string", "minLength": 1, "maxLength": 400}

    def test_words_point_to_nothing(self):
        found = only(spec(instruction=TEXT), EACH)
        assert found.references == ()
        assert found.literal["type"] == "string"

    def test_a_choice_has_its_options_only(self):
        found = only(spec(form={"type": "string", "enum": ["a", "b"]}), EACH)
        assert (found.references, found.literal) == ((), {"enum": ["a", "b"]})

    def test_a_folder_that_is_spoken_of_is_the_one_meant(self):
        tool = spec(folder=TEXT)
        assert only(tool, [DESKTOP, MAIL]).references == ("$folder.Desktop", "$folder.Mail")
        assert only(tool, [DESKTOP, MAIL], goal="in Mail").references == ("$folder.Mail",)
        assert only(
            tool, [DESKTOP, MAIL], goal="in Mail", intent="list the desktop"
        ).references == ("$folder.Desktop",)

    def test_a_file_that_the_goal_names_may_be_in_any_of_the_folders(self):
        found = only(spec(path=TEXT), [DESKTOP, MAIL], goal="Read report.v2.pdf now.")
        assert "$folder.Desktop/report.v2.pdf" in found.references
        assert found.literal is None

    def test_a_path_with_nothing_to_point_to_is_asked_as_text(self):
        found = only(spec(path=TEXT))
        assert (found.references, found.literal["type"]) == ((), "string")

    def test_a_new_path_may_be_pointed_to_or_written(self):
        found = only(spec(destination=TEXT), [DESKTOP])
        assert found.references == ("$folder.Desktop",)
        assert found.literal["type"] == "string"

    @pytest.mark.parametrize(
        ("schema", "literal"),
        [
            ({"type": "integer", "minimum": 1, "title": "N"}, {"type": "integer", "minimum": 1}),
            ({"type": "boolean", "default": True}, {"type": "boolean"}),
            (
                {"type": "array", "items": TEXT},
                {"type": "array", "items": {"type": "string", "maxLength": 400}, "maxItems": 12},
            ),
            (
                {"type": "array", "items": {"type": "number"}},
                {"type": "array", "items": {"type": "number"}, "maxItems": 12},
            ),
            ({"type": ["null", "integer"]}, {"type": "integer"}),
            (
                {"type": ["integer", "string"]},
                {"type": "string", "minLength": 1, "maxLength": 400},
            ),
            (
                {"type": "string", "maxLength": 9},
                {"type": "string", "minLength": 1, "maxLength": 9},
            ),
        ],
    )
    def test_a_literal_keeps_what_a_model_can_be_held_to(self, schema, literal):
        assert only(spec(thing=schema)).literal == literal


class TestChecks:
    tool = spec("ocr.read_image", path=TEXT)

    def check(self, offered, effect="egress", **expressions):
        wanted = parameters(self.tool, offered)
        check_expressions(
            ToolSpec(id="ocr.read_image", effect=effect), expressions, wanted, offered
        )

    def test_what_was_offered_passes(self):
        self.check(EACH, path="$s2.path")

    def test_a_reference_that_was_not_offered_is_refused(self):
        with pytest.raises(InvalidArguments, match=r"path cannot be \$s9.path"):
            self.check(EACH, path="$s9.path")

    def test_the_same_call_for_every_item_is_refused_with_a_value_that_differs(self):
        with pytest.raises(InvalidArguments, match="every item would get the same call") as raised:
            self.check(EACH, path="/d/a.png")
        assert "$s1.path" in raised.value.message

    def test_outside_a_fan_out_a_literal_is_fine(self):
        self.check([], path="/d/a.png")


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([*EACH, DESKTOP, MAIL]), unique=True),
    st.dictionaries(
        st.sampled_from(["path", "text", "new_name", "query", "limit", "form", "destination"]),
        st.sampled_from(
            [TEXT, {"type": "integer"}, {"enum": ["a"]}, {"type": "array"}, {"type": "boolean"}]
        ),
        min_size=1,
    ),
)
def test_the_schema_is_always_valid_and_admits_every_reference_that_is_offered(offered, properties):
    wanted = parameters(spec(**properties), offered)
    schema = answer_schema(wanted)
    Draft202012Validator.check_schema(schema)
    json.dumps(schema)
    for parameter in wanted:
        form = Draft202012Validator(schema["properties"][parameter.name])
        assert all(form.is_valid(text) for text in parameter.references)
        assert set(parameter.references) <= {reference.text for reference in offered}


@pytest.mark.parametrize(("tool", "free"), [("move_file", False), ("merge_documents", True)])
def test_what_is_moved_goes_into_a_folder_and_to_no_path_of_the_models_own(tool, free):
    moves = spec(destination=TEXT).model_copy(update={"id": f"filesystem.{tool}"})
    found = only(moves, [DESKTOP])
    assert found.references == ("$folder.Desktop",)
    assert (found.literal is not None) is free


def test_what_is_moved_goes_to_no_id_of_an_earlier_result():
    moves = spec(destination=TEXT).model_copy(update={"id": "filesystem.copy_file"})
    made = ref("$s3.value", "name", each=True, made=True)
    found = only(moves, [DESKTOP, ref("$s2.id", "name"), made])
    assert set(found.references) == {"$folder.Desktop", "$s3.value"}


def test_the_one_file_that_a_step_is_to_make_is_named_and_no_result_is():
    joins = spec(destination=TEXT).model_copy(update={"id": "document.merge_documents"})
    offered = [DESKTOP, ref("$s2.name", "name")]
    found = only(joins, offered, intent="join them into one file Desktop/book.txt")
    assert found.references == ("$folder.Desktop/book.txt",)
    assert "$s2.name" in only(joins, offered, intent="join them into one file").references
    of_it = only(joins, offered, intent="write a summary of Desktop/menu.md into summary.md")
    assert of_it.references != ("$folder.Desktop/menu.md",)


class TestWhatTheStepItselfSays:
    NAME = ref("$s1.name", "name", each=True)

    def test_its_quotes_may_be_the_content(self):
        intent = 'draft a mail to her, subject "Piano", saying "We have to stop."'
        body = only(spec("email.draft_email", body=TEXT), [self.NAME], intent=intent)
        assert body.references == ("$s1.name", "Piano", "We have to stop.")

    def test_unless_there_is_a_text_to_use(self):
        offered = [ref("$s2.text", "text", each=True)]
        body = only(spec(body=TEXT), offered, intent='save it as "a" from "b"')
        assert body.references == ("$s2.text",)

    @pytest.mark.parametrize(
        ("intent", "goes"),
        [
            ("copy Mail/a.txt to the folder Desktop", "$folder.Desktop"),
            ("move it into Desktop/Old (2).", "$folder.Desktop/Old"),
            ("put it under Desktop/Old", "$folder.Desktop/Old"),
        ],
    )
    def test_things_go_where_it_says(self, intent, goes):
        move = spec("fs.move_file", destination=TEXT)
        goal = 'Put "Sign it" on my list and copy Mail/a.txt to Desktop.'
        found = only(move, [DESKTOP, MAIL], goal=goal, intent=intent)
        assert found.references[0].startswith(goes)
        assert len(found.references) == 1
        assert found.literal is None

    def test_a_folder_is_the_one_it_names_not_the_one_inside_that_the_goal_does(self):
        listing = spec("fs.list_dir", path={**TEXT, "description": "Path of the folder to list"})
        goal = "Read what is in Desktop and move it to Desktop/Old."
        found = only(listing, [DESKTOP, MAIL], goal=goal, intent="list the files in Desktop")
        assert found.references == ("$folder.Desktop",)

    def test_a_name_is_no_date(self):
        due = {**TEXT, "description": "Due date in ISO 8601"}
        offered = [
            ref("$s3.name", "name"),
            ref("$s2.start", "name"),
            ref("$s4.value", "name", made=True),
        ]
        found = only(spec(due=due), offered, intent="add it, due that day")
        assert found.references == ("$s2.start", "$s4.value")

    def test_a_number_that_was_made_may_be_the_content_and_its_words_not(self):
        offered = [
            ref("$s3.value", "number", each=True, made=True),
            ref("$s3.because", "list", each=True),
            ref("$s1.size", "number", each=True),
        ]
        assert only(spec(text=TEXT), offered).references == ("$s3.value",)

    @pytest.mark.parametrize("made", [True, False])
    def test_what_was_read_or_made_is_content_before_the_name_of_the_item(self, made):
        read = ref("$s1.text", "text", made=made)
        body = only(spec(body=TEXT), [self.NAME, read], intent="draft her a mail with it")
        assert body.references == ("$s1.text",)

    def test_what_is_looked_for_is_said_or_was_made(self):
        offered = [ref("$s1.characters", "number"), ref("$s2.value", "name", made=True)]
        assert only(spec(query=TEXT), offered).references == ("$s2.value",)

    def test_of_several_items_the_texts_are_the_content(self):
        offered = [ref("$s2.id", "list"), ref("$s2.text", "list")]
        assert only(spec(content=TEXT), offered).references == ("$s2.text",)

    def test_what_lists_all_is_not_narrowed_by_the_goal(self):
        day = {**TEXT, "description": "First day, ISO 8601"}
        lists = spec("calendar.list_events", required=[" "], start=day)
        goal = "Move the dentist to 2026-04-23."
        assert parameters(lists, [], goal=goal, intent="list all the events") == ()
        assert parameters(lists, [], goal=goal, intent="list the events")[0].name == "start"

    def test_what_was_made_as_the_title_is_not_the_text_as_well(self):
        title, text = (
            ref("$s2.value", "name", each=True, made=True),
            ref("$s1.text", "text", each=True),
        )
        found = parameters(spec("notes.add_note", title=TEXT, text=TEXT), [title, text])
        assert [each.references for each in found] == [("$s2.value",), ("$s1.text",)]
        assert only(spec("clipboard.set", text=TEXT), [title, text]).references == ("$s2.value",)

    def test_a_file_that_is_named_is_not_written_in_place_of_its_folder(self):
        path = {**TEXT, "description": "Path of the file to write"}
        intent = "create the file packing.txt on the Desktop"
        found = only(spec("fs.write_file", path=path), [DESKTOP, MAIL], intent=intent)
        assert found.accepts == "new path"
        assert found.references == ("$folder.Desktop/packing.txt",)

    def test_the_text_of_what_a_title_was_made_of_is_the_text(self):
        title, text = (
            ref("$s3.value", "name", each=True, made=True),
            ref("$s1.text", "text", each=True),
        )
        found = parameters(spec("notes.add_note", title=TEXT, text=TEXT), [title, text])
        assert [each.references for each in found] == [("$s3.value",), ("$s1.text",)]

    def test_an_id_is_no_content(self):
        ids = [ref("$s3.id", "name"), ref("$s3.email", "name")]
        assert only(spec(body=TEXT), ids).references == ("$s3.email",)

    def test_no_time_and_no_id_is_what_a_thing_is_called(self):
        times = [ref("$s1.copied_at", "name"), ref("$s1.id", "name"), ref("$s1.sender", "name")]
        assert only(spec(title=TEXT), times).references == ("$s1.sender",)

    def test_of_a_picture_that_a_note_was_made_of_the_picture_is_moved(self):
        made = [ref("$s2.path", "path", each=True), ref("$s1.path", "image path", each=True)]
        move = spec("fs.move_file", source=TEXT)
        assert only(move, made, intent="move each photo to Old").references == ("$s1.path",)
        assert only(move, made, intent="move each note to Old").references == ("$s2.path",)
