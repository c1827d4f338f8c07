"""Keeps the operator's secrets out of what tools answer, before a run takes it in."""

from collections.abc import Sequence

from orchestrator.core.redaction import Redactor
from orchestrator.core.tools import ToolCall, ToolOutcome, ToolSpec
from orchestrator.ports.tools import Toolset


class RedactedToolset:
    """Takes known secrets out of the descriptions, results and errors of tools.

    A server holds the variables, headers and arguments that the operator gave it, and a tool that
    prints them would bring them into the journal, before the models and to every reader of the
    run. What a tool reads elsewhere, in a file of the user, is none of the operator's secrets and
    stays as it is, unless it is the same value.

    Args:
        inner: The tools.
        redactor: What knows the secrets.
    """

    def __init__(self, inner: Toolset, redactor: Redactor) -> None:
        self._inner = inner
        self._redactor = redactor
        self._seen: Sequence[ToolSpec] = ()
        self._specs: Sequence[ToolSpec] = ()

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools in scope."""
        offered = self._inner.specs
        if offered != self._seen:
            self._seen = offered
            self._specs = tuple(described(spec, self._redactor) for spec in offered)
        return self._specs

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Carry out one call and say what it came to."""
        outcome = await self._inner.call(call)
        data, error = self._redactor.value(outcome.data), self._redactor.text(outcome.error)
        if data is outcome.data and error == outcome.error:
            return outcome
        return outcome.model_copy(update={"data": data, "error": error})


def described(spec: ToolSpec, redactor: Redactor) -> ToolSpec:
    """The tool with the secrets taken out of its words and schemas; its id stays."""
    told = spec.model_dump(exclude={"id"})
    clean = redactor.value(told)
    return spec if clean is told else ToolSpec.model_validate({**clean, "id": spec.id})
