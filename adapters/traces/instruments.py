"""Every metric of the project by name, and what keeps their labels few.

Labels come from short lists (statuses, roles, codes, namespaces), and one that grows beyond
`MOST_VALUES` values is told as `other`: a client that makes up names cannot fill the memory of
whoever collects them.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from orchestrator.core.redaction import Redactor

MOST_VALUES = 100
OTHER = "other"
_QUICK = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LONG = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_SHARES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_TOKENS = (0.0, 50.0, 100.0, 200.0, 400.0, 600.0, 1000.0, 2000.0, 4000.0)

Load = Callable[[], tuple[int, int, int]]
"""How many requests a backend answers, how many wait, and how many it may answer."""


class Values:
    """The values of one label: those that came first, and `other` for the rest."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value as it is told."""
        told = self._redactor.text(value)
        if told not in self._known and len(self._known) >= MOST_VALUES:
            return OTHER
        self._known.add(told)
        return told


class Instruments:
    """Every metric of the project, by the name that a dashboard asks for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"ferryman_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"ferryman_{name}", about, labels, buckets=buckets, registry=registry)

        self.started = counter("runs_started_total", "Runs that began.")
        self.resumed = counter("runs_resumed_total", "Times that a run was taken up again.")
        self.ended = counter(
            "runs_total", "Runs that ended or came to rest, by what they came to.", "status"
        )
        self.run_seconds = histogram(
            "run_duration_seconds",
            "Seconds of work from a run's start or resumption until it ended or came to rest.",
            _LONG,
            "status",
        )
        self.plans = counter("plans_total", "Plans, by what became of them.", "outcome")
        self.replans = counter("replans_total", "Times that a plan could not go on as it was.")
        self.decisions = counter("decisions_total", "Decisions, by what they came to.", "outcome")
        self.margin = histogram(
            "decision_margin", "Probability by which the chosen tool led, 0 to 1.", _SHARES
        )
        self.distance = histogram(
            "decision_distance_tokens", "Tokens between the worked example and a decision.", _TOKENS
        )
        self.verdicts = counter("verdicts_total", "Verdicts of the guard.", "kind", "code")
        self.approvals = counter("approvals_total", "Words on questions about calls.", "word")
        self.tool_calls = counter(
            "tool_calls_total", "Calls of tools that settled.", "namespace", "outcome"
        )
        self.tool_seconds = histogram(
            "tool_call_duration_seconds", "Seconds of a tool's call.", _QUICK, "namespace"
        )
        self.model_seconds = histogram(
            "model_call_duration_seconds", "Seconds of a model's call.", _QUICK, "role", "purpose"
        )
        self.prompt = counter("prompt_tokens_total", "Tokens of prompts.", "role")
        self.cached = counter(
            "cached_tokens_total", "Tokens of prompts that were not computed again.", "role"
        )
        self.generated = counter("generated_tokens_total", "Tokens that models wrote.", "role")
        self.cached_share = histogram(
            "prompt_cached_ratio", "Share of a prompt that was not computed again.", _SHARES, "role"
        )
        self.queue_wait = histogram(
            "backend_queue_wait_seconds",
            "Seconds that a request waited for its turn at a backend.",
            _QUICK,
            "backend",
            "role",
        )
        self.runs_now = Gauge(
            "ferryman_current_runs",
            "Runs at work, queued, and waiting for somebody, up to the thousand that is counted.",
            ("status",),
            registry=registry,
        )


class Queues(Collector):
    """How busy each backend is, asked at the moment of collection."""

    def __init__(self) -> None:
        self._loads: dict[str, Load] = {}

    def watch(self, backend: str, load: Load) -> None:
        """Tell of one more backend."""
        self._loads[backend] = load

    @override
    def collect(self) -> Iterable[Metric]:
        """One family for each number."""
        told = (
            ("ferryman_backend_running_requests", "Requests that a backend answers."),
            ("ferryman_backend_queued_requests", "Requests that wait for their turn."),
            ("ferryman_backend_slots", "Requests that a backend may answer at once."),
        )
        loads = {backend: load() for backend, load in self._loads.items()}
        for place, (name, about) in enumerate(told):
            family = GaugeMetricFamily(name, about, labels=("backend",))
            for backend, load in loads.items():
                family.add_metric((backend,), load[place])
            yield family
