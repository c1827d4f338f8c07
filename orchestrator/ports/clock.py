"""The seam to time, so that tests need not wait for it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time for events (`now`, UTC), for durations (`monotonic`, seconds), and to let pass."""

    def now(self) -> datetime:
        """The wall time, with time zone UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        ...
