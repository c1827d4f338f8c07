"""The trash and its notes never lead out of the allowed folders."""

import json
from types import SimpleNamespace

import pytest

from desk.errors import OfficeError
from desk.files.roots import Roots
from desk.files.trash import TRASH_FOLDER
from desk.servers.filesystem import Filesystem
from desk.servers.hosting import Setting

CALL = SimpleNamespace(request_context=SimpleNamespace(meta=None))


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def tools(tmp_path, office):
    tools = Filesystem(Setting(Roots.of([office]), tmp_path / "state"))
    yield tools
    tools.close()


def forge(office, **changes):
    """Write a trashed entry and a note of one's own."""
    place = office / TRASH_FOLDER / "forged"
    place.mkdir(parents=True)
    (place / "n").write_text("evil")
    note = {"trash_id": "forged", "name": "n", "original_path": "/x/n", "trashed_at": "2026"}
    place.with_suffix(".json").write_text(json.dumps(note | changes))


def test_a_trash_folder_that_is_a_link_is_refused_and_nothing_leaves(tools, office, outside):
    (office / TRASH_FOLDER).symlink_to(outside)
    (office / "a").write_text("x")
    for use in (
        lambda: tools.trash(str(office / "a"), CALL),
        tools.list_trash,
        lambda: tools.restore_from_trash("a", CALL),
    ):
        with pytest.raises(OfficeError, match="a link or a file"):
            use()
    assert (office / "a").read_text() == "x"
    assert list(outside.iterdir()) == []


def test_nothing_is_restored_from_a_link_inside_the_trash(tools, office, outside):
    (outside / "n").write_text("secret")
    (office / TRASH_FOLDER).mkdir()
    (office / TRASH_FOLDER / "id").symlink_to(outside)
    note = {"trash_id": "id", "name": "n", "trashed_at": "2026", "original_path": f"{office}/n"}
    (office / TRASH_FOLDER / "id.json").write_text(json.dumps(note))
    with pytest.raises(OfficeError, match="a link or a file"):
        tools.restore_from_trash("id", CALL)
    assert (outside / "n").exists()


def test_a_parent_that_became_a_link_to_outside_receives_nothing(tools, office, outside):
    for parent, kept in (("sub", "h"), ("deep/er", "i")):
        folder = office / parent
        folder.mkdir(parents=True)
        (folder / kept).write_text("secret")
        done = tools.trash(str(folder / kept), CALL)
        folder.rmdir()
        if folder.parent != office:
            folder.parent.rmdir()
        (office / parent.split("/")[0]).symlink_to(outside)
        with pytest.raises(OfficeError, match="outside the allowed folders"):
            tools.restore_from_trash(done.trash_id, CALL)
    assert list(outside.iterdir()) == []
    assert tools.list_trash().count == 2


def test_a_parent_that_is_gone_is_made_again(tools, office):
    folder = office / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "a").write_text("x")
    done = tools.trash(str(folder / "a"), CALL)
    folder.rmdir()
    folder.parent.rmdir()
    assert tools.restore_from_trash(done.trash_id, CALL).path == str(folder / "a")


@pytest.mark.parametrize(
    ("place", "reason"),
    [("{office}/../outside/n", r"contains '\.\.'"), ("/etc/n", "outside"), ("/n", "outside")],
)
def test_a_forged_origin_outside_is_refused(tools, office, outside, place, reason):
    forge(office, original_path=place.format(office=office))
    with pytest.raises(OfficeError, match=reason):
        tools.restore_from_trash("forged", CALL)
    assert list(outside.iterdir()) == []


def test_a_forged_origin_in_the_trash_itself_is_refused(tools, office):
    forge(office, original_path=f"{office}/{TRASH_FOLDER}/n")
    with pytest.raises(OfficeError, match="belongs to the server"):
        tools.restore_from_trash("forged", CALL)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ".."},
        {"name": "."},
        {"name": ""},
        {"name": "../forged/n"},
        {"name": "n\0"},
        {"name": 5},
        {"trash_id": "other"},
        {"original_path": "/etc/another"},
        {"surplus": "field"},
    ],
)
def test_a_note_that_the_server_cannot_have_written_counts_for_nothing(tools, office, changes):
    forge(office, **{"original_path": f"{office}/{changes.get('name', 'n')}"} | changes)
    assert tools.list_trash().count == 0
    with pytest.raises(OfficeError, match="holds nothing"):
        tools.restore_from_trash("forged", CALL)


@pytest.mark.parametrize("text", ["not json", "[" * 60_000, "[]", "\udc80"])
def test_a_damaged_note_counts_for_nothing(tools, office, text):
    forge(office)
    note = office / TRASH_FOLDER / "forged.json"
    note.write_bytes(text.encode(errors="surrogateescape"))
    assert tools.list_trash().count == 0


def test_the_trash_folder_is_out_of_reach_of_every_other_tool(tools, office):
    (office / "a").write_text("x")
    trash_id = tools.trash(str(office / "a"), CALL).trash_id
    private = office / TRASH_FOLDER
    (office / "free").write_text("y")
    for path in (str(private), str(private / trash_id), str(private / trash_id / "a")):
        for use in (
            lambda path: tools.rename_file(path, "stolen", CALL),
            lambda path: tools.move_file(path, str(office / "stolen"), CALL),
            lambda path: tools.move_file(str(office / "free"), path, CALL),
            lambda path: tools.copy_file(str(office / "free"), path, CALL),
            lambda path: tools.trash(path, CALL),
            lambda path: tools.write_file(f"{path}/new", "x", CALL),
            lambda path: tools.create_dir(f"{path}/new", CALL),
            tools.list_dir,
            tools.get_file_info,
        ):
            with pytest.raises(OfficeError, match="belongs to the server"):
                use(path)
    assert tools.list_trash().count == 1
    assert tools.restore_from_trash(trash_id, CALL).path == str(office / "a")
