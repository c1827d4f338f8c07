"""The record of a run, and what the service and its libraries log, as structured lines.

A line names what happened and where, with sizes and counts; what files say, what models wrote
and the arguments of calls stay in the journal.
"""

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from typing_extensions import override

from adapters.traces.redaction import redacting
from orchestrator.core.events import Entry
from orchestrator.core.redaction import Redactor

_KEPT = frozenset(
    {
        "role",
        "purpose",
        "step",
        "seconds",
        "margin",
        "usage",
        "tool",
        "status",
        "code",
        "distance",
        "example",
        "reused",
        "granted",
        "by",
        "approve",
    }
)
_ACCESS = "uvicorn.access"
_ACCESS_FIELDS = 5
_RUN = re.compile(r"^/v1/runs/([^/]+)")


class LogSink:
    """Writes one JSON object a line: time, run, sequence number, event, and its plain facts."""

    def __init__(self, stream: TextIO, *, redactor: Redactor | None = None) -> None:
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                redacting(redactor or Redactor()),
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
        )

    def record(self, entry: Entry) -> None:
        """Write the line of an entry."""
        said = entry.event.model_dump(mode="json", exclude_defaults=True)
        self._log.info(
            entry.event.type,
            at=entry.at.isoformat(),
            run=entry.run_id,
            seq=entry.seq,
            **facts(said),
        )


def facts(said: Mapping[str, Any]) -> dict[str, Any]:
    """The plain facts of an event; of an outcome only whether it was ok, and its code."""
    kept = {key: value for key, value in said.items() if key in _KEPT}
    outcome = said.get("outcome")
    if isinstance(outcome, Mapping):
        kept |= {"ok": outcome.get("ok"), "failure": outcome.get("code", "")}
    verdict = said.get("verdict")
    if isinstance(verdict, Mapping):
        kept |= {"verdict": verdict.get("kind"), "code": verdict.get("code", "")}
    return kept


def log_handler(stream: TextIO, *, redactor: Redactor) -> logging.Handler:
    """What writes the lines of the standard library's logging: JSON, or plain for a terminal."""
    if not stream.isatty():
        return json_handler(stream, redactor=redactor)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Plain(redactor))
    return handler


class _Plain(logging.Formatter):
    """A line for a person, without secrets."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._redactor = redactor

    @override
    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


def json_handler(stream: TextIO, *, redactor: Redactor | None = None) -> logging.Handler:
    """A handler of the standard library's logging that writes the same kind of lines.

    An access line of uvicorn becomes fields (client, method, path, status, and the run that the
    path names), without the query. Tracebacks are in `exception`.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            pass_foreign_args=True,
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", key="at"),
                _access,
            ],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redacting(redactor or Redactor()),
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
        )
    )
    return handler


def _access(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    said = line.pop("positional_args", None)
    if line["logger"] != _ACCESS or not isinstance(said, tuple) or len(said) != _ACCESS_FIELDS:
        return line
    client, method, target, _, status = said
    path = str(target).partition("?")[0]
    line.update(event="request", client=client, method=method, path=path, status=status)
    if run := _RUN.match(path):
        line["run"] = run[1]
    return line
