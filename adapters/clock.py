"""Tells the real time."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks, behind the `Clock` port."""

    def now(self) -> datetime:
        """Return the wall time, with time zone UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        await asyncio.sleep(seconds)
