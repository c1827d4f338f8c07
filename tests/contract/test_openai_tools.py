"""Tools that a client of OpenAI's API carries out itself: asked for, answered, gone on with."""

import json

import pytest

from tests.fakes.office import DESKTOP, Office, Writer, act, plan, screenshots, step
from tests.fakes.openai_calls import ASKS, CALL, CHAT, RAIN, TASK, WEATHER, chat, chunks
from tests.fakes.serving import GOAL, bearer, in_process, service_over

pytestmark = pytest.mark.anyio

NOTE = {"type": "function", "function": {"name": "create_note"}}


def weather(**fields):
    return chat(TASK, tools=[WEATHER], **fields)


def serving(tmp_path, planner=None):
    office = Office()
    return service_over(office, tmp_path, planner=planner or [ASKS, *CALL], writer=RAIN)


def calls_of(reply):
    return reply["choices"][0]["message"].get("tool_calls", [])


def answering(reply, *, result=None, ids=None):
    """The request that goes on: the whole conversation, with the results at its end."""
    calls = calls_of(reply)
    content = json.dumps(result or {"weather": "Rain, 14 degrees"})
    results = [
        {"role": "tool", "tool_call_id": call_id, "content": content}
        for call_id in (ids or [call["id"] for call in calls])
    ]
    asked = {"role": "assistant", "content": None, "tool_calls": calls}
    user = {"role": "user", "content": TASK}
    return weather(messages=[user, asked, *results])


async def test_a_call_is_asked_for_by_run_and_call_and_its_result_goes_on(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        first = (await client.post(CHAT, json=weather())).json()
        (call,) = calls_of(first)
        run = first["ferryman"]
        assert run["status"] == "waiting_tools"
        assert first["choices"][0]["finish_reason"] == "tool_calls"
        assert first["choices"][0]["message"]["content"] is None
        assert call["id"].startswith(f"call_{run['run_id']}_")
        assert call["function"]["name"] == "get_weather"
        assert json.loads(call["function"]["arguments"]) == {"city": "Lisbon"}
        second = (await client.post(CHAT, json=answering(first))).json()
    assert second["choices"][0]["message"]["content"] == "Rain, 14 degrees in Lisbon."
    assert second["choices"][0]["finish_reason"] == "stop"
    assert second["ferryman"] == {"run_id": run["run_id"], "status": "completed"}
    assert "get_weather 1/1" in second["choices"][0]["message"]["reasoning_content"]
    assert "plan of" not in second["choices"][0]["message"]["reasoning_content"]


async def test_each_request_counts_its_own_tokens(tmp_path):
    service = serving(tmp_path)
    async with in_process(service) as client:
        first = (await client.post(CHAT, json=weather())).json()
        second = (await client.post(CHAT, json=answering(first))).json()
    spent = (await service.dispatcher.state(first["ferryman"]["run_id"])).usage
    told = [reply["usage"]["prompt_tokens"] for reply in (first, second)]
    assert sum(told) == spent.prompt
    assert all(told)


async def test_a_stream_asks_for_calls_in_one_chunk_with_their_index(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        parts = chunks((await client.post(CHAT, json=weather(stream=True))).text)
    deltas = [part["choices"][0] for part in parts]
    (asked,) = [each["delta"]["tool_calls"] for each in deltas if "tool_calls" in each["delta"]]
    assert [call["index"] for call in asked] == [0]
    assert deltas[-1]["finish_reason"] == "tool_calls"


async def test_results_that_are_sent_again_give_the_same_reply(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        first = (await client.post(CHAT, json=weather())).json()
        body = answering(first)
        replies = [(await client.post(CHAT, json=body)).json() for _ in range(2)]
    assert replies[0]["choices"] == replies[1]["choices"]
    assert replies[0]["usage"] == replies[1]["usage"]


async def test_a_fan_out_is_many_calls_and_a_missing_result_is_named(tmp_path):
    made = plan(
        step("s1", "list the files on the Desktop", "filesystem"),
        step("s2", "create a ticket for each file", "client", "s1"),
    )
    script = [made, *act("filesystem.list_dir", path="$folder.Desktop")]
    script += act("client.create_ticket", title="$s1.name")
    ticket = {
        "name": "create_ticket",
        "description": "Create a ticket with a title.",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}},
            "required": ["title"],
        },
    }
    office = Office(files=[f"{DESKTOP}/{name}.txt" for name in "abc"])
    service = service_over(office, tmp_path, planner=script, writer=Writer("It is done."))
    body = chat("Create a ticket for each file on my Desktop.")
    body["tools"] = [{"type": "function", "function": ticket}]
    async with in_process(service) as client:
        first = (await client.post(CHAT, json=body)).json()
        ids = [call["id"] for call in calls_of(first)]
        missing = await client.post(CHAT, json=answering(first, ids=ids[:2]))
        second = (await client.post(CHAT, json=answering(first, result={"ok": True}))).json()
    assert len(set(ids)) == 3
    assert missing.status_code == 400
    assert ids[2] in missing.json()["error"]["message"]
    assert second["ferryman"]["status"] == "completed"


