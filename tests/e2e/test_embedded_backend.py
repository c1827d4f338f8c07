"""The embedded backend with real weights: the smallest model of the catalogue, about 10 s.

The weights come from the cache of `ferryman models pull smollm2-135m-instruct`.
"""

import json
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from adapters.backends.embedded import EmbeddedBackend
from adapters.backends.weights import ModelStore
from orchestrator.core.chat import ChatRequest, Choice, JsonSchema, Message, Sampling, TextDelta
from orchestrator.core.errors import (
    BackendRejected,
    BackendTimeout,
    ContextOverflow,
    ModelFileError,
)
from orchestrator.ports.chat import complete
from tests.contract.chat_backend import LONG, ChatBackendContract, asked

CACHE = Path.home() / ".cache" / "ferryman" / "models"
MODEL = "smollm2-135m-instruct"
CONTEXT = 1024

pytestmark = [pytest.mark.anyio, pytest.mark.model]


@pytest.fixture(scope="module")
def weights():
    try:
        return ModelStore(CACHE).resolve(MODEL)
    except ModelFileError as missing:
        pytest.skip(f"{missing.message} {missing.hint}")


@pytest.fixture(scope="module")
def backend(weights):
    """One engine for all tests: loading it again would only cost time."""
    path, sha256 = weights
    loaded = EmbeddedBackend(path, name=MODEL, sha256=sha256, context_tokens=CONTEXT)
    yield loaded
    loaded.free()


class TestEmbeddedBackend(ChatBackendContract):
    """Keeps the contract."""


SCHEMAS = {
    "keys in the schema's order": {
        "type": "object",
        "properties": {"zebra": {"type": "boolean"}, "apple": {"type": "integer"}},
        "required": ["apple", "zebra"],
        "additionalProperties": False,
    },
    "enum of mixed values": {"enum": ["one", 2, None, True]},
    "const": {"const": 'only "this" → ünïcode'},
    "any of": {"anyOf": [{"const": "x"}, {"type": "array", "items": {"type": "integer"}}]},
    "slug": {"type": "string", "pattern": "^[a-z0-9-]{1,12}$"},
    "date": {"type": "string", "format": "date"},
    "short text": {"type": "string", "minLength": 2, "maxLength": 6},
    "few items": {
        "type": "array",
        "items": {"type": "string", "maxLength": 4},
        "minItems": 2,
        "maxItems": 3,
    },
    "bounded number": {"type": "integer", "minimum": 3, "maximum": 5},
    "optional key": {
        "type": "object",
        "properties": {"a": {"const": 1}, "b": {"type": ["string", "null"], "maxLength": 3}},
        "required": ["a"],
        "additionalProperties": False,
    },
    "format of nobody": {"type": "string", "format": "path", "maxLength": 5},
    "look-around": {"type": "string", "pattern": "^(?=.)", "minLength": 1, "maxLength": 5},
    "one of": {"oneOf": [{"enum": ["a"]}, {"enum": ["b"]}]},
    "unbounded integer": {"type": "integer"},
    "open object": {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]},
    "condition": {
        "type": "object",
        "properties": {"a": {"const": 1}},
        "if": {"required": ["b"]},
        "then": {"required": ["a"]},
    },
    "reference": {
        "type": "array",
        "items": {"$ref": "#/$defs/step"},
        "minItems": 1,
        "maxItems": 1,
        "$defs": {"step": {"enum": ["s1", "s2"]}},
    },
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
async def test_the_engine_keeps_to_the_schema_without_a_blank(backend, schema):
    constraint = JsonSchema(json_schema=schema)
    reply = await complete(backend, asked("Write JSON.", constraint=constraint, max_tokens=80))
    value = json.loads(reply.text)
    jsonschema.validate(value, schema)
    assert reply.text == json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    "option",
    [
        'say "hi" \\ there',
        "two\nlines\tand a tab",
        "naïve → 北京 🛶",
        "a|b (c) [d] {e} /f/ #g",
        "x" * 60,
    ],
)
async def test_an_option_of_any_characters_can_be_chosen(backend, option):
    reply = await complete(
        backend, asked("Say it.", constraint=Choice(options=(option,)), max_tokens=80)
    )
    assert reply.text == option


async def test_an_option_that_begins_another_can_be_chosen(backend):
    options = Choice(options=("done", "done.later"))
    reply = await complete(backend, asked("Repeat the word: done", constraint=options))
    assert reply.text in options.options


