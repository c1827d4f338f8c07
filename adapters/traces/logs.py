"""The record of a run as structured log lines, for whoever collects logs.

A line names what happened and where, with sizes and counts; what files say, what models wrote
and the arguments of calls stay in the journal.
"""

from collections.abc import Mapping
from typing import Any, TextIO

import structlog

from orchestrator.core.events import Entry

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


class LogSink:
    """Writes one JSON object a line: time, run, sequence number, event, and its plain facts."""

    def __init__(self, stream: TextIO) -> None:
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[structlog.processors.JSONRenderer(sort_keys=False)],
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
