"""What a case is furnished with: texts, Word documents, scans, pictures and tables."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from desk.sampling.papers import write_docx, write_table

SIZE, LEADING, MARGIN = 26, 44, 36
"""Letters that an OCR engine reads well: height, line height and margin in pixels."""

_LETTER = 16
"""Width that is left for one letter, in pixels."""


def write_file(path: Path, text: str) -> None:
    """Write a text as what its name says: a Word document, a scanned PDF, or plain text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".docx":
        write_docx(path, [escape(line, quote=False) for line in text.splitlines() if line])
    elif path.suffix == ".pdf":
        scan = _drawn(text.splitlines()).convert("RGB")
        scan.save(path, format="PDF", creationDate=None, modDate=None)
    else:
        path.write_text(text, encoding="utf-8")


def draw_lines(path: Path, lines: Sequence[str]) -> None:
    """Draw lines of text as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _drawn(lines).save(path)


def write_rows(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV table, header first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = tuple(str(cell) for cell in rows[0])
    write_table(path, header, [tuple(row) for row in rows[1:]])


def _drawn(lines: Sequence[str]) -> Image.Image:
    longest = max((len(line) for line in lines), default=1)
    size = (max(480, longest * _LETTER + 2 * MARGIN), len(lines) * LEADING + 2 * MARGIN)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=SIZE)
    for number, line in enumerate(lines):
        top = MARGIN + number * LEADING
        # Two or more spaces are a gap between the cells of a table.
        for cell in re.finditer(r"\S+(?: \S+)*", line):
            left = MARGIN + cell.start() * _LETTER
            pen.text((left, top), cell.group(), fill="#111111", font=font)
    return image
