"""What is made of a server's reply, and what of it is refused."""

import json
import math
from contextlib import aclosing

import httpx
import pytest

from adapters.backends.openai_chat import Limits
from adapters.backends.vllm import CARD as VLLM
from orchestrator.core.chat import Choice, JsonSchema, TextDelta, Usage
from orchestrator.core.errors import BackendProtocolError, BackendRejected
from orchestrator.core.roles import CapabilityCard
from orchestrator.ports.chat import complete
from tests.fakes.wire import URL, ask, said, speaking, streamed

pytestmark = pytest.mark.anyio

TOOLS = Choice(options=("a.b", "c.d"))
OBJECT = JsonSchema(json_schema={"type": "object", "required": ["n"]})


async def reply_to(respx_mock, request, response, card=VLLM, **fields):
    respx_mock.post(URL).mock(return_value=response)
    async with speaking(card, **fields) as backend:
        return await complete(backend, request)


async def test_text_usage_and_the_model_that_answered_are_read(respx_mock):
    counts = {"prompt_tokens": 30, "completion_tokens": 2}
    usage = {**counts, "prompt_tokens_details": {"cached_tokens": 16}}
    response = streamed(said(""), said("Hel"), said("lo", "stop"), {"choices": [], "usage": usage})
    reply = await reply_to(respx_mock, ask(), response)
    assert reply.text == "Hello"
    assert reply.usage == Usage(prompt=30, cached=16, generated=2)
    assert not reply.truncated
    assert reply.model == "m1"


async def test_the_server_names_the_model_that_really_answered(respx_mock):
    response = streamed({**said("x", "stop"), "model": "other"})
    assert (await reply_to(respx_mock, ask(), response)).model == "other"


async def test_deltas_come_one_by_one_and_empty_ones_are_left_out(respx_mock):
    respx_mock.post(URL).mock(return_value=streamed(said(""), said("a"), said("b", "stop")))
    async with speaking(VLLM) as backend, aclosing(backend.stream(ask())) as stream:
        items = [item async for item in stream]
    assert [item.text for item in items if isinstance(item, TextDelta)] == ["a", "b"]


async def test_a_server_that_does_not_stream_is_read_too(respx_mock):
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    response = httpx.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 3}})
    reply = await reply_to(respx_mock, ask(), response)
    assert (reply.text, reply.usage.prompt) == ("Hello", 3)


async def test_a_wrapped_choice_is_handed_on_bare_in_one_piece(respx_mock):
    response = streamed(said('{ "choi'), said('ce":"c.d"}', "stop"))
    respx_mock.post(URL).mock(return_value=response)
    async with speaking(CapabilityCard()) as backend:
        items = [item async for item in backend.stream(ask(constraint=TOOLS))]
    assert [item.text for item in items] == ["c.d", "c.d"]


def token(text, **top):
    listed = [{"token": key, "logprob": math.log(p)} for key, p in top.items()]
    chosen = next((item["logprob"] for item in listed if item["token"] == text), 0.0)
    return {"token": text, "logprob": chosen, "top_logprobs": listed}


async def test_the_margin_of_a_choice_comes_from_its_logprobs(respx_mock):
    tokens = {"content": [token("a", a=0.6, c=0.2, x=0.2), token(".b")]}
    response = streamed(said("a.b", "stop", logprobs=tokens))
    reply = await reply_to(respx_mock, ask(constraint=TOOLS, logprobs=True), response)
    assert reply.margin == pytest.approx(0.5)


async def test_the_margin_of_a_wrapped_choice_is_that_of_the_option_inside(respx_mock):
    card = CapabilityCard(logprobs=True)
    tokens = [token('{"choice":"'), token("a", a=0.75, c=0.25), token('.b"'), token("}")]
    response = streamed(said('{"choice":"a.b"}', "stop", logprobs={"content": tokens}))
    reply = await reply_to(respx_mock, ask(constraint=TOOLS, logprobs=True), response, card)
    assert (reply.text, reply.margin) == ("a.b", pytest.approx(0.5))


