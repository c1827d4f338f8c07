"""Every check of a case holds when it should, and turns red when it should."""

import inspect
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

import desk.servers
from desk.errors import OfficeError
from desk.suite.cases import DeskCase, Match
from desk.suite.checks import REPLACING, Seen, SeenCall, failures
from desk.suite.matching import misses
from desk.suite.replay import replay, resolved
from desk.suite.world import furnish_case, places, snapshot

COMPLETED = Seen("completed", "It is done.")


def case_of(**fields):
    return DeskCase.model_validate({"id": "a-case", "goal": "Do what is asked.", **fields})


@pytest.fixture
def office(tmp_path):
    return tmp_path / "office"


@pytest.fixture
def judge(office, tmp_path):
    """Furnish, change something, and tell what is wrong then."""

    def found(case, change=None, seen=COMPLETED):
        state = tmp_path / "state"
        state.mkdir(exist_ok=True)
        furnish_case(office, case, state=state)
        before = snapshot(office)
        if change:
            change(office)
        return failures(case, office, before, seen, state=state)

    return found


def write(name, text="changed\n"):
    return lambda root: (root / name).write_text(text)


def remove(name):
    return lambda root: (root / name).unlink()


def called(tool, *, ok=True, **arguments):
    return Seen(
        "completed",
        "Done." if ok else "It could not be done.",
        calls=(SeenCall(tool, arguments, ok),),
    )


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ({"file": "Desktop/a.txt"}, write("Desktop/a.txt"), None),
        (
            {"file": "Desktop/todo.md", "exists": False},
            remove("Desktop/todo.md"),
            None,
        ),
        (
            {"file": "Desktop/a.txt", "text": {"contains": ["Two  words"]}},
            write("Desktop/a.txt", "two\nWORDS\n"),
            write("Desktop/a.txt", "three words"),
        ),
        (
            {"file": "Desktop/a.txt", "same_as": "Desktop/todo.md"},
            lambda r: (r / "Desktop/todo.md").rename(r / "Desktop/a.txt"),
            write("Desktop/a.txt"),
        ),
        (
            {"folder": "Pictures", "names": ["parking sign.png"]},
            remove("Pictures/whiteboard.png"),
            None,
        ),
        ({"folder": "Pictures", "like": "*.jpg", "count": 1}, write("Pictures/a.jpg"), None),
        ({"folder": "Pictures", "at_least": 3}, write("Pictures/a.jpg"), None),
        ({"folder": "New", "names": []}, lambda r: (r / "New").mkdir(), None),
        (
            {"records": "notes", "where": {"title": "Cat"}},
            write("Notes/x.md", "# cat\n\nPurrs.\n"),
            write("Notes/x.md", "# dog\n"),
        ),
        (
            {"records": "tasks", "where": {"id": "t1"}, "count": 0},
            write("Tasks/tasks.json", '{"items": []}'),
            None,
        ),
    ],
)
def test_a_check_of_what_is_on_disk_holds_only_afterwards(judge, check, good, bad):
    case = case_of(checks=[check], changes=["*"])
    assert judge(case, good) == []
    assert judge(case, bad) != []


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ({"answer": ["forty"]}, Seen("completed", "Forty-two."), Seen("completed", "Fifty.")),
        ({"answer": {"lacks": ["no"]}}, Seen("completed", "Yes."), Seen("completed", "No.")),
        (
            {"called": "task.list_tasks", "where": {"status": "done"}},
            called("task.list_tasks", status="done"),
            called("task.list_tasks", status="open"),
        ),
        (
            {"called": ["task.list_tasks"]},
            called("task.list_tasks"),
            called("task.list_tasks", ok=False),
        ),
        (
            {"called": "fetch.fetch", "at_least": 0, "at_most": 0},
            COMPLETED,
            called("fetch.fetch", url="https://example.com"),
        ),
        (
            {"called": "filesystem.list_dir", "where": {"path": "{office}/Desktop"}},
            None,
            called("filesystem.list_dir", path="/elsewhere/Desktop"),
        ),
    ],
)
def test_a_check_of_what_was_said_or_called_holds_only_for_it(judge, office, check, good, bad):
    case = case_of(checks=[check])
    good = good or called("filesystem.list_dir", path=str(office / "Desktop"))
    assert judge(case, seen=good) == []
    assert judge(case, seen=bad) != []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (write("Desktop/todo.md"), "Desktop/todo.md was changed."),
        (write("Desktop/new.md"), "Desktop/new.md is new."),
        (remove("Desktop/todo.md"), "Desktop/todo.md is gone."),
        (lambda r: (r / "Empty").mkdir(), "Empty/ is new."),
        (write("Tasks/tasks.json", '{"items": []}'), "Tasks/tasks.json was changed."),
    ],
)
def test_what_was_not_asked_for_is_named(judge, change, problem):
    assert judge(case_of(), change) == [problem]
    allowed = case_of(changes=["Desktop/*.md", "Empty/*", "Tasks/*"])
    assert judge(allowed, change) == []


