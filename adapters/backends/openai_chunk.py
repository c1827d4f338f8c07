"""The part of a chat completion that matters here, streamed or whole, checked on arrival."""

from typing import Any

from pydantic import BaseModel, Field, NonNegativeInt, ValidationError

from adapters.backends.constraint import excerpt
from adapters.backends.strict_json import UnsafeJsonError, parse
from orchestrator.core.errors import BackendProtocolError


class Alternative(BaseModel):
    """A token that could have been generated, and its natural logprob."""

    token: str
    bytes: list[int] | None = None
    logprob: float = Field(le=0.01)


class Token(Alternative):
    """A generated token."""

    top_logprobs: list[Alternative] | None = None


class Logprobs(BaseModel):
    """The tokens of a chunk, where they were asked for."""

    content: list[Token] | None = None


class FunctionPart(BaseModel):
    """A piece of a call's name and arguments."""

    name: str | None = None
    arguments: str | None = None


class ToolCallPart(BaseModel):
    """A piece of one tool call of the reply; `index` says of which."""

    index: NonNegativeInt = 0
    function: FunctionPart = FunctionPart()


class Delta(BaseModel):
    """What a chunk adds; two names are in use for the text of a thinking model's thoughts."""

    tool_calls: list[ToolCallPart] | None = None
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class ChunkChoice(BaseModel):
    """The first choice, the only one that is asked for; a server may answer without streaming."""

    delta: Delta | None = None
    message: Delta | None = None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None

    @property
    def said(self) -> Delta:
        """What the chunk adds to the reply."""
        return self.delta or self.message or Delta()

    @property
    def tokens(self) -> list[Token]:
        """The tokens that the chunk adds, as far as the server tells."""
        return (self.logprobs and self.logprobs.content) or []


class PromptDetails(BaseModel):
    """How much of the prompt came from a cache."""

    cached_tokens: NonNegativeInt | None = None


class ChunkUsage(BaseModel):
    """The tokens of the whole reply."""

    prompt_tokens: NonNegativeInt = 0
    completion_tokens: NonNegativeInt = 0
    prompt_tokens_details: PromptDetails | None = None


class Chunk(BaseModel):
    """One event of the stream, or the whole completion."""

    model: str | None = None
    choices: list[ChunkChoice] | None = None
    usage: ChunkUsage | None = None


def decode(data: str) -> dict[str, Any]:
    """Read one event's data.

    Raises:
        BackendProtocolError: Not a JSON object, or one that must not enter a run's state.
    """
    try:
        chunk = parse(data)
    except UnsafeJsonError as error:
        raise BackendProtocolError(
            f"The server sent something that cannot be read: {error}. It begins {excerpt(data)}."
        ) from error
    if not isinstance(chunk, dict):
        raise BackendProtocolError(f"The server sent {excerpt(data)} where an object belongs.")
    return chunk


def check(chunk: dict[str, Any]) -> Chunk:
    """Check a chunk's shape.

    Raises:
        BackendProtocolError: It has not the shape that the protocol promises.
    """
    try:
        return Chunk.model_validate(chunk)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise BackendProtocolError(
            f"The reply's {where} is {excerpt(str(wrong['input']))}: {wrong['msg']}."
        ) from error
