"""Turns a server's answer to a call into an outcome, believing nothing it says unchecked."""

import json
from functools import lru_cache
from typing import Any

import anyio.to_thread
import mcp_types as types
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from adapters.tools.outcomes import succeeded
from orchestrator.core.errors import ToolFailed
from orchestrator.core.tools import ToolOutcome, ToolSpec

LOSSY_KEY = "ferryman/lossy"
"""Set in a result's `_meta` by our transport when bytes had to be replaced."""

_THREAD_ABOVE_CHARS = 64 * 1024


async def read_result(
    result: types.CallToolResult | types.InputRequiredResult, spec: ToolSpec, max_bytes: int
) -> ToolOutcome:
    """Say what a finished call came to.

    Raises:
        ToolFailed: The tool reported a failure, asks for something, or broke its own schema.
        ToolOutputTooLarge: The result has more than `max_bytes`.
    """
    if isinstance(result, types.InputRequiredResult):
        raise ToolFailed(f"{spec.id} asks for input in mid-call, which is never answered for you.")
    text = "\n".join(_shown(block) for block in result.content)
    if result.is_error:
        raise ToolFailed(text.strip() or f"{spec.id} failed without saying why.")
    lossy = bool((result.meta or {}).get(LOSSY_KEY))
    data = _data(result, text, spec)
    outcome = succeeded(data, max_bytes=max_bytes, lossy=lossy)
    if spec.output_schema is not None:
        await _check(data, len(text), spec)
    return outcome


def _shown(block: types.ContentBlock) -> str:
    match block:
        case types.TextContent():
            return block.text
        case types.ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            return resource.text
        case types.EmbeddedResource():
            return f"[{block.resource.uri}, binary]"
        case _:
            return f"[{block.type} {block.mime_type}, {len(block.data):,} base64 characters]"


def _data(result: types.CallToolResult, text: str, spec: ToolSpec) -> Any:
    if result.structured_content is not None:
        return result.structured_content
    if spec.output_schema is None:
        return {"text": text}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ToolFailed(f"{spec.id} promises a structured result and gave none.") from None


async def _check(data: Any, size: int, spec: ToolSpec) -> None:
    """Validate a large result off the event loop: a validator is slow, not stuck."""
    schema = json.dumps(spec.output_schema)
    if size > _THREAD_ABOVE_CHARS:
        problem = await anyio.to_thread.run_sync(_problem, data, schema)
    else:
        problem = _problem(data, schema)
    if problem:
        raise ToolFailed(f"{spec.id} broke its own output schema {problem}")


def _problem(data: Any, schema: str) -> str:
    try:
        error = best_match(_validator(schema).iter_errors(data))
    except (SchemaError, Unresolvable, RecursionError) as broken:
        return f"(which is itself not usable: {str(broken)[:200]})."
    return "" if error is None else f"at {error.json_path}: {error.message[:300]}"


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    document = json.loads(schema)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document, registry=Registry())
