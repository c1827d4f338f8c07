"""The filesystem tools over a real folder, without a process in between."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from desk.errors import OfficeError
from desk.files.roots import Roots
from desk.servers.filesystem import Filesystem
from desk.servers.hosting import KEY_META, Setting
from desk.servers.shapes import Created


def call(key=None):
    """Stand in for the context of a request that carries a key."""
    return SimpleNamespace(request_context=SimpleNamespace(meta={KEY_META: key} if key else None))


@pytest.fixture
def desktop(tmp_path):
    folder = tmp_path / "office" / "Desktop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def tools(tmp_path, desktop):
    tools = Filesystem(Setting(Roots.of([desktop.parent]), tmp_path / "state"))
    yield tools
    tools.close()


def test_listing_is_sorted_and_typed(tools, desktop):
    for name in ("b.TXT", "A.png", ".hidden", ".ferryman-stage-1"):
        (desktop / name).write_text("x")
    (desktop / "folder").mkdir()
    (desktop / "link").symlink_to(desktop / "A.png")
    listing = tools.list_dir(str(desktop))
    assert [(e.name, e.kind, e.type, e.extension) for e in listing.entries] == [
        ("A.png", "file", "image", ".png"),
        ("b.TXT", "file", "text", ".txt"),
        ("folder", "folder", "other", ""),
        ("link", "link", "other", ""),
    ]
    assert listing.entries[0].path == str(desktop / "A.png")
    everything = tools.list_dir(str(desktop), include_hidden=True)
    assert everything.entries[0].name == ".hidden"


def test_two_thousand_and_one_files_are_listed_in_pages(tools, desktop):
    for number in range(2001):
        (desktop / f"{number:04d}.png").touch()
    first = tools.list_dir(str(desktop))
    assert (first.count, len(first.entries), first.truncated) == (2001, 2000, True)
    rest = tools.list_dir(str(desktop), offset=2000)
    assert ([e.name for e in rest.entries], rest.truncated) == (["2000.png"], False)


def test_an_empty_folder_is_listed_as_empty(tools, desktop):
    listing = tools.list_dir(str(desktop))
    assert (listing.count, listing.entries, listing.truncated) == (0, [], False)


def test_search_takes_wildcards_and_parts_of_names_in_subfolders(tools, desktop):
    (desktop / "sub").mkdir()
    for name in ("Invoice 1.png", "sub/invoice 2.PNG", "other.txt"):
        (desktop / name).touch()
    for pattern in ("invoice", "*.png"):
        found = tools.search_files(str(desktop), pattern)
        assert [match.name for match in found.matches] == ["Invoice 1.png", "invoice 2.PNG"]


@pytest.mark.parametrize("name", ["a 'b' \"c\".png", "日本 écran.png"])
def test_renaming_keeps_the_extension_and_returns_both_names(tools, desktop, name):
    (desktop / name).write_text("x")
    done = tools.rename_file(str(desktop / name), "Ünï 'neu'", call("k"))
    assert done.model_dump() == {
        "old_path": str(desktop / name),
        "new_path": str(desktop / "Ünï 'neu'.png"),
        "old_name": name,
        "new_name": "Ünï 'neu'.png",
    }
    assert tools.rename_file(str(desktop / name), "Ünï 'neu'", call("k")) == done


def test_a_bad_new_name_leaves_the_file_alone(tools, desktop):
    (desktop / "a.png").touch()
    for bad in ("", "x/y", "x\0", ".hidden", "n" * 256):
        with pytest.raises(OfficeError):
            tools.rename_file(str(desktop / "a.png"), bad, call())
    assert [e.name for e in tools.list_dir(str(desktop)).entries] == ["a.png"]


def test_writing_never_overwrites(tools, desktop):
    path = str(desktop / "a.txt")
    names = [tools.write_file(path, text, call()).name for text in ("one", "two", "three")]
    assert names == ["a.txt", "a (2).txt", "a (3).txt"]
    assert tools.read_text_file(path).text == "one"


def test_moving_and_copying_into_a_folder_keep_the_name(tools, desktop):
    (desktop / "a.txt").write_text("x")
    tools.create_dir(str(desktop / "sub"), call())
    copied = tools.copy_file(str(desktop / "a.txt"), str(desktop / "sub"), call())
    moved = tools.move_file(str(desktop / "a.txt"), str(desktop / "sub"), call())
    assert copied.destination == str(desktop / "sub" / "a.txt")
    assert moved.destination == str(desktop / "sub" / "a (2).txt")
    assert not (desktop / "a.txt").exists()


def test_a_copy_is_made_once_per_key(tools, desktop):
    (desktop / "a.txt").write_text("x")
    target = str(desktop / "b.txt")
    for _ in range(2):
        tools.copy_file(str(desktop / "a.txt"), target, call("k"))
    assert [e.name for e in tools.list_dir(str(desktop)).entries] == ["a.txt", "b.txt"]


def test_creating_a_folder_again_changes_nothing(tools, desktop):
    path = str(desktop / "new")
    assert tools.create_dir(path, call("k")).created
    assert tools.create_dir(path, call("k")).created
    assert not tools.create_dir(path, call("other")).created


def test_a_folder_is_created_with_those_above_it(tools, desktop):
    path = str(desktop / "one" / "two" / "three")
    for _ in range(2):
        assert tools.create_dir(path, call("k")) == Created(path=path, created=True)
    assert (desktop / "one" / "two" / "three").is_dir()
    assert [each.name for each in (desktop / "one").iterdir()] == ["two"]
    assert tools.create_dir(str(desktop / "one" / "side"), call("s")).created


@pytest.mark.parametrize("path", ["../out/side", "a.txt/under", ".ferryman-x/in", "con\0/in"])
def test_a_folder_is_created_nowhere_else(tools, desktop, path):
    (desktop / "a.txt").write_text("x")
    with pytest.raises(OfficeError):
        tools.create_dir(f"{desktop}/{path}", call())
    assert [each.name for each in desktop.iterdir()] == ["a.txt"]


def test_trash_and_restore_are_a_round_trip(tools, desktop):
    (desktop / "a.txt").write_text("first")
    done = tools.trash(str(desktop / "a.txt"), call("k"))
    assert tools.trash(str(desktop / "a.txt"), call("k")) == done
    assert [item.name for item in tools.list_trash().items] == ["a.txt"]
    (desktop / "a.txt").write_text("second")
    back = tools.restore_from_trash(done.trash_id, call("r"))
    assert back.path == str(desktop / "a (2).txt")
    assert tools.restore_from_trash(done.trash_id, call("r")) == back
    assert (desktop / "a (2).txt").read_text() == "first"
    assert tools.list_trash().count == 0


def test_a_folder_can_be_trashed_and_restored(tools, desktop):
    (desktop / "sub").mkdir()
    (desktop / "sub" / "x").write_text("1")
    done = tools.trash(str(desktop / "sub"), call())
    assert not (desktop / "sub").exists()
    tools.restore_from_trash(done.trash_id, call())
    assert (desktop / "sub" / "x").read_text() == "1"


def test_an_unknown_trash_id_is_refused(tools):
    with pytest.raises(OfficeError, match="list_trash"):
        tools.restore_from_trash("none", call())


def test_a_picture_is_not_read_as_text(tools, desktop):
    (desktop / "a.png").write_bytes(b"\x89PNG\0")
    with pytest.raises(OfficeError, match=r"ocr\.extract_text_from_image"):
        tools.read_text_file(str(desktop / "a.png"))


def test_text_is_read_in_pages(tools, desktop):
    (desktop / "a.txt").write_text("abcdef")
    page = tools.read_text_file(str(desktop / "a.txt"), offset=2, limit=3)
    assert (page.text, page.characters, page.truncated) == ("cde", 6, True)


def test_duplicates_are_grouped_by_content(tools, desktop):
    for name, text in (("a", "same"), ("b", "same"), ("c", "diff")):
        (desktop / name).write_text(text)
    assert tools.find_duplicates(str(desktop)).groups == [[str(desktop / "a"), str(desktop / "b")]]


def test_the_tree_shows_levels_by_indentation(tools, desktop):
    (desktop / "sub").mkdir()
    (desktop / "sub" / "x").touch()
    assert tools.directory_tree(str(desktop)).lines == ["sub/", "  x"]
    assert tools.directory_tree(str(desktop), depth=1).lines == ["sub/"]


def test_info_of_a_broken_link_names_its_target(tools, desktop):
    (desktop / "link").symlink_to("nowhere")
    info = tools.get_file_info(str(desktop / "link"))
    assert (info.kind, info.link_target) == ("link", "nowhere")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o755, 0o664])
def test_a_copy_keeps_the_permissions_of_its_source(tools, desktop, mode):
    (desktop / "a").write_text("x")
    (desktop / "a").chmod(mode)
    copied = tools.copy_file(str(desktop / "a"), str(desktop / "b"), call())
    assert stat.S_IMODE(Path(copied.destination).stat().st_mode) == mode


def test_a_copy_does_not_take_the_right_to_act_as_its_owner(tools, desktop):
    (desktop / "a").write_text("x")
    (desktop / "a").chmod(0o4755)
    copied = tools.copy_file(str(desktop / "a"), str(desktop / "b"), call())
    assert stat.S_IMODE(Path(copied.destination).stat().st_mode) == 0o755


@pytest.mark.parametrize("inside", ["a/b", "a/sub/b", "a/sub", "a"])
def test_a_folder_cannot_move_into_itself_and_nothing_is_left_behind(tools, desktop, inside):
    (desktop / "a" / "sub").mkdir(parents=True)
    with pytest.raises(OfficeError, match="into itself"):
        tools.move_file(str(desktop / "a"), str(desktop / inside), call())
    assert sorted(str(path.relative_to(desktop)) for path in desktop.rglob("*")) == ["a", "a/sub"]


def test_a_folder_is_not_created_over_a_file_and_nothing_is_left_behind(tools, desktop):
    (desktop / "a").write_text("x")
    (desktop / "link").symlink_to("nowhere")
    for name in ("a", "link"):
        with pytest.raises(OfficeError, match="already exists and is not a folder"):
            tools.create_dir(str(desktop / name), call())
    assert sorted(path.name for path in desktop.iterdir()) == ["a", "link"]


def test_moving_or_renaming_to_the_same_place_is_refused(tools, desktop):
    (desktop / "a.txt").write_text("x")
    path = str(desktop / "a.txt")
    for use in (
        lambda: tools.move_file(path, path, call()),
        lambda: tools.move_file(path, str(desktop), call()),
        lambda: tools.rename_file(path, "a.txt", call()),
        lambda: tools.rename_file(path, "a", call()),
    ):
        with pytest.raises(OfficeError, match="already has that name and place"):
            use()
    assert [path.name for path in desktop.iterdir()] == ["a.txt"]


def test_a_repeated_rename_is_still_answered_with_its_first_result(tools, desktop):
    (desktop / "a.txt").write_text("x")
    done = tools.rename_file(str(desktop / "a.txt"), "b", call("k"))
    (desktop / "b.txt").rename(desktop / "a.txt")
    assert tools.rename_file(str(desktop / "a.txt"), "b", call("k")) == done


def test_names_that_are_not_utf8_are_counted(tools, desktop):
    (desktop / "a.txt").touch()
    assert tools.list_dir(str(desktop)).unreadable_names == 0
    try:
        (desktop / os.fsdecode(b"bad\xff.png")).touch()
    except OSError:
        pytest.skip("this disk takes UTF-8 names only")
    listing = tools.list_dir(str(desktop))
    assert ([e.name for e in listing.entries], listing.unreadable_names) == (["a.txt"], 1)
    listing.model_dump_json()