async def test_an_option_written_with_escapes_has_no_margin(respx_mock):
    card = CapabilityCard(logprobs=True)
    tokens = {"content": [token('{"choice":"', a=1.0)]}
    response = streamed(said('{"choice":"\\u00e4"}', "stop", logprobs=tokens))
    umlaut = ask(constraint=Choice(options=("ä", "ö")), logprobs=True)
    reply = await reply_to(respx_mock, umlaut, response, card)
    assert (reply.text, reply.margin) == ("ä", None)


async def test_logprobs_of_an_unknown_shape_are_a_protocol_error(respx_mock):
    response = streamed(said("a.b", "stop", logprobs={"content": [{"token": "a"}]}))
    with pytest.raises(BackendProtocolError, match="logprob"):
        await reply_to(respx_mock, ask(constraint=TOOLS, logprobs=True), response)


@pytest.mark.parametrize("text", ["a.c", " a.b", "a.b\n", "A.B", ""])
async def test_a_reply_outside_the_choice_is_never_handed_on(respx_mock, text):
    with pytest.raises(BackendProtocolError, match=r"none of the 2 options a\.b, c\.d"):
        await reply_to(respx_mock, ask(constraint=TOOLS), streamed(said(text, "stop")))


@pytest.mark.parametrize("text", ['{"choice":"a.c"}', '"a.b"', "a.b", '{"choice":"a.b","x":1}'])
async def test_a_wrapped_choice_must_be_wrapped_and_be_an_option(respx_mock, text):
    response = streamed(said(text, "stop"))
    with pytest.raises(BackendProtocolError):
        await reply_to(respx_mock, ask(constraint=TOOLS), response, CapabilityCard())


async def test_json_that_breaks_its_schema_is_never_handed_on(respx_mock):
    with pytest.raises(BackendProtocolError, match="'n' is a required property"):
        await reply_to(respx_mock, ask(constraint=OBJECT), streamed(said("{}", "stop")))


async def test_a_schema_that_cannot_be_used_is_the_requests_own_fault(respx_mock):
    wrong = JsonSchema(json_schema={"type": "nonsense"})
    with pytest.raises(BackendRejected, match="nonsense"):
        await reply_to(respx_mock, ask(constraint=wrong), streamed(said("{}", "stop")))


async def test_a_reference_of_a_schema_is_never_fetched(respx_mock):
    away = JsonSchema(json_schema={"$ref": "http://elsewhere.test/schema.json"})
    with pytest.raises(BackendRejected, match=r"elsewhere\.test"):
        await reply_to(respx_mock, ask(constraint=away), streamed(said("{}", "stop")))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 65 + "]" * 65,
        "[" * 100_000,
        f'{{"n":{2**63}}}',
        f'{{"n":-{2**63}}}',
        '{"n":' + "9" * 5000 + "}",
        '{"n":NaN}',
        '{"n":1e999}',
        '{"n":1,"n":2}',
        '{"n":"\\ud800"}',
        '{"\\udfff":1,"n":1}',
        '{"n":1} trailing',
        "",
    ],
)
async def test_json_that_would_break_later_readers_never_enters_a_run(respx_mock, text):
    with pytest.raises(BackendProtocolError):
        await reply_to(respx_mock, ask(constraint=OBJECT), streamed(said(text, "stop")))


async def test_a_lone_surrogate_in_free_text_never_enters_a_run(respx_mock):
    with pytest.raises(BackendProtocolError, match="surrogate"):
        await reply_to(respx_mock, ask(), streamed(said("ok \ud83d", "stop")))


async def test_a_reply_cut_by_max_tokens_says_so(respx_mock):
    assert (await reply_to(respx_mock, ask(), streamed(said("One", "length")))).truncated


async def test_a_form_cut_by_max_tokens_is_handed_on_as_cut(respx_mock):
    reply = await reply_to(respx_mock, ask(constraint=OBJECT), streamed(said('{"n":', "length")))
    assert (reply.text, reply.truncated) == ('{"n":', True)