def test_a_record_file_that_is_only_written_anew_is_no_change(judge):
    def rewrite(root):
        path = root / "Tasks/tasks.json"
        path.write_text(path.read_text().replace("\n", " "))

    assert judge(case_of(), rewrite) == []


def git(*arguments):
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    return lambda root: subprocess.run(
        ["git", "-C", str(root / "Projects/website"), *who, *arguments],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ({"branch": "menu"}, git("checkout", "-b", "menu")),
        ({"branches": ["menu"]}, git("branch", "menu")),
        ({"commits": 2}, git("commit", "-a", "-m", "Say when it is open")),
        ({"last_message": {"contains": ["open"]}}, git("commit", "-a", "-m", "Say it is open")),
        ({"staged": ["index.html"]}, git("add", ".")),
    ],
)
def test_a_repository_is_judged_by_what_git_says(judge, check, change):
    gold = [{"tool": "git.git_add"}]
    case = case_of(gold=gold, checks=[{"repository": "Projects/website", **check}])
    assert judge(case, change) == []
    assert judge(case) != []
    assert judge(case_of(), change) == ["The repository Projects/website was changed."]


@pytest.mark.parametrize(
    ("outcome", "good", "bad"),
    [
        ("done", Seen("answered"), Seen("failed", "No.")),
        ("nothing", Seen("completed"), Seen("stopped")),
        ("nothing", Seen("completed"), called("clipboard.set_clipboard", text="x")),
        ("asked", Seen("asked", question="Which one?"), Seen("completed", "It is moved.")),
        ("asked", Seen("completed", "Which one do you mean?"), Seen("completed")),
        ("refused", Seen("stopped", "No tool can do that."), Seen("completed")),
        ("refused", called("fetch.fetch", ok=False), called("fetch.fetch", ok=True)),
        ("refused", Seen("completed", "I can't."), called("git.git_reset")),
        ("refused", Seen("completed", "No tool does that."), COMPLETED),
    ],
)
def test_a_run_comes_to_what_the_case_wants(judge, outcome, good, bad):
    case = case_of(outcome=outcome)
    assert judge(case, seen=good) == []
    assert judge(case, seen=bad) != []
    assert judge(case, write("Desktop/todo.md"), good) != []


def test_the_clipboard_is_read_from_the_state_folder_or_from_the_calls(office, tmp_path):
    case = case_of(
        office={"records": {"clipboard": [{"text": "an old text"}]}},
        checks=[{"records": "clipboard", "where": {"text": "a text"}}],
    )
    furnish_case(office, case, state=tmp_path)
    before = snapshot(office)
    seen = called("clipboard.set_clipboard", text="a text")
    assert failures(case, office, before, seen) == []
    assert failures(case, office, before, seen, state=tmp_path) != []
    with pytest.raises(OfficeError, match="clipboard"):
        furnish_case(office, case)


