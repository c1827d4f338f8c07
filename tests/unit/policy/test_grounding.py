"""Looking before pointing: which folder, what lists it, which of its files are offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.runs import Look, Seen
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.grounding import (
    MOST_FILES,
    MOST_FOLDERS,
    about_files,
    among_seen,
    entries_of,
    fitting_files,
    folders_spoken_of,
    lister,
    lists_a_folder,
    seen_files,
    unlooked,
)
from orchestrator.policy.references import Reference

RECORD = {"properties": {"name": {}, "path": {}}}
LISTING = {
    "properties": {"entries": {"items": {"$ref": "#/$defs/FileRecord"}}},
    "$defs": {"FileRecord": RECORD},
}


def a_tool(tool_id, about="Absolute path of the folder to list", *, effect="read", **fields):
    schema = {"properties": {"path": {"description": about}}, "required": ["path"]}
    made = {"input_schema": schema, "output_schema": LISTING, "effect": effect, **fields}
    return ToolSpec(id=tool_id, **made)


def a_look(*names, world=0):
    return Look(
        folder="$folder.Data", entries=tuple(Seen(name=name) for name in names), world=world
    )


def files(*names):
    looks = {"$folder.Data": a_look(*names)}
    return seen_files(["$folder.Data"], looks)


def names(references):
    return [reference.text.rpartition("/")[2] for reference in references]


class TestWhatLists:
    def test_it_needs_one_folder_and_gives_names_and_paths(self):
        assert lister([a_tool("x.ls")]) == ("x.ls", "path")

    def test_a_list_of_plain_records_will_do(self):
        schema = {"properties": {"entries": {"items": RECORD}}}
        assert lister([a_tool("x.ls", output_schema=schema)]) == ("x.ls", "path")

    @pytest.mark.parametrize(
        "spec",
        [
            a_tool("x.rm", effect="destructive"),
            a_tool("x.read", about="Absolute path of a file"),
            a_tool("x.ls", output_schema=None),
            a_tool("x.ls", output_schema={"properties": {"text": {"type": "string"}}}),
            a_tool("x.search", input_schema={"properties": {}, "required": ["path", "pattern"]}),
        ],
    )
    def test_nothing_else_does(self, spec):
        assert lister([spec]) is None


class TestWhichFolders:
    @pytest.mark.parametrize(
        ("said", "found"),
        [
            ("the sales table in Data", ["Data"]),
            ("everything in my data folder", ["Data"]),
            ("read the receipts in Receipts/March, they are PNG", ["Receipts/March", "Receipts"]),
            ("open Data/2026/sales.csv", ["Data/2026", "Data"]),
            ("what time is it", []),
            ("the Database of Dataland", []),
        ],
    )
    def test_those_that_are_spoken_of(self, said, found):
        folders = folders_spoken_of(said, ["Data", "Receipts"])
        assert folders == [f"$folder.{name}" for name in found]

    def test_only_a_few(self):
        places = [f"Place{n}" for n in range(9)]
        assert len(folders_spoken_of(" ".join(places), places)) == MOST_FOLDERS

    def test_one_that_was_looked_into_is_not_looked_into_again_until_something_changed(self):
        looks = {"$folder.Data": a_look(world=2)}
        assert unlooked(["$folder.Data", "$folder.New"], looks, 2) == ["$folder.New"]
        assert unlooked(["$folder.Data"], looks, 3) == ["$folder.Data"]


class TestWhatWasSeen:
    def test_names_and_whether_they_are_folders(self):
        data = {"count": 2, "entries": [{"name": "a.txt"}, {"name": "Old", "kind": "folder"}, 5]}
        assert entries_of(data) == (Seen(name="a.txt"), Seen(name="Old", folder=True))

    @pytest.mark.parametrize(
        "name", ["a\nb.txt", "x" * 81, "", "-rf", "<b>.txt", 7, None, "a\u202eb"]
    )
    def test_odd_names_are_left_out(self, name):
        assert entries_of({"entries": [{"name": name}]}) == ()

    def test_no_result_is_nothing_seen(self):
        assert entries_of(None) == entries_of({}) == ()

    def test_they_become_references_by_kind(self):
        look = Look(
            folder="f", entries=(Seen(name="a.PNG"), Seen(name="b"), Seen(name="D", folder=True))
        )
        found = seen_files(["$folder.X", "$folder.Y"], {"$folder.X": look})
        assert [(r.text, r.kind) for r in found] == [
            ("$folder.X/a.PNG", "image path"),
            ("$folder.X/b", "path"),
            ("$folder.X/D", "folder"),
        ]


class TestWhichFiles:
    def test_only_the_types_that_the_tool_speaks_of(self):
        found = fitting_files(
            files("sales.csv", "office.db", "sales.txt"), "path of a CSV file", ""
        )
        assert names(found) == ["sales.csv"]

    def test_all_where_none_is_of_that_type(self):
        assert names(fitting_files(files("a.txt"), "path of a CSV file", "")) == ["a.txt"]

    def test_only_the_one_that_the_goal_names(self):
        said = 'rename "plan b.txt" in Data'
        assert names(fitting_files(files("plan.txt", "Plan B.txt"), "a file", said)) == [
            "Plan B.txt"
        ]

    def test_the_likeliest_first_and_not_too_many(self):
        many = files(*[f"n{n}.txt" for n in range(30)], "price list.txt")
        found = fitting_files(many, "a file", "the list of prices in Data")
        assert names(found)[0] == "price list.txt"
        assert len(found) == MOST_FILES

    def test_only_the_one_that_is_called_by_its_name_without_the_ending(self):
        both = files("invoices 2025.csv", "Price-List 2026.txt", "list.md")
        for said in ("read the price list 2026", "read it\nThe Price List 2026 is in Data."):
            assert names(fitting_files(both, "a file", said)) == ["Price-List 2026.txt"]

    def test_none_where_the_step_names_a_file_of_another_type(self):
        both = files("invoices 2025.csv", "payment terms.md")
        assert fitting_files(both, "path of a CSV file", "read the payment terms") == []

    def test_what_is_taken_to_a_folder_is_not_taken_from_it(self):
        looks = {
            f"$folder.{name}": Look(folder=name, entries=(Seen(name=file),))
            for name, file in {"Poems/Book": "preface.txt", "Poems": "rain.txt"}.items()
        }
        seen = seen_files(list(looks), looks)
        said = "copy the .txt poems from Poems to Poems/Book"
        assert names(fitting_files(seen, "a file", said)) == ["rain.txt"]
        assert len(fitting_files(seen[:1], "a file", said)) == 1

    def test_folders_only_where_a_folder_will_do(self):
        looks = {"d": Look(folder="d", entries=(Seen(name="Old", folder=True),))}
        seen = seen_files(["d"], looks)
        assert fitting_files(seen, "path of a file", "") == []
        assert fitting_files(seen, "path of a file or folder", "") == seen

    def test_what_a_tool_says_of_itself_counts_up_to_its_first_full_stop(self):
        spec = ToolSpec(id="x.y", description="Read a plain text file. PDFs are refused.")
        assert about_files(spec, {"description": "The file"}) == "The file. Read a plain text file"


class TestAmongWhatIsOffered:
    FOLDER = Reference(text="$folder.Data", kind="folder")

    def test_where_there_is_a_file_its_folder_is_no_choice(self):
        offered = [self.FOLDER, *files("a.csv")]
        assert names(among_seen(offered, ("path", "folder"), "a file", "")) == ["a.csv"]
        assert self.FOLDER in among_seen(offered, ("path", "folder"), "a file or folder", "")

    def test_it_stays_where_the_tool_does_not_say_that_it_takes_files(self):
        offered = [self.FOLDER, *files("a.csv")]
        assert self.FOLDER in among_seen(offered, ("path", "folder"), "Shows the logs", "")

    def test_without_one_it_stays(self):
        assert among_seen([self.FOLDER], ("path", "folder"), "a file", "") == [self.FOLDER]

    def test_a_new_path_or_a_name_is_pointed_to_no_seen_file(self):
        offered = [self.FOLDER, *files("a.csv")]
        assert among_seen(offered, ("folder", "path", "name"), "", "") == [self.FOLDER]
        assert among_seen(offered, ("name",), "", "") == [self.FOLDER]


@given(st.lists(st.text(max_size=90), max_size=40), st.text(max_size=60))
def test_whatever_is_in_a_folder_only_plain_names_are_offered_and_few(listed, said):
    seen = entries_of({"entries": [{"name": name} for name in listed]})
    looks = {"$folder.D": Look(folder="$folder.D", entries=seen)}
    found = fitting_files(seen_files(["$folder.D"], looks), "a file", said)
    assert len(found) <= MOST_FILES
    assert all(reference.text.isprintable() and "\n" not in reference.text for reference in found)


@pytest.mark.parametrize(
    ("intent", "lists"),
    [
        ("list the files in Data", True),
        ("list what is in Data/Old after that", True),
        ("list the files in Data named budget", False),
        ("list the duplicates in Data", False),
        ("list the notes", False),
        ("read the files in Data", False),
    ],
)
def test_a_step_that_lists_a_folder_is_told_by_its_words(intent, lists):
    assert lists_a_folder(intent, ["Data"]) is lists