@pytest.mark.parametrize("ids", [["call_nothing"], ["call_feed_p1.0"], ["weather"]])
async def test_a_result_for_no_call_of_ours_is_refused(tmp_path, ids):
    async with in_process(serving(tmp_path)) as client:
        first = (await client.post(CHAT, json=weather())).json()
        got = await client.post(CHAT, json=answering(first, ids=ids))
    assert got.status_code in {400, 404}


async def test_a_foreign_run_takes_no_results_and_does_not_exist(tmp_path):
    service = serving(tmp_path)
    ana, bob = (bearer(service, name, tenant=name) for name in ("ana", "bob"))
    async with in_process(service) as client:
        first = (await client.post(CHAT, json=weather(), headers=ana)).json()
        got = await client.post(CHAT, json=answering(first), headers=bob)
        mine = await client.post(CHAT, json=answering(first), headers=ana)
    assert (got.status_code, got.json()["error"]["code"]) == (404, "run_not_found")
    assert mine.json()["ferryman"]["status"] == "completed"


@pytest.mark.parametrize("content", ["It rains.", "[1, 2", '"\\ud800"', "9" * 30, "[" * 50])
async def test_a_result_that_is_no_json_is_text(tmp_path, content):
    service = serving(tmp_path)
    async with in_process(service) as client:
        first = (await client.post(CHAT, json=weather())).json()
        body = answering(first)
        body["messages"][-1]["content"] = content
        await client.post(CHAT, json=body)
    state = await service.dispatcher.state(first["ferryman"]["run_id"])
    assert state.settled[0].outcome.data == {"text": content}


async def test_a_choice_of_none_offers_no_tool_and_a_named_one_only_that(tmp_path):
    service = serving(tmp_path, planner=[{"answer": "No."}] * 4)
    named = {"type": "function", "function": {"name": "create_note"}}
    body = weather(model="ferryman")
    body["tools"] = [WEATHER, NOTE]
    offered = []
    async with in_process(service) as client:
        for choice in ("none", "auto", "required", named):
            got = await client.post(CHAT, json={**body, "tool_choice": choice})
            state = await service.dispatcher.state(got.headers["x-ferryman-run"])
            rules = [turn.content for turn in state.request.history]
            offered.append(([spec.id for spec in state.request.tools], rules))
        lost = {"type": "function", "function": {"name": "nothing"}}
        wrong = await client.post(CHAT, json={**body, "tool_choice": lost})
    both = ["client.get_weather", "client.create_note"]
    assert offered == [
        ([], []),
        (both, []),
        (both, ["Use at least one of the tools of the namespace client."]),
        (["client.create_note"], ["Use the tool client.create_note."]),
    ]
    assert wrong.json()["error"]["param"] == "tool_choice"


UNFIT = [
    [{**WEATHER, "type": "custom"}],
    [WEATHER, WEATHER],
    [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}],
    [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "http://x/y"}}}],
]


@pytest.mark.parametrize("tools", UNFIT)
async def test_a_tool_that_cannot_be_used_is_refused(tmp_path, tools):
    async with in_process(serving(tmp_path)) as client:
        body = weather()
        body["tools"] = tools
        got = await client.post(CHAT, json=body)
    assert got.status_code == 400
    assert got.json()["error"]["param"].startswith("tools")


async def test_a_run_with_tools_of_the_client_uses_those_of_the_service_too(tmp_path):
    office = Office(images=screenshots(3))
    service = service_over(office, tmp_path)
    async with in_process(service) as client:
        reply = (await client.post(CHAT, json={**chat(GOAL), "tools": [WEATHER]})).json()
    assert reply["choices"][0]["message"]["content"] == "It is done."