def test_an_overlay_adds_and_takes_away(office, tmp_path):
    overlay = {
        "files": {"Documents/a.docx": "One & two", "Scans/b.pdf": "Words", "Inbox/c.txt": "c"},
        "images": {"Pictures/d.png": ["A line"]},
        "tables": {"Data/e.csv": [["a", "b"], [1, 2]]},
        "removed": ["Desktop/todo.md", "Projects"],
        "records": {
            "mail": [{"subject": "Hello", "text": "Come by."}],
            "tasks": [{"title": "Sing"}],
            "clipboard": [{"text": "copied"}],
        },
        "only_records": True,
    }
    case = case_of(
        office=overlay,
        checks=[
            {"file": "Documents/a.docx", "text": {"contains": ["One & two"]}},
            {"file": "Data/e.csv", "text": {"contains": ["a,b", "1,2"]}},
            {"records": "mail", "count": 1, "where": {"text": ["Come by"]}},
            {"records": "tasks", "count": 1},
            {"records": "tasks", "where": {"title": "Sing", "status": "open"}},
            {"records": "contacts", "count": 8},
            {"records": "clipboard", "where": {"text": "copied"}},
        ],
    )
    furnish_case(office, case, state=tmp_path)
    before = snapshot(office)
    assert failures(case, office, before, COMPLETED, state=tmp_path) == []
    assert "Desktop/todo.md" not in before
    assert not [name for name in before if name.startswith("Projects")]
    assert {"Scans/b.pdf", "Pictures/d.png"} <= set(before)
    assert places(office)["Scans"] == str(office / "Scans")


def test_the_office_is_the_same_for_every_case_whatever_happened_before(office):
    plain = case_of()
    furnish_case(office, plain)
    fresh, inode = snapshot(office), office.stat().st_ino
    (office / "Desktop/todo.md").rename(office / "Desktop/notes.txt")
    (office / "Documents").rename(office / "Desktop/Old project/Documents")
    (office / "Mail").joinpath("inbox.mbox").write_text("")
    (office / "link").symlink_to(office / "Desktop")
    git("commit", "-a", "-m", "Something")(office)
    furnish_case(office, plain)
    assert snapshot(office) == fresh
    assert office.stat().st_ino == inode


@pytest.mark.parametrize(
    ("match", "value", "fits"),
    [
        (Match(equals="A  b"), "a B ", True),
        (Match(equals=["Ann", "Bo"]), ["ann", "bo"], True),
        (Match(equals=["Ann"]), ["ann", "bo"], False),
        (Match(equals=3), 3, True),
        (Match(equals="3"), 3, True),
        (Match(equals=""), "x", False),
        (Match(any_of=("x", "y")), "a Y", True),
        (Match(any_of=("x", "y")), "a", False),
        (Match(pattern=r"\bsix\b"), "Six!", True),
        (Match(pattern=r"\bsix\b"), "sixty", False),
        (Match(contains=("a", "b")), {"one": "A", "two": ["B"]}, True),
        (Match(contains=("a",)), None, False),
    ],
)
def test_values_are_compared_as_people_do(match, value, fits):
    assert (misses(match, value) == "") is fits


def test_a_placeholder_becomes_the_value_it_names():
    results = [{"items": [{"id": "t1", "size": 7}]}]
    root = Path("/an/office")
    assert resolved("{s1.items.0.size}", root, results) == 7
    assert resolved(["{office}/a {s1.items.0.id}"], root, results) == ["/an/office/a t1"]
    for unknown in ("{s2.items}", "{s1.items.4}", "{s1.other}", "{s1.items.0.id.x}"):
        with pytest.raises(OfficeError, match="is in no result"):
            resolved(unknown, root, results)


@pytest.mark.anyio
async def test_a_replay_makes_the_calls_in_order_and_says_what_they_returned(tmp_path):
    async def call(tool, arguments):
        return tool != "a.fails", {"got": arguments["x"]}

    case = case_of(
        gold=[
            {"tool": "a.tool", "arguments": {"x": 1}},
            {"tool": "text.write", "arguments": {"expect": "a word"}},
            {"tool": "a.fails", "arguments": {"x": "{s2.value}"}},
        ]
    )
    seen = await replay(case, tmp_path, call)
    assert [(c.tool, c.ok) for c in seen.calls] == [
        ("a.tool", True),
        ("text.write", True),
        ("a.fails", False),
    ]
    assert seen.calls[2].arguments == {"x": "a word"}
    assert seen.answer == "1\na word\na word"


def test_the_tools_that_replace_something_are_those_that_the_servers_mark():
    folder = Path(desk.servers.__file__).parent
    marked = set()
    for path in folder.glob("*.py"):
        module = import_module(f"desk.servers.{path.stem}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            for name, method in vars(kind).items():
                marks = getattr(method, "__tool_annotations__", None)
                if marks and marks.destructive_hint:
                    marked.add(f"{path.stem}.{name}")
    assert {tool for tool in REPLACING if not tool.startswith("git.")} == marked
