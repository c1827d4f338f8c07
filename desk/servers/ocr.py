"""The ``ocr`` namespace: read what stands in pictures and scanned documents."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.files.reading import read_bytes
from desk.servers.facts_in_text import Facts, facts_in
from desk.servers.hosting import Setting, reads, serve
from desk.servers.ocr_engine import IMAGE_BYTES, OcrEngine, Reading, Word

PDF_PAGES = 20
"""The most pages of a PDF that one call reads."""

PicturePath = Annotated[str, Field(description="Absolute path of an image file (PNG, JPEG, …)")]
Confidence = Annotated[float, Field(ge=0, le=1, description="Mean confidence of recognition")]


class ImageText(BaseModel):
    """The text of a picture."""

    path: Annotated[str, Field(description="Absolute path of the picture")]
    text: Annotated[str, Field(description="Recognised text in reading order, line by line")]
    lines: Annotated[int, Field(description="Number of lines")]
    confidence: Confidence


class PdfPage(BaseModel):
    """The text of one page."""

    page: Annotated[int, Field(description="Page number, from 1")]
    text: str
    scanned: Annotated[bool, Field(description="Whether the text was recognised in a picture")]


class PdfText(BaseModel):
    """The text of a PDF, page by page."""

    path: str
    pages: Annotated[int, Field(description="Pages in the whole document")]
    truncated: bool
    content: list[PdfPage]


class StructuredData(BaseModel):
    """Typed facts found in a picture."""

    path: str
    amounts: Annotated[list[str], Field(description="Sums of money")]
    dates: list[str]
    times: list[str]
    emails: list[str]
    urls: list[str]
    identifiers: Annotated[list[str], Field(description="Numbers of invoices, flights, parcels")]
    confidence: Confidence


class TableText(BaseModel):
    """Text laid out in rows and cells."""

    path: str
    columns: int
    rows: list[list[str]]
    confidence: Confidence


class Ocr:
    """The tools over one lazily loaded engine."""

    def __init__(self, setting: Setting) -> None:
        self._roots = setting.roots
        self._engine = OcrEngine()

    @reads
    def extract_text_from_image(self, path: PicturePath) -> ImageText:
        """Read the text visible in a picture or screenshot with optical character recognition.

        Returns the recognised lines in reading order and how sure the recognition is.
        """
        file, reading = self._read(path)
        return ImageText(
            path=str(file),
            text=reading.text,
            lines=len(reading.lines),
            confidence=reading.confidence,
        )

    @reads
    def extract_text_from_pdf(
        self,
        path: Annotated[str, Field(description="Absolute path of a PDF file")],
        first_page: Annotated[int, Field(ge=1, description="First page to read, from 1")] = 1,
    ) -> PdfText:
        """Read the text of a PDF document, page by page. Scanned pages are recognised."""
        file = self._roots.file(path)
        from desk.servers.pdf_pages import read_pdf

        pages = read_pdf(read_bytes(file, most=IMAGE_BYTES), str(file))
        wanted = pages[first_page - 1 : first_page - 1 + PDF_PAGES]
        if not wanted:
            raise OfficeError(f"{str(file)!r} has {len(pages)} pages, none is {first_page}.")
        content = []
        for number, page in enumerate(wanted, start=first_page):
            text = page.text or "\n".join(
                self._engine.read(picture, str(file)).text for picture in page.pictures()
            )
            content.append(PdfPage(page=number, text=text, scanned=not page.text))
        return PdfText(
            path=str(file),
            pages=len(pages),
            truncated=first_page - 1 + len(wanted) < len(pages),
            content=content,
        )

    @reads
    def extract_structured_data(self, path: PicturePath) -> StructuredData:
        """Find typed facts in a picture: amounts, dates, times, addresses and reference numbers.

        Use it for receipts, invoices and tickets when single values are wanted, not the text.
        """
        file, reading = self._read(path)
        facts: Facts = facts_in(reading.text)
        return StructuredData(path=str(file), confidence=reading.confidence, **facts)

    @reads
    def extract_table(self, path: PicturePath) -> TableText:
        """Read a table in a picture as rows of cells."""
        file, reading = self._read(path)
        rows = [_cells(line) for line in reading.lines]
        return TableText(
            path=str(file),
            columns=max((len(row) for row in rows), default=0),
            rows=rows,
            confidence=reading.confidence,
        )

    def _read(self, path: str) -> tuple[Path, Reading]:
        file = self._roots.file(path)
        return file, self._engine.read_file(file)


def _cells(line: tuple[Word, ...]) -> list[str]:
    """Join words that stand close together; a wide gap starts a new cell."""
    cells = [line[0].text]
    for before, word in pairwise(line):
        if word.left - before.right > (before.bottom - before.top):
            cells.append(word.text)
        else:
            cells[-1] += f" {word.text}"
    return cells


if __name__ == "__main__":
    serve("ocr", "Read the text in pictures and PDF documents, on this machine.", Ocr)
