"""What a person names, the model can name: quoted files, inner folders, new paths, options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestrator.core.errors import InvalidArguments
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.arguments import answer_schema, parameters
from orchestrator.policy.expressions import check_expressions
from orchestrator.policy.references import Reference
from orchestrator.policy.spoken import (
    files_named,
    names_given,
    options_spoken_of,
    path_inside,
    paths_named,
    quoted,
)

TEXT = {"type": "string"}
DESK, DOCS = "$folder.Desktop", "$folder.Documents"
FOLDERS = [Reference(text=DESK, kind="folder"), Reference(text=DOCS, kind="folder")]
EACH = [
    Reference(text="$s1.path", kind="path", each=True),
    Reference(text="$s1.name", kind="name", each=True),
]


def described(description, **schema):
    return {**TEXT, **schema, "description": description}


def spec(tool="fs.act", required=None, effect="read", **properties):
    return ToolSpec(
        id=tool,
        effect=effect,
        input_schema={
            "type": "object",
            "properties": properties,
            "required": list(properties) if required is None else required,
        },
    )


def one(tool, offered=FOLDERS, goal=""):
    [parameter] = parameters(tool, offered, goal=goal)
    return parameter


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ('Bin "readme (1).txt", it is a copy.', ["readme (1).txt"]),
        ("Open Service.", []),
        ("Keep Service contract.docx safe", ["Service contract.docx", "contract.docx"]),
        ("Create packing.txt now", ["packing.txt"]),
        ('Say "What a day!" to "harbour view"', ["harbour view"]),
        ("Read report.v2.pdf now.", ["report.v2.pdf"]),
    ],
)
def test_names_are_found_in_quotation_marks_and_by_their_file_type(said, names):
    assert names_given(said) == names


def test_a_quoted_sentence_is_no_name():
    assert quoted('He said "one two three four five six seven" and "x.md"') == ["x.md"]
    assert files_named('"x.md" and y.md') == ["y.md"]


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        ("Put it into Documents/Archive.", [f"{DOCS}/Archive"]),
        ("in Documents (Documents/office.db)", [f"{DOCS}/office.db"]),
        ('"Documents/My file.md"', [f"{DOCS}/My file.md"]),
        ('the folder "Old project"', [f"{DESK}/Old project", f"{DOCS}/Old project"]),
        ("Elsewhere/Archive", []),
    ],
)
def test_paths_are_named_under_the_folders_of_the_run(said, paths):
    assert [path for path in paths_named(said, [DESK, DOCS]) if path in paths] == paths
    assert bool(paths) or not paths_named(said, [DESK, DOCS])


def test_a_file_that_is_to_be_made_may_be_written_inside_a_folder_only():
    tool = spec(path=described("Absolute path of the file to create"))
    found = one(tool, goal="Note it down somewhere.")
    assert found.accepts == "new path"
    form = Draft202012Validator(answer_schema([found])["properties"]["path"])
    assert form.is_valid(f"{DOCS}/summary of may.md")
    assert form.is_valid(f"{DESK}/new folder/a.txt")
    for wrong in ("/etc/passwd", f"{DOCS}/../x", "$folder.Other/x", "$s9.path", f"{DOCS}/"):
        assert not form.is_valid(wrong)
    check_expressions(ToolSpec(id="fs.act"), {"path": f"{DOCS}/summary.md"}, [found], FOLDERS)
    with pytest.raises(InvalidArguments, match=r"path cannot be \$folder.Documents/../x"):
        check_expressions(ToolSpec(id="fs.act"), {"path": f"{DOCS}/../x"}, [found], FOLDERS)


@given(st.text(max_size=30))
def test_no_path_that_may_be_written_leads_out_of_its_folder(inner):
    form = Draft202012Validator(path_inside([DESK]))
    if form.is_valid(f"{DESK}/{inner}"):
        assert ".." not in f"{inner}".split("/")
        assert not inner.startswith(("/", "."))


@pytest.mark.parametrize(
    ("name", "description", "accepts"),
    [
        ("first", "Absolute path of a .docx or .md file", "path"),
        ("path", "Absolute path of the folder to create", "new path"),
        ("path", "Absolute path of the file to rename", "path"),
        ("text", "Text to look for, any case", "text"),
        ("value", "Value to compare with", "text"),
        ("body", "Text of the message", "content"),
        ("target", "", "text"),
        ("target", "Folder to copy into", "new path"),
    ],
)
def test_a_description_says_more_than_a_name(name, description, accepts):
    assert one(spec(**{name: described(description)})).accepts == accepts


def test_what_is_looked_for_in_each_document_may_be_written():
    tool = spec(text=described("Text to look for"))
    assert one(tool, EACH).literal["type"] == "string"


def test_a_found_file_may_get_the_name_that_the_goal_gives_it():
    tool = spec(new_name=TEXT)
    found = one(tool, EACH, goal='Call the photo "harbour view".')
    assert found.references == ("harbour view",)
    assert one(tool, EACH, goal="Tidy up.").references == ()


def test_every_found_file_may_go_to_the_folder_that_the_goal_names():
    tool = spec(source=TEXT, destination=TEXT)
    wanted = parameters(tool, [*EACH, *FOLDERS], goal="Move them to Documents/Archive.")
    expressions = {"source": "$s1.path", "destination": f"{DOCS}/Archive"}
    check_expressions(ToolSpec(id="fs.act"), expressions, wanted, EACH)


def test_a_list_of_paths_is_made_of_paths():
    tool = spec(paths={"type": "array", "items": TEXT})
    found = one(tool, goal='Join "a.md" and "b.md" from Documents.')
    form = Draft202012Validator(answer_schema([found])["properties"]["paths"])
    assert form.is_valid([f"{DOCS}/a.md", f"{DOCS}/b.md"])
    assert not form.is_valid([f"{DOCS}/c.md"])
    check_expressions(ToolSpec(id="fs.act"), {"paths": [f"{DOCS}/a.md"]}, [found], FOLDERS)


def test_a_repository_is_a_folder_that_may_lie_deeper():
    tool = spec(repo_path=TEXT)
    goal = "Stage index.html of the website."
    found = one(tool, goal=goal)
    assert not [text for text in found.references if "index" in text]
    form = Draft202012Validator(answer_schema([found])["properties"]["repo_path"])
    assert form.is_valid(f"{DOCS}/website")
    assert one(tool, goal="Documents/website").references[-1] == f"{DOCS}/website"


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "schema", "said"),
        [
            ("due", TEXT, "It is due soon"),
            ("include_hidden", {"type": "boolean"}, "the hidden ones"),
            ("folder", {"enum": ["inbox", "drafts"]}, "which draft is waiting"),
            ("start", described("First day, ISO 8601"), "on 4 March 2026"),
            ("email", described("Mail address"), "ana@example.com"),
            ("phone", described("Phone number"), "+33 1 4020 55"),
            ("minutes", {"type": "integer"}, "a gap of two hours"),
        ],
    )
    def test_an_option_is_spoken_of_by_name_value_or_sign(self, name, schema, said):
        tool = spec(required=[], **{name: schema})
        assert options_spoken_of(tool, {name: schema}, said) == [name]
        assert options_spoken_of(tool, {name: schema}, "Do it.") == []

    def test_only_what_changes_something_is_spoken_of_by_its_description(self):
        options = {"priority": described("How urgent it is")}
        reads = spec("task.list", required=[], **options)
        adds = spec("task.create_task", required=[], effect="local_write", **options)
        assert options_spoken_of(reads, options, "it is urgent") == []
        assert options_spoken_of(adds, options, "it is urgent") == ["priority"]

    def test_a_change_of_nothing_in_particular_is_asked_for_everything(self):
        options = {"title": TEXT, "due": TEXT}
        tool = spec("task.update_task", required=[], effect="local_write", **options)
        assert options_spoken_of(tool, options, "Put it otherwise") == ["title", "due"]
        assert options_spoken_of(tool, options, "another title") == ["title"]


def test_a_quoted_path_in_no_folder_of_the_run_names_nothing():
    assert paths_named('Open "Nowhere/a.txt" and "Documents".', FOLDERS_OF_THE_RUN) == []


FOLDERS_OF_THE_RUN = ["$folder.Documents"]


def test_a_repository_is_no_file_that_was_seen():
    seen = Reference(text=f"{DOCS}/index.html", kind="path", seen=True)
    found = one(spec(repo_path=TEXT), [*FOLDERS, seen], goal="What changed last in Documents?")
    assert seen.text not in found.references
