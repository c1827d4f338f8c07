"""What is said to a model and what comes back."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A value: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Frozen):
    """One turn of a transcript, in the field's own shape."""

    role: Literal["system", "user", "assistant"]
    content: str


class FunctionTool(Frozen):
    """A tool as a chat API is told of it, for loops that leave the choice to the model."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)

    def wire(self) -> dict[str, Any]:
        """The tool in the form of the `tools` field."""
        return {"type": "function", "function": self.model_dump()}


class FunctionCall(Frozen):
    """A tool call as a server found it in a reply; `arguments` is JSON text, unchecked."""

    name: str
    arguments: str = ""


class Choice(Frozen):
    """The reply must be exactly one of these strings."""

    kind: Literal["choice"] = "choice"
    options: tuple[str, ...] = Field(min_length=1)


class JsonSchema(Frozen):
    """The reply must be JSON that satisfies this schema, keys in the schema's order."""

    kind: Literal["json_schema"] = "json_schema"
    json_schema: dict[str, Any]


Constraint = Choice | JsonSchema


class Sampling(Frozen):
    """How a reply is drawn; greedy unless a profile says otherwise."""

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0


class Usage(Frozen):
    """Tokens of one or many model calls; `cached` is the part of `prompt` that was not computed."""

    prompt: int = 0
    cached: int = 0
    generated: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            generated=self.generated + other.generated,
        )


class ChatRequest(Frozen):
    """Everything a backend needs for one reply.

    `slot` names the conversation, so that a backend with several prompt caches can keep
    this one warm; it never changes the reply. `deadline_s` bounds the whole call in seconds.
    `tools` are handed to the model's own chat template; whether it calls one is left to it.
    """

    messages: tuple[Message, ...] = Field(min_length=1)
    constraint: Constraint | None = Field(default=None, discriminator="kind")
    sampling: Sampling = Sampling()
    max_tokens: int = Field(default=512, gt=0)
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    slot: str = "default"
    tools: tuple[FunctionTool, ...] = ()
    deadline_s: float = Field(default=300.0, gt=0)


class TextDelta(Frozen):
    """A piece of the reply as it is generated."""

    kind: Literal["text"] = "text"
    text: str


class ChatReply(Frozen):
    """A complete reply, the last item of every stream.

    `margin` is the difference in probability (0 to 1) between the chosen option of a `Choice`
    and the runner-up, over the valid options only; None where the backend gives no logprobs.
    `truncated` is True when `max_tokens` cut the reply. `calls` are the tool calls that the
    server itself took out of the text; one that parses nothing leaves them in it.
    """

    kind: Literal["reply"] = "reply"
    text: str
    usage: Usage = Usage()
    truncated: bool = False
    margin: float | None = None
    model: str = ""
    seconds: float = 0.0
    calls: tuple[FunctionCall, ...] = ()


StreamItem = TextDelta | ChatReply
