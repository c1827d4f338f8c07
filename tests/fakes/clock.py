"""Time that passes only when a test says so."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A Clock to be advanced by hand, or by everything that sleeps on it."""

    def __init__(self, start=datetime(2026, 11, 21, 9, 0, tzinfo=UTC)):
        self._start = start
        self._passed = 0.0
        self.slept = []

    def now(self):
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self):
        return self._passed

    def advance(self, seconds):
        self._passed += seconds

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(seconds)