async def test_a_lone_surrogate_in_a_cut_form_never_enters_a_run(respx_mock):
    with pytest.raises(BackendProtocolError, match="surrogate"):
        await reply_to(respx_mock, ask(constraint=OBJECT), streamed(said("{\ud83d", "length")))


@pytest.mark.parametrize("done", [True, False])
async def test_a_stream_without_a_finish_reason_is_never_complete(respx_mock, done):
    with pytest.raises(BackendProtocolError, match="without a finish_reason after 5"):
        await reply_to(respx_mock, ask(), streamed(said("Hello"), done=done))


async def test_a_finished_reply_needs_no_end_mark(respx_mock):
    response = streamed(said("Hello", "stop"), done=False)
    assert (await reply_to(respx_mock, ask(), response)).text == "Hello"


async def test_an_end_mark_without_its_blank_line_is_an_end(respx_mock):
    events = f"data: {json.dumps(said('Hello', 'stop'))}\n\ndata: [DONE]"
    response = httpx.Response(200, text=events, headers={"content-type": "text/event-stream"})
    assert (await reply_to(respx_mock, ask(), response)).text == "Hello"


async def test_what_follows_the_end_mark_is_not_read(respx_mock):
    response = streamed(said("Hello", "stop"), "[DONE]", said(" again"))
    assert (await reply_to(respx_mock, ask(), response)).text == "Hello"


@pytest.mark.parametrize(
    "chunk",
    [
        "{",
        "[]",
        '{"choices":[{"delta":{"content":5}}]}',
        '{"choices":["x"]}',
        '{"choices":{"a":1}}',
        '{"usage":{"prompt_tokens":-1},"choices":[]}',
        '{"usage":7,"choices":[]}',
        '{"choices":[{"logprobs":{"content":3}}]}',
        '{"model":3,"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}',
    ],
)
async def test_a_chunk_of_an_unknown_shape_is_a_protocol_error(respx_mock, chunk):
    with pytest.raises(BackendProtocolError):
        await reply_to(respx_mock, ask(), streamed(chunk))


async def test_an_html_page_is_named_as_what_it_is(respx_mock):
    page = httpx.Response(200, html="<html><title>Router</title></html>")
    with pytest.raises(BackendProtocolError, match=r"text/html.*<title>Router"):
        await reply_to(respx_mock, ask(), page)


async def test_a_reply_without_a_content_type_is_refused(respx_mock):
    with pytest.raises(BackendProtocolError, match="no content type"):
        await reply_to(respx_mock, ask(), httpx.Response(200, content=b"x"))


async def test_a_reply_larger_than_its_limit_is_dropped_on_the_way(respx_mock):
    response = streamed(*[said("x" * 100) for _ in range(100)])
    with pytest.raises(BackendProtocolError, match="more than the 2000 bytes"):
        await reply_to(respx_mock, ask(), response, limits=Limits(reply_bytes=2000))


async def test_a_compressed_reply_is_refused_unopened(respx_mock):
    bomb = httpx.Response(
        200,
        stream=httpx.ByteStream(b"\x1f\x8b"),
        headers={"content-type": "text/event-stream", "content-encoding": "gzip"},
    )
    with pytest.raises(BackendProtocolError, match="compressed"):
        await reply_to(respx_mock, ask(), bomb)


async def test_text_that_is_not_utf8_is_refused(respx_mock):
    bad = b"data: " + json.dumps(said("x")).encode() + b"\xff\n\n"
    response = httpx.Response(200, content=bad, headers={"content-type": "text/event-stream"})
    with pytest.raises(BackendProtocolError, match="UTF-8"):
        await reply_to(respx_mock, ask(), response)


async def test_a_probe_asks_for_one_token_and_not_for_a_health_page(respx_mock):
    route = respx_mock.post(URL).mock(return_value=streamed(said("Yes", "length")))
    async with speaking(VLLM) as backend:
        reply = await backend.probe()
    assert reply.truncated
    assert json.loads(route.calls.last.request.content)["max_tokens"] == 1
