"""The step of every log line that takes secrets out of it."""

from collections.abc import Callable, MutableMapping
from typing import Any

from orchestrator.core.redaction import Redactor

Processor = Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]


def redacting(redactor: Redactor) -> Processor:
    """A structlog processor: known secrets are taken out, fields named like one are masked.

    It belongs right before what renders the line, where tracebacks are text already.
    """

    def process(
        _logger: Any, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return redactor.fields(line)

    return process
