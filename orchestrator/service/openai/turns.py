"""A conversation as its caller sends it, read as a goal, its history, and results of tools."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import JsonValue

from orchestrator.core.chat import Message
from orchestrator.core.errors import InvalidRequest
from orchestrator.core.tools import ToolOutcome

GOAL_CHARACTERS = 8000
MOST_DEPTH = 32
_LARGEST_INTEGER = 2**63
Speaker = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class Turn:
    """One turn of any wire format: who speaks, the text, the calls it made or answers.

    `at` is where the turn is in the request, for error messages.
    """

    role: Speaker
    text: str = ""
    calls: tuple[str, ...] = ()
    answers: str = ""
    at: str = ""


@dataclass(frozen=True)
class Conversation:
    """What a request comes to: a new goal with its history, or results by the id of the call."""

    goal: str = ""
    history: tuple[Message, ...] = ()
    results: Mapping[str, ToolOutcome] = field(default_factory=dict)


def conversation(turns: Sequence[Turn], *, param: str) -> Conversation:
    """Read turns: those at the end that answer calls are results, else the last one is the goal.

    Args:
        turns: The whole conversation, oldest first.
        param: The field of the request it came in.

    Raises:
        InvalidRequest: The last turn is neither, or the goal is empty or too long.
    """
    results = _results(turns)
    if results:
        return Conversation(results=results)
    if not turns or turns[-1].role != "user":
        raise InvalidRequest(
            "The conversation ends with no turn of the user, so there is nothing to do.",
            param=param,
            hint="Send the task as the last message, with the role `user`.",
        )
    goal = turns[-1].text.strip()
    if "\x00" in goal:
        raise InvalidRequest("A task has no NUL in it.", param=turns[-1].at or param)
    if not goal or len(goal) > GOAL_CHARACTERS:
        raise InvalidRequest(
            f"The last message has {len(goal)} characters; a task has 1 to {GOAL_CHARACTERS}.",
            param=turns[-1].at or param,
            hint="Put long material into a file that the task names.",
        )
    return Conversation(goal=goal, history=_history(turns[:-1]))


def text_of(content: str | Sequence[Mapping[str, Any]] | None, *, at: str) -> str:
    """The text of a message, whose content may come in parts.

    Raises:
        InvalidRequest: A part is something else than text.
    """
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(_part(part, f"{at}[{index}]") for index, part in enumerate(content))


def _part(part: Mapping[str, Any], at: str) -> str:
    for kind in ("text", "refusal"):
        if isinstance(part.get(kind), str) and str(part.get("type", kind)).endswith(kind):
            return str(part[kind])
    raise InvalidRequest(
        f"{at} is {str(part.get('type', 'of no type'))!r}; only text can be read.",
        param=at,
        hint="Put the file into a folder that a tool may read, and name it in the task.",
    )


def outcome_of(text: str) -> ToolOutcome:
    """What a caller's tool came to: JSON where the text is JSON, else the text itself."""
    return ToolOutcome(ok=True, data=_data(text))


def _data(text: str) -> JsonValue:
    try:
        data: JsonValue = json.loads(text)
        # A lone surrogate can be escaped in JSON and written nowhere else.
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {"text": text}
    return data if isinstance(data, dict | list) and _storable(data) else {"text": text}


def _storable(value: JsonValue, depth: int = 0) -> bool:
    """Whether a value can be kept: no deeper than is read, no integer wider than 64 bits."""
    if depth > MOST_DEPTH:
        return False
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return all(_storable(part, depth + 1) for part in parts)
    return not isinstance(value, int) or abs(value) < _LARGEST_INTEGER


def _results(turns: Sequence[Turn]) -> dict[str, ToolOutcome]:
    found: dict[str, ToolOutcome] = {}
    for turn in reversed(turns):
        if turn.role != "tool":
            break
        found = {turn.answers: outcome_of(turn.text), **found}
    return found


def _history(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Instructions first, then what was said; of results only that there were some.

    What a tool gave was read in its own run, and the planner sees no text of tools.
    """
    rules = [turn.text for turn in turns if turn.role == "system" and turn.text.strip()]
    front = [Message(role="system", content="\n\n".join(rules))] if rules else []
    spoken = [turn for turn in turns if turn.role in {"user", "assistant"}]
    return (*front, *(_message(turn) for turn in spoken if turn.text.strip() or turn.calls))


def _message(turn: Turn) -> Message:
    called = f"[asked the caller for {', '.join(turn.calls)}]" if turn.calls else ""
    text = "\n".join(part for part in (turn.text, called) if part)
    return Message(role="user" if turn.role == "user" else "assistant", content=text)
