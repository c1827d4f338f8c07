"""What a person sees while a run works: a live picture on a terminal, lines elsewhere."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.live import Live

from orchestrator.cli.picture import Progress, picture
from orchestrator.core.events import Entry
from orchestrator.core.roles import Role
from orchestrator.core.runs import RunState
from orchestrator.journal.sentences import sentence

FRAMES_PER_SECOND = 6


class View(Protocol):
    """Something that can be told what happens."""

    def doing(self, what: str) -> None:
        """Something begins that may take a while."""

    def saw(self, before: RunState, entry: Entry, after: RunState) -> None:
        """An entry of the journal, with the state on both sides of it."""

    def heard(self, role: Role, text: str) -> None:
        """A piece of text as a model generates it."""

    def rest(self) -> None:
        """Nothing happens for now: the terminal is free."""


class NoView:
    """Says nothing."""

    def doing(self, what: str) -> None:
        """Say nothing."""

    def saw(self, before: RunState, entry: Entry, after: RunState) -> None:
        """Say nothing."""

    def heard(self, role: Role, text: str) -> None:
        """Say nothing."""

    def rest(self) -> None:
        """Say nothing."""


class LineView:
    """One line an event, with the seconds since the start, for logs and pipes."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or sys.stderr.write
        self._began = monotonic()

    def doing(self, what: str) -> None:
        """Say what begins."""
        self._line(what)

    def saw(self, before: RunState, entry: Entry, after: RunState) -> None:
        """Say what happened, if it is worth a line."""
        if said := sentence(before, entry.event, after):
            self._line(said)

    def heard(self, role: Role, text: str) -> None:
        """Pieces of text are nothing for a log."""

    def rest(self) -> None:
        """Nothing to clear."""

    def _line(self, text: str) -> None:
        self._write(f"[{monotonic() - self._began:7.1f}s] {text}\n")
        sys.stderr.flush()


class LiveView:
    """A picture that is redrawn in place; when it rests, its last frame stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()
        self._live: Live | None = None

    def doing(self, what: str) -> None:
        """Show what begins."""
        self._progress.now(what)
        self._show()

    def saw(self, before: RunState, entry: Entry, after: RunState) -> None:
        """Redraw with what happened."""
        self._progress.take(before, entry.event, after)
        self._show()

    def heard(self, role: Role, text: str) -> None:
        """Show the text as it grows."""
        self._progress.hear(role, text)

    def rest(self) -> None:
        """Leave the last frame on the terminal."""
        if self._live is not None:
            self._progress.now("")
            self._live.stop()
            self._live = None

    def _show(self) -> None:
        if self._live is None:
            self._live = Live(
                get_renderable=lambda: picture(self._progress, self._console.width),
                console=self._console,
                refresh_per_second=FRAMES_PER_SECOND,
                transient=False,
            )
            self._live.start()


def view_for(console: Console, *, quiet: bool) -> View:
    """Choose how to show progress: nothing, in place, or line by line."""
    if quiet:
        return NoView()
    return LiveView(console) if console.is_terminal else LineView()
