"""A server's answer becomes an outcome, and what it is made of stays recognisable."""

import mcp_types as types
import pytest

from adapters.tools.mcp_results import read_result
from orchestrator.core.errors import ToolFailed, ToolOutputTooLarge
from orchestrator.core.tools import ToolSpec

pytestmark = pytest.mark.anyio

NUMBERS = {
    "type": "object",
    "properties": {"numbers": {"type": "array", "items": {"type": "integer"}}},
    "required": ["numbers"],
}


def spec(output=None):
    return ToolSpec(id="ns.look", output_schema=output)


def answer(*blocks, **fields):
    return types.CallToolResult(content=list(blocks), **fields)


def text(words):
    return types.TextContent(text=words)


async def read(result, output=None, max_bytes=10_000_000):
    return (await read_result(result, spec(output), max_bytes)).data


async def test_every_kind_of_content_leaves_a_trace_in_the_text():
    note = types.TextResourceContents(uri="file:///note.txt", text="remember")
    blob = types.BlobResourceContents(uri="file:///x.bin", blob="AAAA")
    result = answer(
        text("one"),
        types.ImageContent(data="AAAA", mime_type="image/png"),
        types.AudioContent(data="AAAA", mime_type="audio/wav"),
        types.ResourceLink(name="report", uri="file:///report.pdf"),
        types.EmbeddedResource(resource=note),
        types.EmbeddedResource(resource=blob),
    )
    assert (await read(result))["text"].splitlines() == [
        "one",
        "[image image/png, 4 base64 characters]",
        "[audio audio/wav, 4 base64 characters]",
        "[report: file:///report.pdf]",
        "remember",
        "[file:///x.bin, binary]",
    ]


async def test_an_empty_answer_is_empty_text():
    assert await read(answer()) == {"text": ""}


async def test_structure_is_preferred_to_text():
    assert await read(answer(text("two"), structured_content={"n": 2})) == {"n": 2}


async def test_structure_is_held_to_its_schema_however_large():
    numbers = {"numbers": list(range(50_000))}
    result = answer(text("x" * 100_000), structured_content=numbers)
    assert await read(result, NUMBERS) == numbers
    result = answer(text("x" * 100_000), structured_content={"numbers": [1, "two"]})
    with pytest.raises(ToolFailed, match=r"at \$\.numbers\[1\]: 'two'"):
        await read(result, NUMBERS)


async def test_text_that_is_the_promised_structure_is_taken_for_it():
    assert await read(answer(text('{"numbers": [1]}')), NUMBERS) == {"numbers": [1]}
    with pytest.raises(ToolFailed, match="promises a structured result"):
        await read(answer(text("[" * 100_000)), NUMBERS)


@pytest.mark.parametrize(
    "output", [{"type": "nonsense"}, {"$ref": "#/$defs/gone"}, {"allOf": [{"$ref": "#"}]}]
)
async def test_an_output_schema_that_cannot_be_used_is_a_failure(output):
    with pytest.raises(ToolFailed, match="itself not usable"):
        await read(answer(structured_content={}), output)


async def test_a_failure_says_what_the_tool_said():
    with pytest.raises(ToolFailed, match=r"^disk full$"):
        await read(answer(text("disk full\n"), is_error=True))
    with pytest.raises(ToolFailed, match="without saying why"):
        await read(answer(is_error=True))


async def test_a_tool_that_asks_for_input_is_refused():
    with pytest.raises(ToolFailed, match="never answered for you"):
        await read(types.InputRequiredResult(request_state="s"))


async def test_a_large_result_is_refused_with_both_sizes():
    with pytest.raises(ToolOutputTooLarge, match=r"1,0\d\d bytes; at most 1,000"):
        await read(answer(text("x" * 1000)), max_bytes=1000)
