"""Writes a chat request in the dialect of one OpenAI-compatible server.

Every server accepts the others' constraint fields and ignores them, so the capability card says
which one really forces a form. Fields keep a fixed order: equal requests are equal bytes.
"""

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.core.chat import ChatRequest, Choice, Constraint
from orchestrator.core.roles import CapabilityCard

TOP_LOGPROBS = 20
"""How many alternatives a token is asked for; 20 is the most that OpenAI and vLLM allow."""

WRAPPED = "choice"
"""The key that carries a choice where a reply can only be forced into a JSON object."""


def encode(
    request: ChatRequest, *, model: str, card: CapabilityCard, extra: Mapping[str, Any]
) -> bytes:
    """Write the body of a streaming chat completion; `extra` fields come last."""
    body = {
        "model": model,
        "messages": [turn.model_dump() for turn in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "seed": request.sampling.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"stop": list(request.stop)} if request.stop else {}),
        **({"tools": [tool.wire() for tool in request.tools]} if request.tools else {}),
        **_logprobs(request, card),
        **_constraint(request.constraint, card),
        **extra,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def is_wrapped(constraint: Constraint | None, card: CapabilityCard) -> bool:
    """Tell whether the choice travels inside a JSON object and must be taken out again."""
    return isinstance(constraint, Choice) and card.constraint == "response_format"


def choice_grammar(options: tuple[str, ...]) -> str:
    """Write a choice as a llama.cpp grammar (GBNF)."""
    return "root ::= " + " | ".join(_literal(option) for option in options)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(_visible(char) for char in escaped)}"'


def _visible(char: str) -> str:
    return char if char.isprintable() else f"\\U{ord(char):08X}"


def _logprobs(request: ChatRequest, card: CapabilityCard) -> dict[str, Any]:
    wanted = request.logprobs and card.logprobs and isinstance(request.constraint, Choice)
    return {"logprobs": True, "top_logprobs": TOP_LOGPROBS} if wanted else {}


def _constraint(constraint: Constraint | None, card: CapabilityCard) -> dict[str, Any]:
    if constraint is None:
        return {}
    if isinstance(constraint, Choice):
        return _choice(constraint, card)
    if card.constraint == "structured_outputs":
        form = {"json": constraint.json_schema, "disable_any_whitespace": True}
        return {"structured_outputs": form}
    return _response_format(constraint.json_schema)


def _choice(constraint: Choice, card: CapabilityCard) -> dict[str, Any]:
    if card.constraint == "structured_outputs":
        return {"structured_outputs": {"choice": list(constraint.options)}}
    if card.constraint == "grammar":
        return {"grammar": choice_grammar(constraint.options)}
    return _response_format(wrapping_schema(constraint))


def wrapping_schema(constraint: Choice) -> dict[str, Any]:
    """Describe a choice as a JSON object, the root that every server accepts."""
    return {
        "type": "object",
        "properties": {WRAPPED: {"type": "string", "enum": list(constraint.options)}},
        "required": [WRAPPED],
        "additionalProperties": False,
    }


def _response_format(schema: dict[str, Any]) -> dict[str, Any]:
    form = {"name": "reply", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": form}}
