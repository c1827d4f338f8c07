"""The embedded backend: a model inside this process, no server and no graphics card needed."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Self

from adapters.backends.embedded_engine import Engine
from adapters.backends.embedded_lanes import Lanes, Take
from adapters.backends.embedded_wire import Transcript, body_of
from orchestrator.core.chat import ChatRequest, StreamItem, TextDelta
from orchestrator.core.roles import CapabilityCard, ModelIdentity


class EmbeddedBackend:
    """Answers chat requests with llama.cpp in-process.

    Every slot has the whole `context_tokens`; conversations of the same `ChatRequest.slot`
    share a slot, so an append-only transcript is computed once. The weights are loaded by the
    first request, or by `warm`.

    Args:
        model_path: A GGUF file.
        name: How the model is called in replies; the file's name when left out.
        sha256: The digest of the file, when the caller knows it.
        context_tokens: The longest prompt and reply together.
        parallel: How many conversations stay warm and run at once.
        threads: CPU threads; all usable ones when left out.
        verbose: Let the engine log to stderr.
    """

    def __init__(
        self,
        model_path: Path,
        *,
        name: str = "",
        sha256: str = "",
        context_tokens: int = 8192,
        parallel: int = 2,
        threads: int | None = None,
        verbose: bool = False,
    ) -> None:
        self._name = name or model_path.stem
        self._sha256 = sha256
        self._engine = Engine(
            model_path,
            context_tokens=context_tokens,
            parallel=parallel,
            threads=threads,
            verbose=verbose,
        )
        self._lanes = Lanes(parallel)

    @property
    def card(self) -> CapabilityCard:
        """What this backend really does with a request."""
        return CapabilityCard(
            constraint="grammar",
            logprobs=True,
            cached_tokens=True,
            parallel=self._engine.parallel,
            lanes=True,
        )

    def identity(self) -> ModelIdentity:
        """Say what exactly answers."""
        return ModelIdentity(name=self._name, sha256=self._sha256, backend="embedded")

    async def warm(self) -> None:
        """Load the weights now, so that the first request does not wait for them.

        Raises:
            ModelFileError: The file is missing or cannot be used.
            BackendUnavailable: The engine is not installed, or memory does not suffice.
        """
        await asyncio.to_thread(self._engine.load)

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of a text as this model sees it."""
        await self.warm()
        return await asyncio.to_thread(self._engine.count_tokens, text)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer the request piece by piece."""
        began = time.monotonic()
        transcript = Transcript(request)
        lane = self._lanes.lane_for(request.slot)

        def work(slot: int, take: Take) -> None:
            self._engine.load()
            self._engine.run(body_of(request, slot), take)

        chunks = self._lanes.chunks(lane, work, deadline_s=request.deadline_s)
        async with aclosing(chunks):
            async for chunk in chunks:
                if text := transcript.take(chunk):
                    yield TextDelta(text=text)
        yield transcript.reply(model=self._name, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Stop what runs and free the weights."""
        await asyncio.to_thread(self.free)

    def free(self) -> None:
        """Stop what runs and free the weights; blocks until the engine has stopped."""
        self._lanes.close()
        self._engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
