"""What runs do, counted for Prometheus: a fold over the entries that this process writes."""

from collections.abc import Callable, Iterable, Mapping
from functools import singledispatchmethod

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from adapters.traces.instruments import Instruments, Load, Queues, Values
from orchestrator.core.chat import Usage
from orchestrator.core.events import (
    ApprovalGiven,
    CallProposed,
    CallSettled,
    DecisionFailed,
    Entry,
    ModelCalled,
    PlanMade,
    PlanRefused,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
    ToolsDisclosed,
    ToolsSearched,
    VerdictGiven,
)
from orchestrator.core.redaction import Redactor
from orchestrator.core.roles import Role
from orchestrator.core.tools import ToolOutcome


class MetricsSink:
    """Counts the entries of runs, and renders every metric in Prometheus's text format.

    Args:
        redactor: Takes secrets out of label values.
    """

    def __init__(self, *, redactor: Redactor | None = None) -> None:
        self.registry = CollectorRegistry()
        self._queues = Queues()
        self.registry.register(self._queues)
        ProcessCollector(registry=self.registry)
        self._told = Instruments(self.registry)
        known = redactor or Redactor()
        self._namespaces, self._codes, self._purposes = Values(known), Values(known), Values(known)
        self._backends = Values(known)
        self._working: dict[str, float] = {}

    def watch(self, backend: str, load: Load) -> None:
        """Tell how busy a backend is from now on."""
        self._queues.watch(self._backends(backend), load)

    def waited(self, backend: str) -> Callable[[Role, float], None]:
        """What a backend's queue tells of each wait."""
        told = self._backends(backend)
        return lambda role, seconds: self._told.queue_wait.labels(told, role).observe(seconds)

    def record(self, entry: Entry) -> None:
        """Count an entry."""
        worked = self._working.get(entry.run_id, 0.0) + entry.seconds
        self._working[entry.run_id] = worked
        if isinstance(entry.event, RunEnded):
            del self._working[entry.run_id]
            self._told.run_seconds.labels(entry.event.status).observe(worked)
        self._count(entry.event)

    def render(self, runs: Mapping[str, int] | None = None) -> tuple[bytes, str]:
        """Give the metrics and their content type.

        Args:
            runs: How many runs are in each status now, as the store knows them.
        """
        for status, number in (runs or {}).items():
            self._told.runs_now.labels(status).set(number)
        return generate_latest(_Dateless(self.registry)), CONTENT_TYPE_PLAIN_0_0_4

    @singledispatchmethod
    def _count(self, event: object) -> None:
        """Most events are told by the journal alone."""

    @_count.register
    def _(self, _: RunStarted) -> None:
        self._told.started.inc()

    @_count.register
    def _(self, _: RunResumed) -> None:
        self._told.resumed.inc()

    @_count.register
    def _(self, event: RunEnded) -> None:
        self._told.ended.labels(event.status).inc()

    @_count.register
    def _(self, _: PlanMade) -> None:
        self._told.plans.labels("made").inc()

    @_count.register
    def _(self, event: PlanRefused) -> None:
        self._told.plans.labels("deflection" if event.deflection else "refused").inc()

    @_count.register
    def _(self, _: ReplanAsked) -> None:
        self._told.replans.inc()

    @_count.register
    def _(self, event: ToolsDisclosed) -> None:
        if event.distance is not None:
            self._told.distance.observe(event.distance)

    @_count.register
    def _(self, event: CallProposed) -> None:
        self._told.decisions.labels("proposed").inc()
        if event.proposal.margin is not None:
            self._told.margin.observe(event.proposal.margin)

    @_count.register
    def _(self, event: DecisionFailed) -> None:
        self._told.decisions.labels(self._codes(event.code)).inc()

    @_count.register
    def _(self, _: ToolsSearched) -> None:
        self._told.decisions.labels("searched").inc()

    @_count.register
    def _(self, event: VerdictGiven) -> None:
        self._told.verdicts.labels(event.verdict.kind, self._codes(event.verdict.code)).inc()

    @_count.register
    def _(self, event: ApprovalGiven) -> None:
        self._told.approvals.labels("granted" if event.granted else "denied").inc()

    @_count.register
    def _(self, event: ModelCalled) -> None:
        purpose = self._purposes(event.purpose)
        self._told.model_seconds.labels(event.role, purpose).observe(event.seconds)
        self._spent(event.role, event.usage)

    @_count.register
    def _(self, event: CallSettled) -> None:
        namespace = self._namespaces(event.tool.partition(".")[0])
        came_to = "reused" if event.reused else self._codes(_word(namespace, event.outcome))
        self._told.tool_calls.labels(namespace, came_to).inc()
        if not event.reused:
            self._told.tool_seconds.labels(namespace).observe(event.outcome.seconds)
            self._spent("synthesizer", event.outcome.usage)

    def _spent(self, role: Role, usage: Usage) -> None:
        self._told.prompt.labels(role).inc(usage.prompt)
        self._told.cached.labels(role).inc(usage.cached)
        self._told.generated.labels(role).inc(usage.generated)
        if usage.prompt:
            self._told.cached_share.labels(role).observe(usage.cached / usage.prompt)


def _word(namespace: str, outcome: ToolOutcome) -> str:
    """How a call went; what a client calls its failures would be any number of words."""
    told = "" if namespace == "client" else outcome.code
    return "ok" if outcome.ok else told or "failed"


class _Dateless(Collector):
    """A registry without the time at which each series began, which would double their number."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    @override
    def collect(self) -> Iterable[Metric]:
        """Every family, less those times."""
        for family in self._registry.collect():
            kept = [sample for sample in family.samples if not sample.name.endswith("_created")]
            family.samples = kept
            yield family