async def test_a_margin_comes_with_a_choice_when_asked_for(backend):
    constraint = Choice(options=("yes", "no"))
    unasked = await complete(backend, asked("Is water wet?", constraint=constraint))
    reply = await complete(backend, asked("Is water wet?", constraint=constraint, logprobs=True))
    assert unasked.margin is None
    assert 0 < reply.margin <= 1
    assert reply.text == unasked.text


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "nonsense"}, "schema is wrong"),
        ({"type": "string", "pattern": "["}, "schema is wrong"),
        ({"$ref": "https://example.com/step.json"}, "outside of itself"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_rejected(backend, schema, message):
    constraint = JsonSchema(json_schema=schema)
    with pytest.raises(BackendRejected, match=message):
        await complete(backend, asked("Write.", constraint=constraint))


async def test_a_cut_constrained_reply_is_handed_over_as_cut(backend):
    constraint = JsonSchema(json_schema={"type": "string", "minLength": 200})
    reply = await complete(backend, asked("Write.", constraint=constraint, max_tokens=5))
    assert reply.truncated
    assert reply.usage.generated == 5


async def test_a_stop_word_ends_the_reply_before_it(backend):
    constraint = Choice(options=("one two three",))
    reply = await complete(backend, asked("Count.", constraint=constraint, logprobs=True))
    assert reply.text == "one two three"
    free = await complete(backend, asked("Repeat: a b c d", max_tokens=24, stop=("c",)))
    assert "c" not in free.text


async def test_the_same_seed_draws_the_same_reply(backend):
    sampling = Sampling(temperature=1.0, top_p=0.9, seed=7)
    request = asked("Tell me a story.", max_tokens=16, sampling=sampling)
    assert (await complete(backend, request)).text == (await complete(backend, request)).text


async def test_an_append_only_transcript_is_computed_once(backend):
    turns = [Message(role="system", content="You choose tools. " + "Be brief. " * 40)]
    seen = []
    for goal in ("List a folder.", "Read an image.", "Rename a file."):
        turns.append(Message(role="user", content=goal))
        reply = await complete(
            backend, ChatRequest(messages=tuple(turns), max_tokens=12, slot="growing")
        )
        turns.append(Message(role="assistant", content=reply.text))
        seen.append(reply.usage)
    for before, after in pairwise(seen):
        assert after.cached >= before.prompt - 1
        assert after.cached < after.prompt


async def test_two_conversations_keep_their_own_prefix_warm(backend):
    requests = [
        asked(f"{name} " * 60, max_tokens=2, slot=name) for name in ("planner", "synthesizer")
    ]
    for request in requests:
        await complete(backend, request)
    for request in requests:
        usage = (await complete(backend, request)).usage
        assert usage.cached == usage.prompt - 1


async def test_a_prompt_beyond_the_context_is_refused_with_the_numbers(backend):
    with pytest.raises(ContextOverflow, match=rf"holds {CONTEXT}") as refused:
        await complete(backend, asked("word " * 2000))
    assert "tokens" in refused.value.message


async def test_a_deadline_that_passes_ends_the_call_and_frees_the_slot(backend):
    with pytest.raises(BackendTimeout, match=r"within 0\.05 s"):
        await complete(backend, LONG.model_copy(update={"deadline_s": 0.05}))
    reply = await complete(backend, asked("Hi.", max_tokens=2))
    assert reply.text


async def test_a_closed_stream_stops_the_engine_long_before_its_end(backend):
    async with aclosing(backend.stream(LONG.model_copy(update={"slot": "cut"}))) as stream:
        assert isinstance(await anext(stream), TextDelta)
    reply = await complete(backend, asked("Hi.", max_tokens=2, slot="cut"))
    # 256 tokens would have been written first if the engine had gone on.
    assert reply.seconds < 3


async def test_tokens_are_counted_without_a_request(backend):
    assert await backend.count_tokens("") == 0
    assert 3 <= await backend.count_tokens("filesystem.list_dir") <= 10


async def test_the_backend_says_what_it_is(backend, weights):
    assert backend.identity().sha256 == weights[1]
    assert backend.card.constraint == "grammar"
    assert (backend.card.logprobs, backend.card.cached_tokens) == (True, True)


async def test_the_engine_is_silent(weights, capfd):
    async with EmbeddedBackend(weights[0], context_tokens=256, parallel=1) as quiet:
        await complete(quiet, asked("Hi.", max_tokens=2))
    assert capfd.readouterr() == ("", "")


async def test_a_cut_file_is_a_model_file_error(weights, tmp_path):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(weights[0].read_bytes()[:5_000_000])
    async with EmbeddedBackend(cut) as broken:
        with pytest.raises(ModelFileError, match=r"cannot load .*cut\.gguf"):
            await broken.warm()


@pytest.mark.parametrize(
    ("content", "message"), [(b"not weights", "is not a GGUF file"), (None, "cannot be read")]
)
async def test_a_file_that_is_no_model_fails_on_first_use(tmp_path, content, message):
    path = tmp_path / "some.gguf"
    if content is not None:
        path.write_bytes(content)
    async with EmbeddedBackend(path) as broken:
        with pytest.raises(ModelFileError, match=message):
            await complete(broken, asked("Hi."))
