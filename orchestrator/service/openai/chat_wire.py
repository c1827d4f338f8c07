"""Chat completions as they come over the wire: requests in, replies and chunks out."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestrator.core.errors import InvalidRequest
from orchestrator.core.runs import RunState
from orchestrator.service.openai.client_calls import Function, ToolChoice, wire_calls
from orchestrator.service.openai.narration import Narration
from orchestrator.service.openai.resting import out_of_tokens, said
from orchestrator.service.openai.turns import Turn, text_of

INT64 = 2**63
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=64)],
        Annotated[str, StringConstraints(max_length=512)],
    ],
    Field(max_length=16),
]
"""What a caller wants to find again with its run, within the bounds of OpenAI's API."""


class _Open(BaseModel):
    """A part of a request that may have fields nobody asked for."""

    model_config = ConfigDict(extra="ignore")


class FunctionCall(_Open):
    """The function of a call, with its arguments as JSON text."""

    name: str
    arguments: str = ""


class ToolCall(_Open):
    """A call that an earlier reply asked for."""

    id: str
    function: FunctionCall


class ChatMessage(_Open):
    """One message; its content is text, alone or in parts."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class FunctionTool(_Open):
    """A tool that the client carries out."""

    type: Literal["function"]
    function: Function


class StreamOptions(_Open):
    """What a stream has besides the reply."""

    include_usage: bool | None = None


class ChatCompletionRequest(BaseModel):
    """A chat completion that is asked for; unknown parameters are looked at one by one."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    max_completion_tokens: int | None = Field(default=None, gt=0)
    seed: int | None = Field(default=None, ge=-INT64, lt=INT64)
    metadata: Metadata | None = None

    @property
    def tokens(self) -> int | None:
        """How many tokens may be generated, by the newer name where both are given."""
        return self.max_completion_tokens or self.max_tokens


def turns_of(messages: list[ChatMessage]) -> list[Turn]:
    """The messages as turns.

    Raises:
        InvalidRequest: Something in them is no text, or a result names no call.
    """
    return [_turn(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _turn(message: ChatMessage, at: str) -> Turn:
    if message.role == "tool" and not message.tool_call_id:
        raise InvalidRequest(f"{at} has no tool_call_id.", param=f"{at}.tool_call_id")
    role = "system" if message.role == "developer" else message.role
    return Turn(
        role=role,
        text=text_of(message.content, at=f"{at}.content"),
        calls=tuple(call.function.name for call in message.tool_calls or ()),
        answers=message.tool_call_id or "",
        at=f"{at}.content",
    )


def finish_reason(state: RunState) -> Literal["stop", "length", "tool_calls"]:
    """Why a reply ends: it is whole, a limit on tokens cut it short, or it asks for calls."""
    if state.status == "waiting_tools":
        return "tool_calls"
    return "length" if out_of_tokens(state) else "stop"


def completion(reply: "Reply", told: Narration, reasoning: str) -> dict[str, Any]:
    """A whole reply: what was done as `reasoning_content`, the answer as `content`."""
    state = told.state
    calls = tool_calls(state)
    more: dict[str, Any] = {
        **({"reasoning_content": reasoning} if reasoning else {}),
        **({"tool_calls": calls} if calls else {}),
    }
    whole = _whole(reply, said(state), finish_reason(state), told, **more)
    return {**whole, "ferryman": {"run_id": state.run_id, "status": state.status}}


def said_aside(reply: "Reply", words: str, told: Narration) -> dict[str, Any]:
    """A whole reply that no run has made."""
    return _whole(reply, words, "stop", told)


def _whole(reply: "Reply", text: str, finish: str, told: Narration, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text or None, "refusal": None, **more}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**reply.head("chat.completion"), "choices": [choice], "usage": usage(told)}


def tool_calls(state: RunState) -> list[dict[str, Any]]:
    """The calls that the client is to carry out."""
    return [
        {"id": wire, "type": "function", "function": {"name": name, "arguments": arguments}}
        for wire, name, arguments in wire_calls(state)
    ]


def usage(told: Narration) -> dict[str, Any]:
    """Tokens of every model call that was made for this reply, by both roles."""
    spent = told.usage
    return {
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.generated,
        "total_tokens": spent.prompt + spent.generated,
        "prompt_tokens_details": {"cached_tokens": spent.cached},
        "completion_tokens_details": {"reasoning_tokens": told.reasoning},
    }


class Reply:
    """What every chunk of a reply has in common."""

    def __init__(self, run_id: str, *, model: str, created: int, usage: bool = False) -> None:
        self._id = f"chatcmpl-{run_id}"
        self._model = model
        self._created = created
        self._usage = usage

    def head(self, kind: str) -> dict[str, Any]:
        """The fields that say which reply this is."""
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "system_fingerprint": None,
        }

    def chunk(self, delta: dict[str, Any], *, finish: str | None = None, **more: Any) -> str:
        """A chunk of the reply as JSON text."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _json(
            {
                **self.head("chat.completion.chunk"),
                "choices": [choice],
                **({"usage": None} if self._usage else {}),
                **more,
            }
        )

    def last(self, told: Narration) -> list[str]:
        """The chunks that end a reply: the answer or the calls, why it ends, and the usage."""
        state = told.state
        calls = [{"index": index, **call} for index, call in enumerate(tool_calls(state))]
        text = [self.chunk({"content": piece}) for piece in pieces(said(state))]
        asked = [self.chunk({"tool_calls": calls})] if calls else []
        run = {"run_id": state.run_id, "status": state.status}
        return [*text, *asked, *self.ended(finish_reason(state), told, ferryman=run)]

    def ended(self, finish: str, told: Narration, **more: Any) -> list[str]:
        """The chunk that says why a reply ends, and the one with the usage if it was asked for."""
        ended = self.chunk({}, finish=finish, **more)
        if not self._usage:
            return [ended]
        head = self.head("chat.completion.chunk")
        return [ended, _json({**head, "choices": [], "usage": usage(told)})]


def pieces(text: str, size: int = 48) -> list[str]:
    """Cut a text into pieces for a stream, between words where it can be."""
    found = [""]
    for word in text.splitlines(keepends=True):
        for part in _words(word):
            if len(found[-1]) + len(part) > size:
                found.append("")
            found[-1] += part
    return [piece for piece in found if piece]


def _words(line: str) -> list[str]:
    head, *rest = line.split(" ")
    return [head, *(f" {word}" for word in rest)]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
