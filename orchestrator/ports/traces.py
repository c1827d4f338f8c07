"""The seam to observers: whoever wants to be told what a run does, as it is written down."""

from typing import Protocol

from orchestrator.core.events import Entry


class TraceSink(Protocol):
    """Told of every entry once it is durable; it never fails a run and never changes one."""

    def record(self, entry: Entry) -> None:
        """Take note of an entry."""
        ...
