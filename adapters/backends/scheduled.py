"""One queue per backend: who may talk to a model next, and how many at once.

A graphics card or a processor answers only so many requests well. The queue stands in front of
everything that measures time, so that a request's deadline begins when it is its turn. Who waits
is never refused: what limits the queue is how many runs the service takes on, and every request
before it ends within its own deadline.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.core.chat import ChatRequest, StreamItem
from orchestrator.core.roles import Role
from orchestrator.ports.chat import ChatBackend
from orchestrator.ports.clock import Clock

MOST_OVERTAKEN = 4
"""How many later requests may go before a waiting one: a synthesizer whose answer a person
watches waits for four short decisions of other runs at most, then it is first."""

Waited = Callable[[Role, float], None]
"""Told of every turn that was given: the role, and the seconds that it waited."""


class QueueLoad(NamedTuple):
    """How busy a backend is: requests that it answers, that wait, and that it may answer."""

    running: int
    waiting: int
    limit: int


@dataclass(eq=False)
class _Ticket:
    """A request that waits for its turn; `overtaken` counts the later ones that went before."""

    role: Role
    conversation: str
    number: int
    turn: asyncio.Future[None]
    overtaken: int = 0


@dataclass
class Slots:
    """The turns at one backend, shared by every role and run that it serves.

    The planner goes before the synthesizer, and first come first served within a role: decisions
    are short, and a run can do nothing while it waits for one. Nobody who could go is overtaken by
    more than `MOST_OVERTAKEN` later requests.

    Args:
        limit: How many requests are answered at once.
        conversations: Whether the requests of one conversation (`ChatRequest.slot`) go one after
            another. A backend that keeps each conversation on one warm prompt cache answers them
            so anyway; let in together, the second would wait there while its deadline runs and
            keep the turn from a conversation that could be answered.
    """

    limit: int
    conversations: bool = False
    _busy: list[_Ticket] = field(default_factory=list)
    _waiting: list[_Ticket] = field(default_factory=list)
    _numbers: int = 0

    @property
    def load(self) -> QueueLoad:
        """How busy the backend is now."""
        return QueueLoad(len(self._busy), len(self._waiting), self.limit)

    async def acquire(self, role: Role, conversation: str) -> _Ticket:
        """Wait for a turn; one that is cancelled leaves nothing behind."""
        self._numbers += 1
        turn = asyncio.get_running_loop().create_future()
        ticket = _Ticket(role, conversation, self._numbers, turn)
        self._waiting.append(ticket)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            self.release(ticket)
            raise
        return ticket

    def release(self, ticket: _Ticket) -> None:
        """Give a turn back, or no longer wait for it."""
        held = self._busy if ticket in self._busy else self._waiting
        held.remove(ticket)
        self._let_in()

    def _let_in(self) -> None:
        while len(self._busy) < self.limit and (ticket := self._next()) is not None:
            self._waiting.remove(ticket)
            for other in self._waiting:
                other.overtaken += other.number < ticket.number
            self._busy.append(ticket)
            ticket.turn.set_result(None)

    def _next(self) -> _Ticket | None:
        talking = {ticket.conversation for ticket in self._busy} if self.conversations else set()
        # A cancelled one stays in line until its task runs again.
        ready = (
            ticket
            for ticket in self._waiting
            if ticket.conversation not in talking and not ticket.turn.done()
        )
        return min(ready, key=_rank, default=None)


def _rank(ticket: _Ticket) -> tuple[int, int]:
    late = ticket.overtaken >= MOST_OVERTAKEN
    return (0 if late else 1 if ticket.role == "planner" else 2, ticket.number)


class ScheduledBackend:
    """Lets as many requests through to a backend as it answers well; the others wait in order.

    It belongs outside of what retries and measures deadlines: a turn is kept through the retries
    of one request, since a server that asks for patience is not helped by the next request.
    Closing a stream, waiting or not, gives its turn to the next at once.

    Usage:
        slots = Slots(limit=card.parallel)
        planner = ScheduledBackend(resilient, slots, role="planner", clock=clock)
        synthesizer = ScheduledBackend(resilient, slots, role="synthesizer", clock=clock)

    Args:
        inner: The backend that answers.
        slots: The turns at it.
        role: Whose requests these are.
        clock: Measures how long they wait.
        waited: Told how long each of them waited.
    """

    def __init__(
        self,
        inner: ChatBackend,
        slots: Slots,
        *,
        role: Role,
        clock: Clock,
        waited: Waited | None = None,
    ) -> None:
        self.inner = inner
        self._slots = slots
        self._role = role
        self._clock = clock
        self._waited = waited

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece, once it is its turn.

        Raises:
            BackendError: What the backend raises.
        """
        asked = self._clock.monotonic()
        ticket = await self._slots.acquire(self._role, request.slot)
        try:
            if self._waited is not None:
                self._waited(self._role, self._clock.monotonic() - asked)
            async with aclosing(self.inner.stream(request)) as items:
                async for item in items:
                    yield item
        finally:
            self._slots.release(ticket)
