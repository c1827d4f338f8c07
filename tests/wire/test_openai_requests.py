"""The exact bodies that each kind of server is sent."""

import json

import pytest
from pydantic import SecretStr

from adapters.backends.llama_server import CARD as LLAMA_SERVER
from adapters.backends.vllm import CARD as VLLM
from orchestrator.core.chat import Choice, JsonSchema, Sampling
from orchestrator.core.roles import CapabilityCard
from orchestrator.ports.chat import complete
from tests.fakes.wire import URL, ask, said, speaking, streamed

pytestmark = pytest.mark.anyio

PLAIN = (
    '{"model":"m1","messages":[{"role":"system","content":"Be brief."},'
    '{"role":"user","content":"Hi ✓"}],"max_tokens":512,"temperature":0.0,"top_p":1.0,"seed":0,'
    '"stream":true,"stream_options":{"include_usage":true}'
)
TOOLS = Choice(options=("fs.list", 'say "hi" \\ now', "line\nend"))
SCHEMA = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "string"}}}
FORM = JsonSchema(json_schema=SCHEMA)
WRITTEN_SCHEMA = '{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}}}'
WRITTEN_OPTIONS = '["fs.list","say \\"hi\\" \\\\ now","line\\nend"]'
PORTABLE = CapabilityCard()
WRAPPED = (
    '{"type":"object","properties":{"choice":{"type":"string","enum":'
    f'{WRITTEN_OPTIONS}}}}},"required":["choice"],"additionalProperties":false}}'
)


def response_format(schema):
    form = f'{{"name":"reply","strict":true,"schema":{schema}}}'
    return f',"response_format":{{"type":"json_schema","json_schema":{form}}}'


async def sent(respx_mock, request, reply='{"b":1}', card=None, **fields):
    route = respx_mock.post(URL)
    route.return_value = streamed(said(reply, "stop"))
    async with speaking(card, **fields) as backend:
        await complete(backend, request)
    return route.calls.last.request


@pytest.mark.parametrize("card", [VLLM, LLAMA_SERVER, PORTABLE])
async def test_a_free_request_is_the_same_everywhere(respx_mock, card):
    request = await sent(respx_mock, ask(), card=card)
    assert request.content.decode() == PLAIN + "}"


@pytest.mark.parametrize(
    ("card", "reply", "field"),
    [
        (VLLM, "fs.list", f',"structured_outputs":{{"choice":{WRITTEN_OPTIONS}}}'),
        (
            LLAMA_SERVER,
            "fs.list",
            ',"grammar":'
            + json.dumps(
                r'root ::= "fs.list" | "say \"hi\" \\ now" | "line\U0000000Aend"',
                ensure_ascii=False,
            ),
        ),
        (PORTABLE, '{"choice": "fs.list"}', response_format(WRAPPED)),
    ],
)
async def test_a_choice_is_forced_in_the_dialect_of_the_card(respx_mock, card, reply, field):
    request = await sent(respx_mock, ask(constraint=TOOLS), reply, card=card)
    assert request.content.decode() == PLAIN + field + "}"


@pytest.mark.parametrize(
    ("card", "field"),
    [
        (
            VLLM,
            f',"structured_outputs":{{"json":{WRITTEN_SCHEMA},"disable_any_whitespace":true}}',
        ),
        (LLAMA_SERVER, response_format(WRITTEN_SCHEMA)),
        (PORTABLE, response_format(WRITTEN_SCHEMA)),
    ],
)
async def test_a_schema_keeps_its_key_order_in_the_dialect_of_the_card(respx_mock, card, field):
    request = await sent(respx_mock, ask(constraint=FORM), card=card)
    assert request.content.decode() == PLAIN + field + "}"


async def test_sampling_limits_stops_and_extra_fields_are_sent(respx_mock):
    sampling = Sampling(temperature=0.7, top_p=0.8, seed=4)
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    asked = ask(sampling=sampling, max_tokens=9, stop=("\n\n",))
    body = json.loads((await sent(respx_mock, asked, extra=extra)).content)
    assert {key: body[key] for key in ("temperature", "top_p", "seed", "max_tokens", "stop")} == {
        "temperature": 0.7,
        "top_p": 0.8,
        "seed": 4,
        "max_tokens": 9,
        "stop": ["\n\n"],
    }
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_logprobs_are_asked_for_only_where_they_say_something(respx_mock):
    choice = ask(constraint=TOOLS, logprobs=True)
    body = json.loads((await sent(respx_mock, choice, "fs.list", card=VLLM)).content)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    free = json.loads((await sent(respx_mock, ask(logprobs=True), card=VLLM)).content)
    assert "logprobs" not in free
    mute = await sent(respx_mock, choice, '{"choice":"fs.list"}', card=PORTABLE)
    assert "logprobs" not in json.loads(mute.content)


async def test_a_slot_and_a_deadline_never_change_the_body(respx_mock):
    one = await sent(respx_mock, ask(slot="planner", deadline_s=1))
    other = await sent(respx_mock, ask(slot="synthesizer", deadline_s=2))
    assert one.content == other.content


async def test_the_key_is_sent_as_a_bearer_token_and_the_reply_is_asked_for_plain(respx_mock):
    request = await sent(respx_mock, ask(), api_key=SecretStr("s3cret"))
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/json"


async def test_no_key_means_no_authorization(respx_mock):
    assert "authorization" not in (await sent(respx_mock, ask())).headers
