"""What every ChatBackend promises, asked of each adapter and each fake alike.

A suite takes part by subclassing and giving a `backend` fixture (any scope):

    class TestScripted(ChatBackendContract):
        @pytest.fixture
        def backend(self):
            return ScriptedBackend(...)

The questions are below as data, so that a fake can be told its answers beforehand: any
answer will do that keeps to the request's own constraint and limit.
"""

import json
from contextlib import aclosing

import jsonschema
import pytest

from orchestrator.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    JsonSchema,
    Message,
    TextDelta,
)
from orchestrator.ports.chat import complete

TOOLS = ("filesystem.list_dir", "ocr.extract_text", 'say "hi" \\ there', "done")
STEP_SCHEMA = {
    "type": "object",
    "properties": {
        "namespace": {"enum": ["filesystem", "ocr"]},
        "intent": {"type": "string", "maxLength": 24},
        "take": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["namespace", "intent", "take"],
    "additionalProperties": False,
}


def asked(text, **fields):
    """Make a request of a system turn and one user turn."""
    turns = (
        Message(role="system", content="You answer in a few words."),
        Message(role="user", content=text),
    )
    return ChatRequest(messages=turns, **fields)


FREE = asked("Name three colours.", max_tokens=24)
SHORT = asked("Count slowly from one to one hundred in words.", max_tokens=4)
LONG = asked("Count slowly from one to one hundred in words.", max_tokens=256)
CHOICE = asked("Which tool lists a folder?", constraint=Choice(options=TOOLS), max_tokens=32)
SINGLE = asked("Say done.", constraint=Choice(options=("done",)), max_tokens=8)
OBJECT = asked(
    "List the folder ~/Desktop: write the step as JSON.",
    constraint=JsonSchema(json_schema=STEP_SCHEMA),
    max_tokens=96,
)
CUT = OBJECT.model_copy(update={"max_tokens": 4})
CUT_CHOICE = asked(
    "Say the long one.", constraint=Choice(options=("one " * 40,)), max_tokens=3, logprobs=True
)


async def collected(backend, request):
    """Read a whole stream: its deltas and its replies, in order."""
    async with aclosing(backend.stream(request)) as stream:
        items = [item async for item in stream]
    deltas = [item for item in items if isinstance(item, TextDelta)]
    replies = [item for item in items if isinstance(item, ChatReply)]
    return items, deltas, replies


class ChatBackendContract:
    """The promises of `orchestrator.ports.chat.ChatBackend`."""

    pytestmark = pytest.mark.anyio

    async def test_a_stream_ends_with_exactly_one_reply(self, backend):
        items, _, replies = await collected(backend, FREE)
        assert len(replies) == 1
        assert items[-1] is replies[0]

    async def test_the_deltas_are_the_reply_in_pieces(self, backend):
        _, deltas, replies = await collected(backend, FREE)
        assert "".join(delta.text for delta in deltas) == replies[0].text

    async def test_a_free_reply_says_something(self, backend):
        reply = await complete(backend, FREE)
        assert reply.text.strip()

    async def test_a_choice_is_one_of_its_options(self, backend):
        reply = await complete(backend, CHOICE)
        assert reply.text in TOOLS
        assert not reply.truncated

    async def test_a_choice_of_one_is_that_one(self, backend):
        reply = await complete(backend, SINGLE)
        assert reply.text == "done"

    async def test_a_margin_is_a_difference_of_probabilities_or_absent(self, backend):
        reply = await complete(backend, CHOICE.model_copy(update={"logprobs": True}))
        assert reply.text in TOOLS
        assert reply.margin is None or 0 <= reply.margin <= 1

    async def test_a_schema_reply_parses_and_satisfies_the_schema(self, backend):
        reply = await complete(backend, OBJECT)
        assert not reply.truncated
        value = json.loads(reply.text)
        jsonschema.validate(value, STEP_SCHEMA)

    async def test_a_schema_reply_keeps_the_order_of_the_schema(self, backend):
        reply = await complete(backend, OBJECT)
        assert list(json.loads(reply.text)) == list(STEP_SCHEMA["properties"])

    async def test_the_deltas_of_a_constrained_reply_are_the_reply(self, backend):
        _, deltas, replies = await collected(backend, CHOICE)
        assert "".join(delta.text for delta in deltas) == replies[0].text

    async def test_a_reply_cut_by_max_tokens_says_so(self, backend):
        reply = await complete(backend, SHORT)
        assert reply.truncated

    @pytest.mark.parametrize("request_", [CUT, CUT_CHOICE], ids=["schema", "choice"])
    async def test_a_constrained_reply_cut_by_max_tokens_is_handed_on_as_cut(
        self, backend, request_
    ):
        _, deltas, replies = await collected(backend, request_)
        assert replies[0].truncated
        assert replies[0].margin is None
        assert "".join(delta.text for delta in deltas) == replies[0].text

    async def test_usage_counts_are_not_negative_and_cached_is_part_of_prompt(self, backend):
        reply = await complete(backend, FREE)
        usage = reply.usage
        assert min(usage.prompt, usage.cached, usage.generated) >= 0
        assert usage.cached <= usage.prompt

    async def test_seconds_are_not_negative(self, backend):
        reply = await complete(backend, FREE)
        assert reply.seconds >= 0

    async def test_a_stream_closed_early_leaves_the_backend_usable(self, backend):
        async with aclosing(backend.stream(LONG)) as stream:
            first = await anext(stream)
        assert isinstance(first, TextDelta | ChatReply)
        reply = await complete(backend, SINGLE)
        assert reply.text == "done"

    async def test_a_stream_closed_before_it_began_leaves_the_backend_usable(self, backend):
        await backend.stream(LONG).aclose()
        reply = await complete(backend, SINGLE)
        assert reply.text == "done"

    async def test_slots_do_not_change_the_reply(self, backend):
        one = await complete(backend, CHOICE.model_copy(update={"slot": "planner"}))
        other = await complete(backend, CHOICE.model_copy(update={"slot": "synthesizer"}))
        assert one.text == other.text
