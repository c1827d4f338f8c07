"""Builds whoever watches runs, as the operator asked for: log file, metrics, spans."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from adapters.secrets import Telemetry
from adapters.traces.logs import LogSink
from orchestrator.core.errors import SettingsError
from orchestrator.core.events import ModelInfo
from orchestrator.core.redaction import Redactor
from orchestrator.ports.traces import Metrics, TraceSink

Sink = AbstractContextManager[TraceSink]


def sinks(
    log: Path | None,
    telemetry: Telemetry | None,
    *,
    models: Sequence[ModelInfo],
    redactor: Redactor,
) -> Iterator[Sink]:
    """The log file and the spans that are asked for, each open while it is entered.

    Raises:
        SettingsError: The file cannot be written, or OpenTelemetry is not installed.
    """
    if log is not None:
        yield log_sink(log, redactor)
    if telemetry is not None:
        yield span_sink(telemetry, models, redactor)


@contextmanager
def log_sink(path: Path, redactor: Redactor) -> Iterator[TraceSink]:
    """A line for each entry in a file."""
    try:
        stream = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error
    with stream:
        yield LogSink(stream, redactor=redactor)


def span_sink(telemetry: Telemetry, models: Sequence[ModelInfo], redactor: Redactor) -> Sink:
    """Spans for an OpenTelemetry collector."""
    try:
        from adapters.traces.otel import Collector, exporter_to, exporting
    except ImportError as error:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT asks for spans, and {error.name} is not installed.",
            hint="Install it with `pip install 'ferryman[otel]'`, or set OTEL_SDK_DISABLED=true.",
        ) from error
    exporter = exporter_to(Collector(telemetry.endpoint, telemetry.headers.get_secret_value()))
    return exporting(exporter, service=telemetry.service, models=models, redactor=redactor)


def metrics_sink(*, redactor: Redactor) -> Metrics | None:
    """Numbers for a Prometheus server; none where its client is not installed."""
    try:
        from adapters.traces.metrics import MetricsSink
    except ImportError:
        return None
    return MetricsSink(redactor=redactor)
