"""Tells how long a stream may still be waited for, and which limit ends the wait."""

from orchestrator.core.errors import BackendTimeout
from orchestrator.ports.clock import Clock


class Patience:
    """One call's limits: to its first token, between its tokens, and in all.

    Only a sign of generation renews the wait, so a server that keeps the line open with
    comments while its engine is dead is still found out. The time a reader takes between two
    tokens counts to the whole, not to the stall.
    """

    def __init__(
        self, clock: Clock, *, url: str, total: float, first_token: float, stall: float
    ) -> None:
        self._clock = clock
        self._url = url
        self._total, self._first_token, self._stall = total, first_token, stall
        self._end = clock.monotonic() + total
        self._waiting_since: float | None = clock.monotonic()
        self._begun = False

    def progress(self) -> None:
        """Note that the model has said something."""
        self._begun = True
        self._waiting_since = None

    def left(self) -> float:
        """Return the seconds until the nearest limit, 0 when it has passed."""
        now = self._clock.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        return max(0.0, min(self._end, self._waiting_since + self._pause) - now)

    def error(self) -> BackendTimeout:
        """Name the limit that was reached."""
        since = self._waiting_since
        if since is None or self._end <= since + self._pause:
            return BackendTimeout(f"{self._url} did not finish within {self._total:g} s.")
        if self._begun:
            return BackendTimeout(f"{self._url} fell silent for {self._stall:g} s in its reply.")
        return BackendTimeout(f"{self._url} gave no first token within {self._first_token:g} s.")

    @property
    def _pause(self) -> float:
        return self._stall if self._begun else self._first_token
