"""A chat completion as it is streamed: progress as reasoning, then the answer, then why it ends.

What the synthesizer writes is not passed on as it is generated: its claims are checked against
the journal first, and a sentence that the journal does not hold is taken out of the answer.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from orchestrator.core.errors import OrchestratorError
from orchestrator.service.context import Service
from orchestrator.service.errors import body_of
from orchestrator.service.openai.attending import Attended
from orchestrator.service.openai.chat_wire import Reply
from orchestrator.service.openai.narration import Narration
from orchestrator.service.sse import EventStream, frame, kept_alive

DONE = frame("[DONE]")


def streamed(
    service: Service, frames: AsyncGenerator[bytes], *, farewell: tuple[bytes, ...] = ()
) -> EventStream:
    """Frames as a response, with signs of life while nothing happens.

    Where the service goes down before their end, `farewell` is the end.
    """
    return EventStream(_to_the_end(service, frames, farewell))


def farewell(run: Attended) -> tuple[bytes, ...]:
    """What a stream ends with when the service goes down before the run is at rest."""
    return (frame(body_of(run.going_down).model_dump_json()), DONE)


async def _to_the_end(
    service: Service, frames: AsyncGenerator[bytes], farewell: tuple[bytes, ...]
) -> AsyncGenerator[bytes]:
    ended = False

    async def noted() -> AsyncGenerator[bytes]:
        nonlocal ended
        async with aclosing(frames):
            async for given in frames:
                yield given
        ended = True

    every_s = service.limits.keep_alive_s
    alive = kept_alive(noted(), every_s=every_s, until=service.draining, retry=False)
    async with aclosing(alive):
        async for given in alive:
            yield given
    for given in () if ended else farewell:
        yield given


async def frames_of(run: Attended, reply: Reply) -> AsyncGenerator[bytes]:
    """The frames of a run's reply, up to the one that says that there will be no more."""
    yield frame(reply.chunk({"role": "assistant", "content": ""}))
    try:
        async with aclosing(run.entries()) as entries:
            async for _, line in entries:
                if line:
                    yield frame(reply.chunk({"reasoning_content": f"{line}\n"}))
    except OrchestratorError as error:
        yield frame(body_of(error).model_dump_json())
    else:
        failed = run.failed
        ending = [failed[1].model_dump_json()] if failed else reply.last(run.told)
        for chunk in ending:
            yield frame(chunk)
    yield DONE


async def aside_frames(reply: Reply, words: str, told: Narration) -> AsyncGenerator[bytes]:
    """The frames of a reply that no run has made."""
    yield frame(reply.chunk({"role": "assistant", "content": words}))
    for chunk in reply.ended("stop", told):
        yield frame(chunk)
    yield DONE
