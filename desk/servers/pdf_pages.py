"""The pages of a PDF: their own text, or the pictures that a scan consists of."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from desk.errors import OfficeError


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its embedded text, empty when it is a scan."""

    text: str
    source: Any

    def pictures(self) -> Iterator[bytes]:
        """Yield the page's pictures as encoded image files."""
        for picture in self.source.images:
            yield picture.data


def read_pdf(content: bytes, name: str) -> list[Page]:
    """Open a PDF; OfficeError when it is not one, is damaged, or needs a password."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    if not content.startswith(b"%PDF"):
        raise OfficeError(
            f"{name!r} is not a PDF.", hint="For pictures use extract_text_from_image."
        )
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            raise OfficeError(f"{name!r} is protected by a password.")
        return [Page((page.extract_text() or "").strip(), page) for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OfficeError(f"{name!r} is a damaged PDF and cannot be read.") from error
