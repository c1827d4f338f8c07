"""Keeps the operator's secrets out of what a model server says, before anybody hears it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from orchestrator.core.chat import ChatReply, ChatRequest, StreamItem, TextDelta
from orchestrator.core.errors import BackendError, ConstraintBroken
from orchestrator.core.redaction import Redactor
from orchestrator.ports.chat import ChatBackend


class RedactedBackend:
    """Takes known secrets out of a backend's replies and errors.

    A server knows the key that it was called with, and an error page that repeats it would stand
    in the journal for good. Nothing of a secret is handed on in pieces either: the end of a delta
    that could be its beginning waits for the next one.

    Args:
        inner: The backend that answers.
        redactor: What knows the secrets.
    """

    def __init__(self, inner: ChatBackend, redactor: Redactor) -> None:
        self.inner = inner
        self._redactor = redactor

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece.

        Raises:
            ConstraintBroken: A reply that must have a form holds a secret in it.
            BackendError: What the backend raises, in words without secrets.
        """
        held = _Held(self._redactor)
        try:
            async with aclosing(self.inner.stream(request)) as items:
                async for item in items:
                    if isinstance(item, ChatReply):
                        if rest := held.rest():
                            yield TextDelta(text=rest)
                        yield self._clean(item, request)
                    elif text := held.take(item.text):
                        yield TextDelta(text=text)
        except BackendError as error:
            self._redactor.error(error)
            raise

    def _clean(self, reply: ChatReply, request: ChatRequest) -> ChatReply:
        clean: ChatReply = ChatReply.model_validate(self._redactor.value(reply.model_dump()))
        if request.constraint is not None and clean.text != reply.text:
            raise ConstraintBroken("The reply repeats a secret of the operator.")
        return clean


class _Held:
    """Text that goes on as soon as it cannot be a part of a secret any more."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._text = ""
        self._longest = max(map(len, redactor.forms), default=0)
        self._beginnings = {form[:n] for form in redactor.forms for n in range(1, len(form))}

    def take(self, text: str) -> str:
        """Add a piece and give what can go on."""
        self._text += text
        cut = self._cut()
        said, self._text = self._text[:cut], self._text[cut:]
        return self._redactor.text(said)

    def rest(self) -> str:
        """What is left at the end."""
        said, self._text = self._text, ""
        return self._redactor.text(said)

    def _cut(self) -> int:
        """Where a secret may begin that has not ended, never in the middle of a whole one."""
        length = len(self._text)
        starts = range(max(0, length - self._longest + 1), length)
        cut = next((at for at in starts if self._text[at:] in self._beginnings), length)
        found = self._redactor.pattern.finditer(self._text) if self._redactor.pattern else ()
        return next((whole.start() for whole in found if whole.start() < cut < whole.end()), cut)
