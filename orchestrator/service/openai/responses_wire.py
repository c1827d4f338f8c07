"""Responses as they come over the wire: what is asked for, and the ids of what is given."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.core.errors import InvalidRequest, RunNotFound
from orchestrator.core.runs import RunRequest
from orchestrator.service.openai.chat_wire import Metadata
from orchestrator.service.openai.client_calls import Function, ToolChoice
from orchestrator.service.openai.model_names import MODEL_KEY
from orchestrator.service.openai.turns import Speaker, Turn, text_of

PREVIOUS_KEY = "ferryman_previous"
"""Where a run keeps the response that it came after, in its metadata."""
BACKGROUND_KEY = "ferryman_background"
_ID = re.compile(r"resp_([0-9A-Za-z-]{1,64})(?:_(\d{1,15}))?")
_SPEAKERS: Mapping[str, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


class FunctionTool(Function):
    """A tool that the client carries out; other kinds of tools are none of ours."""

    type: Literal["function"]


class ResponseRequest(BaseModel):
    """A response that is asked for; unknown parameters are looked at one by one."""

    model_config = ConfigDict(extra="allow")

    model: str
    input: str | Annotated[list[dict[str, Any]], Field(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: int | None = Field(default=None, gt=0)
    max_tool_calls: int | None = Field(default=None, gt=0)
    metadata: Metadata | None = None


def turns_of(asked: ResponseRequest) -> list[Turn]:
    """The instructions and the input as turns.

    Raises:
        InvalidRequest: An item is of a kind that cannot be read.
    """
    front = [Turn("system", asked.instructions)] if asked.instructions else []
    if isinstance(asked.input, str):
        return [*front, Turn("user", asked.input, at="input")]
    items = enumerate(asked.input)
    turns = [_turn(item, f"input[{index}]") for index, item in items]
    return [*front, *(turn for turn in turns if turn is not None)]


def _turn(item: Mapping[str, Any], at: str) -> Turn | None:
    kind = item.get("type") or ("message" if "role" in item else "")
    if kind == "reasoning":
        return None
    if kind == "message" and str(item.get("role")) in _SPEAKERS:
        content = _content(item.get("content"), at=f"{at}.content")
        return Turn(_SPEAKERS[str(item["role"])], content, at=f"{at}.content")
    if kind == "function_call":
        return Turn("assistant", calls=(str(item.get("name", "")),), at=at)
    if kind == "function_call_output":
        output = _content(item.get("output"), at=f"{at}.output")
        return Turn("tool", output, answers=str(item.get("call_id", "")), at=at)
    raise InvalidRequest(
        f"{at} is {str(kind)[:80] or 'of no type'!r}, which cannot be read.",
        param=at,
        hint="Send messages, function calls and their outputs.",
    )


def _content(content: Any, *, at: str) -> str:
    parts = isinstance(content, list) and all(isinstance(part, dict) for part in content)
    if content is None or isinstance(content, str) or parts:
        return text_of(content, at=at)
    raise InvalidRequest(f"{at} is neither text nor a list of parts.", param=at)


def response_id(run_id: str, since: int = 0) -> str:
    """The id of a response: its run, and after which entry of the run's journal it begins."""
    return f"resp_{run_id}" + (f"_{since}" if since else "")


def parted(given: str, *, param: str | None = None) -> tuple[str, int]:
    """The run of a response, and after which entry of its journal the response begins.

    Raises:
        RunNotFound: It is the id of no response.
    """
    found = _ID.fullmatch(given)
    if found is None:
        raise RunNotFound(f"There is no response {given[:80]!r}.", param=param)
    return found[1], int(found[2] or 0)


def told_again(request: RunRequest) -> dict[str, Any]:
    """What a response says of its own request, out of the run's journal."""
    metadata = request.metadata
    rules = [message.content for message in request.history if message.role == "system"]
    return {
        "model": metadata.get(MODEL_KEY, ""),
        "instructions": rules[0] if rules else None,
        "previous_response_id": metadata.get(PREVIOUS_KEY),
        "background": BACKGROUND_KEY in metadata,
        "max_output_tokens": None,
        "metadata": {k: v for k, v in metadata.items() if not k.startswith("ferryman_")},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.input_schema,
                "strict": False,
            }
            for tool in request.tools
        ],
        "temperature": None,
        "top_p": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "text": {"format": {"type": "text"}},
        "truncation": "disabled",
        "user": None,
    }
