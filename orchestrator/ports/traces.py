"""The seam to observers: whoever wants to be told what a run does, as it is written down."""

from collections.abc import Callable, Mapping
from typing import Protocol

from orchestrator.core.events import Entry
from orchestrator.core.roles import Role


class TraceSink(Protocol):
    """Told of every entry once it is durable; it never fails a run and never changes one."""

    def record(self, entry: Entry) -> None:
        """Take note of an entry."""
        ...


class QueueObserver(Protocol):
    """Told how busy the backends are, by their names."""

    def watch(self, backend: str, load: Callable[[], tuple[int, int, int]]) -> None:
        """Ask a backend's queue from now on: requests answered, waiting, and answered at most."""
        ...

    def waited(self, backend: str) -> Callable[[Role, float], None]:
        """Who is told of each wait: whose request it was, and how many seconds it waited."""
        ...


class Metrics(TraceSink, QueueObserver, Protocol):
    """Counts what it is told of, for a collector that asks now and then."""

    def render(self, runs: Mapping[str, int] | None = None) -> tuple[bytes, str]:
        """The metrics and their content type; `runs` is how many are in each status now."""
        ...
