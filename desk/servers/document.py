"""The ``document`` namespace: read, compare, convert and merge text documents."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Literal

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.files.documents import as_html, document_text, outline, plain
from desk.files.effects import Effects, Relocation, staged_file
from desk.files.reading import TextPage, text_page
from desk.servers.hosting import Setting, key_of, reads, serve, writes_once

DocumentPath = Annotated[str, Field(description="Absolute path of a .docx, .md, .txt or .csv file")]
DIFF_LINES = 400


class Counts(BaseModel):
    """How long a document is."""

    path: str
    words: int
    lines: int
    characters: int


class Heading(BaseModel):
    """One heading of an outline."""

    level: int
    text: str
    line: int


class Outline(BaseModel):
    """The headings of a document."""

    path: str
    count: int
    headings: list[Heading]


class Comparison(BaseModel):
    """How two documents differ."""

    same: bool
    similarity: Annotated[float, Field(ge=0, le=1, description="1 when equal")]
    truncated: bool
    diff: Annotated[list[str], Field(description="Unified diff")]


class Produced(BaseModel):
    """The document that was written."""

    path: str
    characters: int


class Passage(BaseModel):
    """One line that holds the text looked for."""

    line: int
    text: str


class Passages(BaseModel):
    """Where a text stands."""

    path: str
    count: int
    passages: list[Passage]


class Documents:
    """The tools over text documents of the office."""

    def __init__(self, setting: Setting) -> None:
        self._roots = setting.roots
        self._effects = Effects(setting.state)

    def close(self) -> None:
        """Close the journal of effects."""
        self._effects.close()

    @reads
    def read_document(
        self,
        path: DocumentPath,
        offset: Annotated[int, Field(ge=0, description="First character to return")] = 0,
    ) -> TextPage:
        """Read the text of a Word, Markdown or plain text document. Not for pictures."""
        file, text = self._text(path)
        return text_page(str(file), text, offset, 20_000)

    @reads
    def count_words(self, path: DocumentPath) -> Counts:
        """Count the words, lines and characters of a document."""
        file, text = self._text(path)
        return Counts(
            path=str(file),
            words=len(re.findall(r"\w+", text)),
            lines=len(text.splitlines()),
            characters=len(text),
        )

    @reads
    def get_outline(self, path: DocumentPath) -> Outline:
        """List the headings of a Markdown document with their levels and line numbers."""
        file, text = self._text(path)
        found = [Heading(level=level, text=head, line=at) for level, head, at in outline(text)]
        return Outline(path=str(file), count=len(found), headings=found)

    @reads
    def find_in_document(
        self,
        path: DocumentPath,
        text: Annotated[str, Field(min_length=1, description="Text to look for, any case")],
    ) -> Passages:
        """Find the lines of one document that contain a text."""
        file, content = self._text(path)
        found = [
            Passage(line=number, text=line)
            for number, line in enumerate(content.splitlines(), start=1)
            if text.casefold() in line.casefold()
        ]
        return Passages(path=str(file), count=len(found), passages=found[:200])

    @reads
    def compare_documents(self, first: DocumentPath, second: DocumentPath) -> Comparison:
        """Compare two documents line by line and return their differences."""
        (old, before), (new, after) = self._text(first), self._text(second)
        left, right = before.splitlines(), after.splitlines()
        diff = list(difflib.unified_diff(left, right, str(old), str(new), lineterm="", n=1))
        return Comparison(
            same=before == after,
            similarity=round(difflib.SequenceMatcher(None, left, right).ratio(), 3),
            truncated=len(diff) > DIFF_LINES,
            diff=diff[:DIFF_LINES],
        )

    @writes_once
    def convert_document(
        self,
        path: DocumentPath,
        target_format: Annotated[Literal["txt", "html"], Field(description="Format to make")],
        context: Context,
    ) -> Produced:
        """Convert a document to plain text or HTML and save the result beside it."""

        def plan(key: str) -> Relocation:
            file, text = self._text(path)
            content = as_html(text) if target_format == "html" else plain(text)
            target = file.with_suffix(f".{target_format}")
            return Relocation.plan(staged_file(file.parent, key, content.encode()), target)

        call = {"tool": "convert_document", "path": path, "format": target_format}
        return _produced(self._effects.once(key_of(context), call, plan))

    @writes_once
    def merge_documents(
        self,
        paths: Annotated[list[str], Field(min_length=2, description="Documents in their order")],
        destination: Annotated[str, Field(description="Absolute path of the new text document")],
        context: Context,
    ) -> Produced:
        """Join the texts of several documents into one new document."""

        def plan(key: str) -> Relocation:
            target = self._roots.vacant(destination)
            content = "\n\n".join(self._text(path)[1].strip() for path in paths) + "\n"
            return Relocation.plan(staged_file(target.parent, key, content.encode()), target)

        call = {"tool": "merge_documents", "paths": "\n".join(paths), "destination": destination}
        return _produced(self._effects.once(key_of(context), call, plan))

    def _text(self, path: str) -> tuple[Path, str]:
        file = self._roots.file(path)
        return file, document_text(file)


def _produced(done: Relocation) -> Produced:
    path = Path(done.destination)
    return Produced(path=str(path), characters=len(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    serve("document", "Read, compare, convert and merge text documents.", Documents)
