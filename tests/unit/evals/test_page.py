"""The page, the Markdown and the terminal tables of a report."""

import builtins
import io
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from orchestrator.core.errors import SettingsError
from orchestrator.evals.page import (
    SECTIONS,
    html,
    markdown,
    terminal_tables,
    write_markdown,
    write_page,
)
from orchestrator.evals.plots import pictures
from orchestrator.evals.summary import summarize

VOID = {"meta", "br", "path", "use", "img"}
COMMAND = "ferryman eval report desk --arms 'bare,ferryman'"


class Outline(HTMLParser):
    """Checks that elements close in order, and notes what is there."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.seen.append((tag, named))
        self.ids += [named["id"]] if "id" in named else []
        self.links += [value for key, value in attrs if key in {"src", "href", "xlink:href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(maker):
    return summarize(*maker.suite(singles=12, chains=8), expected=["lost"], command=COMMAND)


@pytest.fixture(scope="module")
def drawn(report):
    return pictures(report)


@pytest.fixture(scope="module")
def empty():
    return summarize([], {})


@pytest.fixture(scope="module")
def page(report, drawn):
    return html(report, drawn)


@pytest.fixture(scope="module")
def outline(page):
    found = Outline()
    found.feed(page)
    found.close()
    return found


def test_the_page_is_well_formed(outline):
    assert outline.open == []


def test_no_id_is_used_twice(outline):
    assert len(outline.ids) == len(set(outline.ids))


def test_the_page_needs_nothing_from_elsewhere(outline, page):
    assert all(link.startswith("#") for link in outline.links)
    assert "@import" not in page
    assert "<script" not in page


def test_links_lead_somewhere(outline):
    assert {link[1:] for link in outline.links} <= set(outline.ids)


def test_every_table_has_a_caption_and_every_picture_its_words(outline):
    tags = [tag for tag, _ in outline.seen]
    assert tags.count("table") == tags.count("caption") > 8
    drawn = [named for tag, named in outline.seen if tag == "svg"]
    assert len(drawn) == 8
    assert all(named["role"] == "img" and named["aria-label"] for named in drawn)


def test_the_page_says_how_it_was_made_and_what_is_missing(page, report):
    assert "ferryman eval report desk --arms &#x27;bare,ferryman&#x27;" in page
    assert "No record." in page
    assert str(report.bootstrap_seed) in page
    assert "cccccccccccc" in page


def test_what_a_model_wrote_cannot_become_markup(maker):
    record = maker.record("<script>alert(1)</script>", solved=False)
    made = html(summarize([record], {}))
    assert "<script" not in made
    assert "&lt;script&gt;" in made


def test_pictures_are_xml_without_a_date(drawn):
    assert {ET.fromstring(picture.svg).tag for picture in drawn} == {
        "{http://www.w3.org/2000/svg}svg"
    }
    assert not any("date" in picture.svg for picture in drawn)


def test_pictures_are_the_same_every_time(maker):
    report = summarize([maker.record("a", solved=False)], {})
    first = pictures(report)
    assert len(first) > 2
    assert pictures(report) == first


def test_each_model_gets_its_own_pictures(maker):
    records, measured = [maker.record("a")], {}
    other = [record.model_copy(update={"model": "Other 2B"}) for record in records]
    names = [picture.name for picture in pictures(summarize(records + other, measured))]
    assert "success-tiny-1b" in names
    assert "success-other-2b" in names
    assert len(names) == len(set(names))


def test_nothing_to_show_makes_a_page_without_pictures(empty):
    assert pictures(empty) == ()
    assert "Criteria" in html(empty)


def test_the_page_is_one_file(empty, tmp_path):
    made = write_page(empty, tmp_path / "out")
    assert made.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made.name]


def test_markdown_links_the_plots_that_lie_beside_it(maker, tmp_path):
    records, measured = [maker.record("a"), maker.record("b", solved=False)], {}
    made = write_markdown(summarize(records, measured, command=COMMAND), tmp_path)
    text = made.read_text(encoding="utf-8")
    plots = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert "success.svg" in plots
    assert text.count("![") == len(plots)
    assert all(f"](plots/{name})" in text for name in plots)
    assert COMMAND in text


def test_markdown_tables_have_as_many_cells_as_columns(report):
    blocks = [block for block in markdown(report).split("\n\n") if block.startswith("| ")]
    assert len(blocks) > 8
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_markdown_has_every_heading(report):
    text = markdown(report)
    assert all(f"\n## {name}\n" in text for name in SECTIONS)


def test_the_terminal_shows_success_cost_ablations_and_bars(report):
    console = Console(width=140, file=io.StringIO())
    for table in terminal_tables(report):
        console.print(table)
    said = console.file.getvalue()
    assert "ferryman-no-example" in said
    assert "not met" in said
    assert "(12/12)" in said or "/12)" in said


def test_a_folder_that_cannot_be_written_is_named(empty, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_page(empty, taken)


def test_without_matplotlib_the_hint_says_what_to_install(empty, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError) as caught:
        pictures(empty)
    assert "ferryman[eval]" in caught.value.hint
