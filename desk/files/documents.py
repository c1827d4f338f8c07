"""Documents as plain text: Markdown, plain text, CSV and Word files read the same way."""

import re
from html import escape
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import BadZipFile, ZipFile

from desk.errors import OfficeError
from desk.files.reading import TEXT_BYTES, read_text

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\Z")
_BULLET = re.compile(r"\s*[-*+]\s+(.+)\Z")


def document_text(path: Path) -> str:
    """Return the text of a document, one paragraph a line for Word files."""
    return docx_text(path) if path.suffix.lower() == ".docx" else read_text(path)


def docx_text(path: Path) -> str:
    """Return the paragraphs of a Word document, joined by line breaks."""
    try:
        with ZipFile(path) as archive:
            part = archive.getinfo("word/document.xml")
            if part.file_size > TEXT_BYTES:
                raise OfficeError(f"{str(path)!r} holds more than {TEXT_BYTES} bytes of text.")
            content = archive.read(part)
    except (BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise OfficeError(f"{str(path)!r} is not a readable Word document.") from error
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise OfficeError(f"{str(path)!r} declares XML entities, which are refused.")
    try:
        root = ET.fromstring(content)  # noqa: S314
    except ET.ParseError as error:
        raise OfficeError(f"{str(path)!r} holds damaged XML.") from error
    return "\n".join(
        "".join(text.text or "" for text in paragraph.iter(f"{_WORD}t"))
        for paragraph in root.iter(f"{_WORD}p")
    )


def outline(text: str) -> list[tuple[int, str, int]]:
    """Find the Markdown headings: level, text and line number from 1."""
    found = []
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        fenced ^= line.lstrip().startswith("```")
        match = None if fenced else _HEADING.match(line)
        if match:
            found.append((len(match[1]), match[2], number))
    return found


def plain(text: str) -> str:
    """Remove the marks of Markdown and keep the words."""
    text = re.sub(r"^#{1,6}\s+", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(\*\*|__|`)", "", text)


def as_html(text: str) -> str:
    """Turn headings, bullets and paragraphs of Markdown into HTML."""
    return "\n".join(_html_line(line) for line in text.splitlines() if line.strip()) + "\n"


def _html_line(line: str) -> str:
    if heading := _HEADING.match(line):
        level = len(heading[1])
        return f"<h{level}>{escape(heading[2])}</h{level}>"
    if bullet := _BULLET.match(line):
        return f"<li>{escape(bullet[1])}</li>"
    return f"<p>{escape(line.strip())}</p>"
