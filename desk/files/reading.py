"""Reading text files: what counts as text, and one page of it."""

import os
import stat
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.files.names import type_of

TEXT_BYTES = 20 * 1024 * 1024
"""The largest text file a tool reads into memory."""

_HINTS = {
    "image": "Read the text of a picture with ocr.extract_text_from_image.",
    "pdf": "Read the text of a PDF with ocr.extract_text_from_pdf.",
    "document": "Read a document with document.read_document.",
}


class TextPage(BaseModel):
    """A part of a text and where it stops."""

    path: Annotated[str, Field(description="Absolute path of the file")]
    text: Annotated[str, Field(description="The text, from the offset on")]
    characters: Annotated[int, Field(description="Length of the whole text in characters")]
    truncated: Annotated[bool, Field(description="Whether text follows after this page")]


def read_bytes(path: Path, *, most: int = TEXT_BYTES) -> bytes:
    """Read a regular file without following a link that appeared since it was checked."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as handle:
        status = os.fstat(handle.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OfficeError(f"{str(path)!r} is not a regular file.")
        if status.st_size > most:
            raise OfficeError(f"{str(path)!r} is larger than {most} bytes.")
        return handle.read()


def read_text(path: Path) -> str:
    """Read a UTF-8 (or Latin-1) text file; anything with NUL bytes is not text."""
    content = read_bytes(path)
    if b"\0" in content[:8192] or type_of(path.name) in _HINTS:
        hint = _HINTS.get(type_of(path.name), "It looks like binary data.")
        raise OfficeError(f"{str(path)!r} is not a text file.", hint=hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def text_page(path: str, text: str, offset: int, limit: int) -> TextPage:
    """Cut one page out of a text."""
    page = text[offset : offset + limit]
    return TextPage(
        path=path, text=page, characters=len(text), truncated=offset + len(page) < len(text)
    )
