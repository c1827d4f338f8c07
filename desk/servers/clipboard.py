"""The ``clipboard`` namespace: a clipboard with a history, kept in a local file."""

from datetime import UTC, datetime
from typing import Annotated

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.files.ledger import Item, Ledger
from desk.servers.hosting import Setting, key_of, reads, replaces_once, serve

HISTORY = 50
"""Copied texts that are kept."""


class Clip(BaseModel):
    """One copied text."""

    text: str
    copied_at: str


class ClipHistory(BaseModel):
    """Copied texts, newest first."""

    count: int
    clips: list[Clip]


class Clipboard:
    """The tools over one file of clips."""

    def __init__(self, setting: Setting) -> None:
        self._ledger = Ledger(setting.state / "clipboard.json", state=setting.state)

    @reads
    def get_clipboard(self) -> Clip:
        """Get the text that is on the clipboard now; empty if nothing was copied."""
        clips = self._ledger.items()
        return Clip(**clips[-1]) if clips else Clip(text="", copied_at="")

    @replaces_once
    def set_clipboard(
        self,
        text: Annotated[str, Field(max_length=1_000_000, description="Text to copy")],
        context: Context,
    ) -> Clip:
        """Copy a text to the clipboard. The text before it stays in the history."""

        def add(items: list[Item]) -> Item:
            clip = Clip(text=text, copied_at=datetime.now(UTC).isoformat(timespec="seconds"))
            items.append(clip.model_dump())
            del items[:-HISTORY]
            return clip.model_dump()

        return Clip(**self._ledger.change(key_of(context), add))

    @reads
    def list_clipboard_history(
        self, limit: Annotated[int, Field(ge=1, le=HISTORY, description="Most entries")] = 10
    ) -> ClipHistory:
        """List the texts that were copied before, newest first."""
        clips = [Clip(**item) for item in reversed(self._ledger.items())][:limit]
        return ClipHistory(count=len(clips), clips=clips)


if __name__ == "__main__":
    serve("clipboard", "Read and set the clipboard of the office.", Clipboard)
