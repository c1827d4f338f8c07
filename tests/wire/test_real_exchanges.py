"""Exchanges that real servers had, answered again; skipped where the captures are not at hand."""

import json
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from adapters.backends.llama_server import CARD as LLAMA_SERVER
from adapters.backends.vllm import CARD as VLLM
from orchestrator.core.chat import Choice, JsonSchema
from orchestrator.core.errors import (
    BackendError,
    BackendProtocolError,
    BackendRejected,
    ContextOverflow,
)
from orchestrator.ports.chat import complete
from tests.fakes.wire import URL, ask, speaking

ABOVE = Path(__file__).parents
CAPTURES = next(
    (top / "shared/data/wire" for top in ABOVE if (top / "shared/data/wire").is_dir()), None
)
MODELS = "http://model.test/v1/models"
NEW_VLLM = "vllm-0.32"
REAL_VLLM = "vllm-0.32/real-qwen2.5-coder-0.5b"
LLAMA = "llama-server-b11549"
NO_CAPTURES = pytest.mark.skipif(CAPTURES is None, reason="no captures of real servers here")
pytestmark = [pytest.mark.anyio, NO_CAPTURES]

PATHS = Choice(options=("filesystem.list_dir", "ocr_extract"))
LETTERS = Choice(options=("a.b", "c.d"))
TOOL = {"type": "object", "required": ["tool"]}


def names(folder, start=""):
    found = sorted((CAPTURES / folder).glob(f"{start}*.body")) if CAPTURES else []
    return [(folder, path.stem) for path in found]


def response_of(folder, name):
    at = CAPTURES / folder / name
    lines = at.with_suffix(".headers").read_text().splitlines()[1:]
    headers = [tuple(line.split(": ", 1)) for line in lines if ": " in line]
    kept = [(key, value) for key, value in headers if key.lower() == "content-type"]
    status = int(at.with_suffix(".status").read_text().split()[0])
    return httpx.Response(status, content=at.with_suffix(".body").read_bytes(), headers=kept)


async def replay(respx_mock, folder, name, **fields):
    respx_mock.post(URL).mock(return_value=response_of(folder, name))
    respx_mock.get(MODELS).mock(return_value=response_of(folder.partition("/")[0], "models"))
    async with speaking(VLLM if "vllm" in folder else LLAMA_SERVER) as backend:
        return await complete(backend, ask(**fields))


async def refused(respx_mock, kind, folder, name, **fields):
    with pytest.raises(kind) as caught:
        await replay(respx_mock, folder, name, **fields)
    return caught.value


async def test_streams_are_read_to_their_end(respx_mock):
    vllm = await replay(respx_mock, NEW_VLLM, "chat-stream-plain")
    assert (vllm.text, vllm.truncated) == ("\n" * 6, True)
    assert (vllm.usage.prompt, vllm.usage.generated) == (25, 6)
    llama = await replay(respx_mock, LLAMA, "stream")
    assert (llama.text, llama.usage.cached) == ("To list the files in the", 34)
    assert llama.model == "gguf/qwen-0.5b.gguf"


async def test_forced_choices_are_taken_as_they_are(respx_mock):
    for folder, name, options in [
        (NEW_VLLM, "chat-structured-choice", PATHS),
        (REAL_VLLM, "choice", PATHS),
        (LLAMA, "grammar", LETTERS),
    ]:
        reply = await replay(respx_mock, folder, name, constraint=options)
        assert reply.text in options.options


async def test_the_margin_is_read_where_the_server_masks_logprobs(respx_mock):
    letters = Choice(options=("A", "B"))
    reply = await replay(
        respx_mock, REAL_VLLM, "choice-logprobs", constraint=letters, logprobs=True
    )
    assert (reply.text, round(reply.margin, 3)) == ("A", 0.938)


@pytest.mark.parametrize(("folder", "name"), [(REAL_VLLM, "jsonschema"), (LLAMA, "jsonschema")])
async def test_schema_replies_satisfy_their_schema(respx_mock, folder, name):
    reply = await replay(respx_mock, folder, name, constraint=JsonSchema(json_schema=TOOL))
    assert json.loads(reply.text)["tool"] in (*PATHS.options, *LETTERS.options)


async def test_cached_tokens_are_counted(respx_mock):
    reply = await replay(respx_mock, REAL_VLLM, "cached-2")
    assert (reply.usage.prompt, reply.usage.cached) == (417, 384)


async def test_a_constraint_that_the_server_ignored_is_found_out(respx_mock):
    ignored = await refused(
        respx_mock, BackendProtocolError, LLAMA, "structured_outputs_ignored", constraint=LETTERS
    )
    assert "none of the 2 options" in ignored.message


async def test_a_form_that_ran_out_of_tokens_is_handed_on_as_cut(respx_mock):
    form = JsonSchema(json_schema=TOOL)
    reply = await replay(respx_mock, NEW_VLLM, "chat-json-schema", constraint=form)
    assert reply.truncated


async def test_forced_calls_that_were_cut_are_text_and_not_a_call(respx_mock):
    reply = await replay(respx_mock, REAL_VLLM, "required-cut-by-length")
    assert reply.truncated


@pytest.mark.parametrize(
    ("folder", "name", "numbers"),
    [
        (NEW_VLLM, "err-prompt-too-long", "8193"),
        (NEW_VLLM, "err-context-too-long", "9000"),
        (LLAMA, "toolong", "6030"),
    ],
)
async def test_an_overflow_is_recognised_with_its_numbers(respx_mock, folder, name, numbers):
    assert numbers in (await refused(respx_mock, ContextOverflow, folder, name)).message


@pytest.mark.parametrize(
    ("folder", "name", "words"),
    [
        (NEW_VLLM, "err-unknown-model", "does not exist"),
        (NEW_VLLM, "err-bad-schema", "Grammar error"),
        (NEW_VLLM, "err-404", "Not Found"),
        (NEW_VLLM, "err-405", "Method Not Allowed"),
        (LLAMA, "notfound", "File Not Found"),
        (LLAMA, "nomsg", "'messages' is required"),
        (LLAMA, "badjson", "parse error"),
    ],
)
async def test_a_rejection_is_in_the_servers_own_words(respx_mock, folder, name, words):
    assert words in (await refused(respx_mock, BackendRejected, folder, name)).message


async def test_an_unknown_model_is_met_with_the_served_ones(respx_mock):
    error = await refused(respx_mock, BackendRejected, NEW_VLLM, "err-unknown-model")
    assert "tiny-qwen3-moe" in error.hint


@pytest.mark.parametrize(("folder", "name"), [*names(NEW_VLLM), *names(REAL_VLLM), *names(LLAMA)])
async def test_whatever_a_server_said_is_a_reply_or_a_named_error(respx_mock, folder, name):
    with suppress(BackendError):
        reply = await replay(respx_mock, folder, name)
        assert isinstance(reply.text, str)
