"""Paths are confined to the allowed folders, whatever their text is."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.errors import OfficeError
from desk.files.roots import Roots


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    return folder


@pytest.fixture
def roots(office):
    return Roots.of([office])


@pytest.mark.parametrize(
    "name", ["a b.txt", 'it\'s "quoted".txt', "Ünïcode ✓ 漢字.txt", "-rf", "$HOME"]
)
def test_an_odd_name_inside_the_root_is_found(office, roots, name):
    (office / name).write_text("x")
    assert roots.file(str(office / name)) == office / name
    assert roots.entry(name) == office / name


def test_a_path_outside_is_refused_and_the_message_says_what_is_allowed(office, roots):
    with pytest.raises(OfficeError, match="outside the allowed folders") as caught:
        roots.existing("/etc/passwd")
    assert "/etc/passwd" in str(caught.value)
    assert str(office) in str(caught.value)


@pytest.mark.parametrize("text", ["../x", "a/../../x", "..", "a/.."])
def test_dot_dot_is_refused(roots, text):
    with pytest.raises(OfficeError, match=r"contains '\.\.'"):
        roots.existing(text)


def test_a_nul_character_is_refused(roots):
    with pytest.raises(OfficeError, match="NUL"):
        roots.existing("a\0b")


def test_a_lone_surrogate_is_refused(roots):
    with pytest.raises(OfficeError, match="not valid Unicode"):
        roots.existing("a\ud800b")


def test_a_tilde_name_is_a_name_and_ones_own_home_is_outside(office, roots):
    (office / "~nobody").touch()
    assert roots.file("~nobody") == office / "~nobody"
    with pytest.raises(OfficeError, match="outside"):
        roots.existing("~/x")


def test_an_empty_path_is_refused(roots):
    with pytest.raises(OfficeError, match="empty"):
        roots.existing("  ")


def test_a_symlink_that_leads_out_is_refused(office, roots, tmp_path):
    (tmp_path / "secret").write_text("s")
    (office / "door").symlink_to(tmp_path / "secret")
    with pytest.raises(OfficeError, match="outside"):
        roots.file("door")


def test_nothing_is_created_through_a_symlinked_folder(office, roots, tmp_path):
    (office / "door").symlink_to(tmp_path)
    with pytest.raises(OfficeError, match="outside"):
        roots.vacant("door/new.txt")


def test_a_symlink_itself_can_be_moved_without_following_it(office, roots, tmp_path):
    (office / "door").symlink_to(tmp_path)
    assert roots.entry("door") == office / "door"


def test_a_symlink_that_points_to_itself_is_explained(office, roots):
    (office / "loop").symlink_to(office / "loop")
    with pytest.raises(OfficeError, match="loop"):
        roots.existing("loop")


def test_a_pipe_is_refused(office, roots):
    os.mkfifo(office / "pipe")
    for find in (roots.file, roots.entry):
        with pytest.raises(OfficeError, match="device, pipe or socket"):
            find("pipe")


def test_a_root_itself_is_neither_movable_nor_a_new_name(office, roots):
    for find in (roots.entry, roots.vacant):
        with pytest.raises(OfficeError, match="allowed root itself"):
            find(str(office))
    assert roots.entry_or_root(str(office)) == office


def test_the_servers_own_files_are_out_of_reach(office, roots):
    (office / ".ferryman-trash").mkdir()
    for find in (roots.folder, roots.entry, roots.former):
        with pytest.raises(OfficeError, match="belongs to the server"):
            find(".ferryman-trash")
    with pytest.raises(OfficeError, match="belongs to the server"):
        roots.entry(".Ferryman-TRASH")


def test_an_inner_root_stays_where_it_is_also_when_a_link_leads_to_it(office):
    (office / "inner").mkdir()
    (office / "link").symlink_to(office)
    with pytest.raises(OfficeError, match="allowed root itself"):
        Roots.of([office, office / "inner"]).entry("link/inner")


def test_a_missing_file_is_named(roots):
    with pytest.raises(OfficeError, match="does not exist"):
        roots.file("missing.txt")


def test_a_folder_is_not_a_file_and_a_file_is_not_a_folder(office, roots):
    (office / "f").write_text("")
    with pytest.raises(OfficeError, match="is a folder"):
        roots.file(str(office))
    with pytest.raises(OfficeError, match="is a file"):
        roots.folder("f")


def test_a_second_root_is_allowed_too_and_the_inner_one_owns_its_files(office, tmp_path):
    inner = office / "inner"
    inner.mkdir()
    roots = Roots.of([office, inner])
    assert roots.root_of(inner / "x") == inner
    assert roots.root_of(office / "x") == office


def test_a_root_that_is_missing_is_refused_at_the_start(tmp_path):
    with pytest.raises(OfficeError, match="not a folder"):
        Roots.of([tmp_path / "missing"])
    with pytest.raises(OfficeError, match="No root"):
        Roots.of([])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(text=st.text(max_size=40))
def test_no_text_ever_leads_outside(office, roots, text):
    for find in (roots.existing, roots.entry, roots.vacant, roots.file, roots.folder):
        try:
            found = find(text)
        except (OfficeError, OSError):
            continue
        assert found.is_relative_to(office)
