"""How often each caller may ask: a bucket that fills with time."""

from collections import OrderedDict

from orchestrator.ports.clock import Clock

_MOST_CALLERS = 10_000


class Rates:
    """Allows each caller so many requests a minute, all of them at once after a pause."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Take one request from a caller's bucket.

        Returns:
            0 when it was there, else the seconds until it will be.
        """
        now = self._clock.monotonic()
        left, since = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - since) * self._per_second)
        taken = left >= 1
        self._left[caller] = (left - 1 if taken else left, now)
        if len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._per_second
