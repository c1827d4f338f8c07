"""One backend as every role uses it: in turn, tried again, and without secrets."""

from adapters.backends.redacted import RedactedBackend
from adapters.backends.resilient import ResilientBackend
from adapters.backends.scheduled import ScheduledBackend, Slots
from orchestrator.core.redaction import Redactor
from orchestrator.core.roles import CapabilityCard, Role
from orchestrator.ports.chat import ChatBackend
from orchestrator.ports.clock import Clock
from orchestrator.ports.traces import QueueObserver


class SharedBackend:
    """Puts what every backend needs around one, with one queue for all the roles that it plays.

    The queue is outermost, so that neither the deadline nor a retry counts the wait for a turn.
    How many requests go in at once, and whether they keep to lanes, is on the backend's card; one
    without a card answers one at a time.

    Args:
        inner: The backend that answers.
        name: What it is called in metrics.
        clock: Measures deadlines and waits.
        redactor: What knows the operator's secrets.
        queues: Who is told of the queue.
    """

    def __init__(
        self,
        inner: ChatBackend,
        *,
        name: str,
        clock: Clock,
        redactor: Redactor,
        queues: QueueObserver | None = None,
    ) -> None:
        card: CapabilityCard = getattr(inner, "card", CapabilityCard())
        slots = Slots(limit=card.parallel, conversations=card.lanes)
        resilient = ResilientBackend(inner, clock=clock)
        self.inner = inner
        self._slots = slots
        self._clock = clock
        self._safe = resilient if redactor.idle else RedactedBackend(resilient, redactor)
        self._waited = queues.waited(name) if queues else None
        if queues:
            queues.watch(name, lambda: slots.load)

    def for_role(self, role: Role) -> ScheduledBackend:
        """The backend as one role uses it."""
        return ScheduledBackend(
            self._safe, self._slots, role=role, clock=self._clock, waited=self._waited
        )
