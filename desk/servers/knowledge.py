"""The ``knowledge`` namespace: full-text search over a folder of Markdown notes."""

import re
import sqlite3
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.files.effects import Effects, Relocation, staged_file
from desk.files.names import check_name
from desk.files.reading import TextPage, read_text, text_page
from desk.files.records import walk
from desk.files.roots import Roots
from desk.servers.hosting import Setting, key_of, reads, serve, writes_once


class Hit(BaseModel):
    """One note that fits a question."""

    path: str
    title: str
    excerpt: Annotated[str, Field(description="The passage that fits, matches in [brackets]")]


class Hits(BaseModel):
    """Notes, the best first."""

    query: str
    count: int
    hits: list[Hit]


class Note(BaseModel):
    """A note and its place."""

    path: str
    title: str


class Notes(BaseModel):
    """Notes by path."""

    count: int
    notes: list[Note]


class Knowledge:
    """The tools over the notes folder; the index is made anew from the files when asked."""

    def __init__(self, setting: Setting) -> None:
        self._folder = setting.roots.folders[0] / "Notes"
        self._roots = Roots((self._folder,))
        self._effects = Effects(setting.state)

    def close(self) -> None:
        """Close the journal of effects."""
        self._effects.close()

    @reads
    def search_notes(
        self,
        query: Annotated[str, Field(min_length=1, description="Words to look for")],
        limit: Annotated[int, Field(ge=1, le=50, description="Most notes to return")] = 5,
    ) -> Hits:
        """Search the contents of all notes for words and return the best matching passages."""
        words = re.findall(r"\w+", query)
        wanted = " OR ".join(f'"{word}"' for word in words)
        hits = [Hit(path=row[0], title=row[1], excerpt=row[2]) for row in self._ask(wanted, limit)]
        return Hits(query=query, count=len(hits), hits=hits)

    @reads
    def list_notes(self) -> Notes:
        """List all notes of the knowledge base with their titles."""
        notes = [
            Note(path=str(path), title=_title(path, read_text(path))) for path in self._files()
        ]
        return Notes(count=len(notes), notes=notes)

    @reads
    def read_note(
        self, path: Annotated[str, Field(description="Path of the note, as list_notes shows it")]
    ) -> TextPage:
        """Read the whole text of one note."""
        file = self._roots.file(path)
        return text_page(str(file), read_text(file), 0, 100_000)

    @writes_once
    def add_note(
        self,
        title: Annotated[str, Field(min_length=1, max_length=120, description="Title")],
        text: Annotated[str, Field(max_length=1_000_000, description="Markdown text")],
        context: Context,
    ) -> Note:
        """Add a note to the knowledge base. An existing note is never overwritten."""

        def plan(key: str) -> Relocation:
            name = check_name(title.replace("/", "-") + ".md")
            self._folder.mkdir(exist_ok=True)
            content = f"# {title}\n\n{text}\n".encode()
            return Relocation.plan(staged_file(self._folder, key, content), self._folder / name)

        call = {"tool": "add_note", "title": title, "text": text}
        done = self._effects.once(key_of(context), call, plan)
        return Note(path=done.destination, title=title)

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [path for path in walk(self._folder) if path.suffix == ".md" and path.is_file()]

    def _ask(self, wanted: str, limit: int) -> list[tuple[str, str, str]]:
        if not wanted:
            return []
        index = sqlite3.connect(":memory:")
        try:
            index.execute(
                "CREATE VIRTUAL TABLE notes USING fts5(path UNINDEXED, title, text,"
                " tokenize='porter unicode61')"
            )
            texts = ((path, read_text(path)) for path in self._files())
            rows = ((str(path), _title(path, text), text) for path, text in texts)
            index.executemany("INSERT INTO notes VALUES (?, ?, ?)", rows)
            return index.execute(
                "SELECT path, title, snippet(notes, 2, '[', ']', ' … ', 24) FROM notes"
                " WHERE notes MATCH ? ORDER BY rank, path LIMIT ?",
                (wanted, limit),
            ).fetchall()
        finally:
            index.close()


def _title(path: Path, text: str) -> str:
    first = next((line for line in text.splitlines() if line.startswith("# ")), "")
    return first.removeprefix("# ").strip() or path.stem


if __name__ == "__main__":
    serve("knowledge", "Search, read and add notes of the local knowledge base.", Knowledge)
