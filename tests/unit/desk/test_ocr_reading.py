"""What the ocr tools do around the engine: order, refusals, facts."""

import pytest
from PIL import Image

from desk.errors import OfficeError
from desk.files.roots import Roots
from desk.servers.facts_in_text import facts_in
from desk.servers.hosting import Setting
from desk.servers.ocr import Ocr
from desk.servers.ocr_engine import Reading, Word, in_reading_order
from desk.servers.pdf_pages import read_pdf


@pytest.fixture
def ocr(tmp_path):
    return Ocr(Setting(Roots.of([tmp_path]), tmp_path))


def word(text, left, top, height=20):
    return Word(text, 0.5, left, top, left + 10 * len(text), top + height)


def test_words_of_one_line_are_read_from_left_to_right():
    words = [word("due", 200, 12), word("Below", 10, 60), word("Total", 10, 10)]
    reading = Reading(in_reading_order(words), 300, 100)
    assert reading.text == "Total due\nBelow"
    assert reading.confidence == 0.5


def test_a_picture_without_text_reads_as_nothing():
    assert (Reading((), 1, 1).text, Reading((), 1, 1).confidence) == ("", 0.0)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hello", "not a picture"),
        (b"", "not a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "picture"),
    ],
)
def test_what_is_not_a_picture_is_refused(ocr, tmp_path, content, why):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(OfficeError, match=why):
        ocr.extract_text_from_image(str(tmp_path / "x.png"))


def test_a_truncated_picture_is_refused(ocr, tmp_path):
    Image.effect_noise((200, 200), 50).save(tmp_path / "x.png")
    whole = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OfficeError, match="damaged"):
        ocr.extract_text_from_image(str(tmp_path / "x.png"))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(ocr, tmp_path):
    Image.new("1", (9_000, 9_000)).save(tmp_path / "huge.png")
    with pytest.raises(OfficeError, match="pixels"):
        ocr.extract_text_from_image(str(tmp_path / "huge.png"))


@pytest.mark.parametrize("content", [b"no", b"%PDF-1.7\nbroken"])
def test_what_is_not_a_pdf_is_refused(content):
    with pytest.raises(OfficeError, match="PDF"):
        read_pdf(content, "x.pdf")


def test_a_scan_has_no_text_of_its_own_but_a_picture(tmp_path):
    Image.new("RGB", (50, 40), "white").save(tmp_path / "scan.pdf")
    page = read_pdf((tmp_path / "scan.pdf").read_bytes(), "scan.pdf")[0]
    assert page.text == ""
    assert len(list(page.pictures())) == 1


def test_facts_are_found_by_their_form():
    facts = facts_in(
        "Invoice INV-1234 of 3 March 2026, due 2026-04-01 at 14:30. Total EUR 1,200.50, again"
        " EUR 1,200.50. Flight BX204. Write to a.b@example.com or https://example.com/x"
    )
    assert facts == {
        "amounts": ["EUR 1,200.50"],
        "dates": ["3 March 2026", "2026-04-01"],
        "times": ["14:30"],
        "emails": ["a.b@example.com"],
        "urls": ["https://example.com/x"],
        "identifiers": ["INV-1234", "BX204"],
    }
