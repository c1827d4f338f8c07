"""File names: what is sound, and the next free one."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.errors import OfficeError
from desk.files.names import NAME_BYTES, candidates, check_name, keep_extension, type_of


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a/b", "slash"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        (".hidden", "dot"),
        ("..", "dot"),
        ("é" * 128, "longer than 255 bytes"),
    ],
)
def test_an_unsound_name_is_refused_with_the_reason(name, why):
    with pytest.raises(OfficeError, match=why):
        check_name(name)


@pytest.mark.parametrize("name", ["a b.txt", 'say "hi".md', "漢字.png", "it's.txt", "é" * 127])
def test_an_odd_but_sound_name_is_kept(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("new", "old", "result"),
    [
        ("invoice", "Screenshot.png", "invoice.png"),
        ("invoice.png", "Screenshot.png", "invoice.png"),
        ("notes v1.2", "a.txt", "notes v1.2.txt"),
        ("song.mp3", "a.mp3", "song.mp3"),
        ("plain", "README", "plain"),
        ("total-470.19", "a.png", "total-470.19.png"),
    ],
)
def test_a_new_name_keeps_the_old_extension_unless_it_brings_one(new, old, result):
    assert keep_extension(new, old) == result


def test_taken_names_are_numbered_before_the_extension():
    assert list(islice(candidates("a.tar.gz", "dash"), 3)) == [
        "a.tar.gz",
        "a-2.tar.gz",
        "a-3.tar.gz",
    ]
    assert list(islice(candidates("a.txt", "parentheses"), 2)) == ["a.txt", "a (2).txt"]
    assert list(islice(candidates("Makefile", "dash"), 2)) == ["Makefile", "Makefile-2"]


@given(stem=st.text(alphabet="aé漢", min_size=60, max_size=84))
def test_a_numbered_name_never_grows_too_long(stem):
    for name in islice(candidates(stem + ".png", "dash"), 3):
        assert len(name.encode()) <= NAME_BYTES
        assert name.endswith(".png")


def test_the_type_follows_the_extension_in_any_case():
    assert [type_of(name) for name in ("a.PNG", "b.md", "c.pdf", "d.csv", "e")] == [
        "image",
        "text",
        "pdf",
        "spreadsheet",
        "other",
    ]
