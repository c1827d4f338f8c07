"""The record of a run as OpenTelemetry spans, in the names of the GenAI conventions.

`invoke_agent` for each stretch of work on a run, below it `chat` for each model call and
`execute_tool` for each call of a tool. Nothing that a person, a model or a tool wrote is in them.
All stretches of one run share one trace, whose id follows from the run's, in whatever process
they are done.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import singledispatchmethod
from urllib.parse import unquote

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue
from typing_extensions import override

from orchestrator.core.events import (
    CallIntended,
    CallSettled,
    Entry,
    ModelCalled,
    ModelInfo,
    RunEnded,
    RunResumed,
    RunStarted,
    VerdictGiven,
)
from orchestrator.core.redaction import Redactor
from orchestrator.core.roles import Role
from orchestrator.core.runs import RunStatus
from orchestrator.core.tools import ToolOutcome

AGENT = "ferryman"
_NOT_WELL: frozenset[RunStatus] = frozenset({"failed", "stopped", "incomplete"})
_SECOND = 1_000_000_000
Facts = Mapping[str, AttributeValue | None]


@dataclass
class _Run:
    """A run whose stretch of work is being traced."""

    span: Span
    models: Mapping[Role, ModelInfo]
    calls: dict[str, Span] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        """Where its spans belong."""
        return set_span_in_context(self.span, Context())


class RunIds(IdGenerator):
    """Gives a trace the id that follows from the run at hand."""

    def __init__(self) -> None:
        self.run_id = ""
        self._random = RandomIdGenerator()

    @override
    def generate_trace_id(self) -> int:
        digest = hashlib.sha256(f"ferryman run {self.run_id}".encode()).digest()
        return int.from_bytes(digest[:16], "big") or 1

    @override
    def generate_span_id(self) -> int:
        return self._random.generate_span_id()


class SpanSink:
    """Makes spans of the entries of runs.

    Args:
        tracer: Begins the spans.
        ids: The tracer's own, told which run a trace belongs to.
        models: Who plays the roles, for runs whose beginning was not seen here.
        redactor: Takes secrets out of attributes.
    """

    def __init__(
        self,
        tracer: Tracer,
        ids: RunIds,
        *,
        models: Sequence[ModelInfo] = (),
        redactor: Redactor | None = None,
    ) -> None:
        self._tracer = tracer
        self._ids = ids
        self._models = {info.role: info for info in models}
        self._redactor = redactor or Redactor()
        self._runs: dict[str, _Run] = {}

    def record(self, entry: Entry) -> None:
        """Begin or end what the entry tells of."""
        self._take(entry.event, entry)

    @singledispatchmethod
    def _take(self, event: object, entry: Entry) -> None:
        """Most events are told by the journal alone."""

    @_take.register
    def _(self, event: RunStarted, entry: Entry) -> None:
        models = {info.role: info for info in event.models} or self._models
        facts = {"gen_ai.conversation.id": event.request.thread or None}
        self._begin(entry, models, facts)

    @_take.register
    def _(self, _: RunResumed, entry: Entry) -> None:
        if entry.run_id not in self._runs:
            self._begin(entry, self._models, {"ferryman.run.resumed": True})

    @_take.register
    def _(self, event: RunEnded, entry: Entry) -> None:
        run = self._runs.pop(entry.run_id, None)
        if run is None:
            return
        for span in run.calls.values():
            span.end(_ns(entry.at))
        self._set(run.span, {"ferryman.run.status": event.status})
        if event.status in _NOT_WELL:
            self._set(run.span, {"error.type": event.code or event.status})
            run.span.set_status(Status(StatusCode.ERROR))
        run.span.end(_ns(entry.at))

    @_take.register
    def _(self, event: VerdictGiven, entry: Entry) -> None:
        if run := self._runs.get(entry.run_id):
            told = {"ferryman.verdict": event.verdict.kind, "ferryman.code": event.verdict.code}
            run.span.add_event("ferryman.verdict", told, timestamp=_ns(entry.at))

    @_take.register
    def _(self, event: ModelCalled, entry: Entry) -> None:
        run = self._runs.get(entry.run_id)
        if run is None:
            return
        info = run.models.get(event.role)
        facts: Facts = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": info.backend if info else None,
            "gen_ai.request.model": info.model if info else None,
            "gen_ai.usage.input_tokens": event.usage.prompt,
            "gen_ai.usage.cache_read.input_tokens": event.usage.cached,
            "gen_ai.usage.output_tokens": event.usage.generated,
            "ferryman.run.id": entry.run_id,
            "ferryman.role": event.role,
            "ferryman.purpose": event.purpose,
            "ferryman.step": event.step or None,
            "ferryman.margin": event.margin,
        }
        inside = info is not None and info.backend == "embedded"
        kind = SpanKind.INTERNAL if inside else SpanKind.CLIENT
        name = f"chat {info.model}" if info else "chat"
        began = _ns(entry.at) - int(event.seconds * _SECOND)
        self._span(name, run, kind, began, facts).end(_ns(entry.at))

    @_take.register
    def _(self, event: CallIntended, entry: Entry) -> None:
        if run := self._runs.get(entry.run_id):
            run.calls[event.id] = self._call(run, entry, event, event.call.tool, _ns(entry.at))

    @_take.register
    def _(self, event: CallSettled, entry: Entry) -> None:
        run = self._runs.get(entry.run_id)
        if run is None or event.reused:
            return
        span = run.calls.pop(event.id, None)
        if span is None:
            began = _ns(entry.at) - int(event.outcome.seconds * _SECOND)
            span = self._call(run, entry, event, event.tool, began)
        self._settle(span, event.outcome)
        span.end(_ns(entry.at))

    def _begin(self, entry: Entry, models: Mapping[Role, ModelInfo], facts: Facts) -> None:
        self._ids.run_id = entry.run_id
        told = self._told(
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": AGENT,
                "ferryman.run.id": entry.run_id,
                **facts,
            }
        )
        span = self._tracer.start_span(
            f"invoke_agent {AGENT}", Context(), attributes=told, start_time=_ns(entry.at)
        )
        self._runs[entry.run_id] = _Run(span, models)

    def _call(
        self, run: _Run, entry: Entry, event: CallIntended | CallSettled, tool: str, began: int
    ) -> Span:
        ours = tool.startswith("client.")
        facts: Facts = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": event.id,
            "gen_ai.tool.type": "function" if ours else "extension",
            "ferryman.run.id": entry.run_id,
            "ferryman.step": event.step or None,
        }
        return self._span(f"execute_tool {tool}", run, SpanKind.INTERNAL, began, facts)

    def _settle(self, span: Span, outcome: ToolOutcome) -> None:
        if not outcome.ok:
            self._set(span, {"error.type": outcome.code or "_OTHER"})
            span.set_status(Status(StatusCode.ERROR))

    def _span(self, name: str, run: _Run, kind: SpanKind, began: int, facts: Facts) -> Span:
        return self._tracer.start_span(
            self._redactor.text(name),
            run.context,
            kind=kind,
            attributes=self._told(facts),
            start_time=began,
        )

    def _set(self, span: Span, facts: Facts) -> None:
        span.set_attributes(self._told(facts))

    def _told(self, facts: Facts) -> dict[str, AttributeValue]:
        return {
            key: self._redactor.value(value) for key, value in facts.items() if value is not None
        }


@dataclass(frozen=True)
class Collector:
    """Where spans go: an OTLP receiver over HTTP; `headers` is the list of the OTel variable."""

    endpoint: str
    headers: str = field(default="", repr=False)


def exporter_to(collector: Collector) -> SpanExporter:
    """What sends spans to a collector."""
    return OTLPSpanExporter(endpoint=collector.endpoint, headers=_headers(collector.headers))


@contextmanager
def exporting(
    exporter: SpanExporter,
    *,
    service: str = AGENT,
    models: Sequence[ModelInfo] = (),
    redactor: Redactor | None = None,
) -> Iterator[SpanSink]:
    """Give a sink whose spans are exported in the background, and what is left at the end."""
    ids = RunIds()
    provider = TracerProvider(
        resource=Resource.create({SERVICE_NAME: service}),
        id_generator=ids,
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_span_attribute_length=256),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield SpanSink(provider.get_tracer("ferryman"), ids, models=models, redactor=redactor)
    finally:
        provider.shutdown()


def _headers(listed: str) -> dict[str, str]:
    """Read `name=value,name=value`, values percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS is."""
    pairs = (pair.partition("=") for pair in listed.split(",") if "=" in pair)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
