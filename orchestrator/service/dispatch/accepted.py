"""A run that the service has taken on: from then on somebody will carry it to its end or rest."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Literal

from orchestrator.core.roles import Role

Stage = Literal["claimed", "waiting", "running", "over"]
MOST_UNHEARD = 1_000_000
"""Characters of generated text that are kept for a follower who does not take them."""


@dataclass(frozen=True)
class Delta:
    """A piece of text as a role generates it; the entry that holds the whole of it comes later."""

    role: Role
    text: str


class Hearing:
    """Generated text for one follower, in its place between the entries.

    What comes faster than it is taken is joined, not queued. A follower who takes nothing for
    very long loses what was generated since the newest entry: the next one holds it in full.
    """

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, Role, list[str]]] = deque()
        self._unheard = 0
        self._lost_after = -1

    def hear(self, role: Role, text: str, *, after: int) -> None:
        """Keep a piece that was generated after the entry of that sequence number."""
        if after == self._lost_after:
            return
        if self._unheard + len(text) > MOST_UNHEARD:
            self._pieces.clear()
            self._unheard, self._lost_after = 0, after
            return
        self._unheard += len(text)
        if self._pieces and self._pieces[-1][:2] == (after, role):
            self._pieces[-1][2].append(text)
        else:
            self._pieces.append((after, role, [text]))

    def take(self, position: int) -> list[Delta]:
        """Give what comes before the entry after that position, and keep the rest."""
        taken: list[Delta] = []
        while self._pieces and self._pieces[0][0] <= position:
            _, role, texts = self._pieces.popleft()
            taken.append(Delta(role, "".join(texts)))
            self._unheard -= len(taken[-1].text)
        return taken


class Accepted:
    """Where a run stands that the service has taken on, for whoever follows it.

    `claimed` until what was asked is durable, `waiting` for its turn, `running`, then `over`:
    the run has ended or rests, or `failure` says why nobody works on it any more.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.stage: Stage = "claimed"
        self.failure: Exception | None = None
        self.news = asyncio.Event()
        self._hearings: list[Hearing] = []

    def moved(self, stage: Stage) -> None:
        """Note a new stage, and wake who waits."""
        self.stage = stage
        self.wake()

    def ended(self, failure: Exception | None) -> None:
        """Note that nobody works on the run any more."""
        self.failure = failure
        self.moved("over")

    def wake(self) -> None:
        """Wake everybody who waits for news; who waits from now on waits for the next."""
        self.news.set()
        self.news = asyncio.Event()

    def listen(self) -> Hearing:
        """Begin to keep the text that is generated from now on."""
        hearing = Hearing()
        self._hearings.append(hearing)
        return hearing

    def ignore(self, hearing: Hearing) -> None:
        """Keep nothing more for a follower who has left."""
        self._hearings.remove(hearing)

    def hear(self, role: Role, text: str, *, after: int) -> None:
        """Pass on text as it is generated."""
        for hearing in self._hearings:
            hearing.hear(role, text, after=after)
        if self._hearings:
            self.wake()
