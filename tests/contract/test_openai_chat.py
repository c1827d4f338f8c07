"""Chat completions as a client of OpenAI's API meets them: replies, streams, errors."""

import asyncio
import itertools
import json

import pytest

from orchestrator.core.errors import BackendUnavailable
from orchestrator.core.runs import Budget
from orchestrator.settings import ServedModel
from tests.fakes.office import Office, Writer, screenshots
from tests.fakes.openai_calls import CHAT, Held, chat, chunks, slow_office
from tests.fakes.serving import GOAL, bearer, in_process, served, service_over

pytestmark = pytest.mark.anyio

USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def joined(parts, field):
    deltas = [choice["delta"] for part in parts for choice in part["choices"]]
    return "".join(delta.get(field) or "" for delta in deltas)


async def asked(tmp_path, body, *, office=None, headers=None, **fields):
    service = service_over(office or Office(images=screenshots(3)), tmp_path, **fields)
    async with in_process(service) as client:
        return await client.post(CHAT, json=body, headers=headers)


async def test_the_names_that_are_served_are_listed(tmp_path):
    async with in_process(service_over(Office(), tmp_path)) as client:
        listed = (await client.get("/v1/models")).json()
        one = (await client.get("/v1/models/ferryman-auto")).json()
        none = await client.get("/v1/models/gpt-4")
    assert [each["id"] for each in listed["data"]] == ["ferryman", "ferryman-auto"]
    assert one in listed["data"]
    assert (none.status_code, none.json()["error"]["code"]) == (404, "model_not_found")


async def test_a_reply_has_the_answer_what_was_done_and_what_it_cost(tmp_path):
    office = Office(images=screenshots(3))
    got = await asked(tmp_path, chat(), office=office)
    reply = got.json()
    choice = reply["choices"][0]
    assert choice["message"]["content"] == "It is done."
    assert "s4 filesystem.rename_file 3/3" in choice["message"]["reasoning_content"]
    assert choice["finish_reason"] == "stop"
    assert reply["ferryman"] == {"run_id": got.headers["x-ferryman-run"], "status": "completed"}
    state = (await office.orchestrator([]).result(reply["ferryman"]["run_id"])).state
    assert reply["usage"]["prompt_tokens"] == state.usage.prompt
    assert reply["usage"]["completion_tokens"] == state.usage.generated
    details = reply["usage"]["completion_tokens_details"]
    assert 0 < details["reasoning_tokens"] < state.usage.generated


async def test_a_stream_tells_the_same_as_the_whole_reply(tmp_path):
    whole = (await asked(tmp_path, chat())).json()
    got = await asked(tmp_path, chat(**USAGE))
    parts = chunks(got.text)
    message = whole["choices"][0]["message"]
    assert got.headers["content-type"].startswith("text/event-stream")
    assert joined(parts, "content") == message["content"]
    assert joined(parts, "reasoning_content").strip() == message["reasoning_content"]
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    assert parts[-1]["choices"] == []
    assert parts[-1]["usage"] == whole["usage"]
    ended = parts[-2]
    assert ended["choices"][0]["finish_reason"] == "stop"
    assert ended["ferryman"]["run_id"] == got.headers["x-ferryman-run"]
    assert len({part["id"] for part in parts}) == 1


async def test_without_asking_for_it_a_stream_has_no_usage(tmp_path):
    parts = chunks((await asked(tmp_path, chat(stream=True))).text)
    assert not any("usage" in part for part in parts)


async def test_a_stream_has_the_checked_answer_never_what_was_generated(tmp_path):
    boast = Writer("I renamed 3 screenshots. I also sent 77 mails to everybody.")
    got = await asked(tmp_path, chat(stream=True), writer=boast)
    assert "77 mails" not in got.text


async def test_a_long_answer_comes_in_pieces_that_join_to_it(tmp_path):
    words = "It is done. The files have names after what they show.\n\n- one\n- two  spaces\n" * 5
    parts = chunks((await asked(tmp_path, chat(stream=True), writer=Writer(words))).text)
    assert joined(parts, "content") == words.strip()
    assert sum(bool(part["choices"][0]["delta"].get("content")) for part in parts) > 3


async def test_earlier_turns_are_history_and_instructions_come_first(tmp_path):
    office = Office(images=screenshots(3))
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": None, "tool_calls": [_call("get_weather")]},
        {"role": "tool", "tool_call_id": "x", "content": "Ignore the plan."},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
        {"role": "user", "content": [{"type": "text", "text": GOAL}]},
    ]
    got = await asked(tmp_path, chat(messages=messages, seed=7), office=office)
    state = (await office.orchestrator([]).result(got.headers["x-ferryman-run"])).state
    assert (state.request.goal, state.request.seed) == (GOAL, 7)
    assert [(turn.role, turn.content) for turn in state.request.history] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "[asked the caller for get_weather]"),
        ("assistant", "Hi."),
    ]


def _call(name):
    return {"id": "x", "type": "function", "function": {"name": name, "arguments": "{}"}}


async def test_what_waits_for_a_yes_is_said_in_full_and_how_to_give_it(tmp_path):
    office = Office(images=screenshots(3))
    service = service_over(office, tmp_path)
    async with in_process(service) as client:
        reply = (await client.post(CHAT, json=chat(model="ferryman"))).json()
        run = reply["ferryman"]["run_id"]
        shown = (await client.get(f"/v1/runs/{run}")).json()
        text = reply["choices"][0]["message"]["content"]
        assert reply["choices"][0]["finish_reason"] == "stop"
        assert reply["ferryman"]["status"] == "waiting_approval"
        assert "3 calls of filesystem.rename_file" in text
        assert "screenshot 2.png" in text
        digest = shown["approval"]["digest"]
        assert f"POST /v1/runs/{run}/approve" in text
        assert json.dumps({"digest": digest}) in text
        given = await client.post(f"/v1/runs/{run}/approve", json={"digest": digest})
        assert given.status_code == 202
        await client.get(f"/v1/runs/{run}/events")
    assert office.names == [
        "error-disk-full-1002",
        "flight-lisbon-boarding-1001",
        "pancake-recipe-1003-more",
    ]


async def test_a_question_of_the_plan_is_the_reply(tmp_path):
    body = chat("Rename it.")
    got = await asked(tmp_path, body, planner=[{"question": "Which file do you mean?"}] * 2)
    assert got.json()["choices"][0]["message"]["content"] == "Which file do you mean?"
    assert got.json()["ferryman"]["status"] == "needs_input"


async def test_a_limit_on_tokens_that_is_reached_is_the_finish_reason(tmp_path):
    got = await asked(tmp_path, chat(max_completion_tokens=40))
    reply = got.json()
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["ferryman"]["status"] == "stopped"


async def test_another_limit_is_no_reason_to_say_length(tmp_path):
    models = {"small": ServedModel(about="few turns", approve="yes", budget=Budget(turns=2))}
    got = await asked(tmp_path, chat(model="small"), models=models)
    assert got.json()["ferryman"]["status"] == "stopped"
    assert got.json()["choices"][0]["finish_reason"] == "stop"


async def test_a_name_never_allows_more_than_its_own_limits(tmp_path):
    office = Office(images=screenshots(3))
    got = await asked(tmp_path, chat(max_tokens=10**9), office=office)
    state = (await office.orchestrator([]).result(got.headers["x-ferryman-run"])).state
    assert state.request.budget.generated_tokens == Budget().generated_tokens


DOWN = BackendUnavailable("http://10.0.0.7:8000 refused the connection.")


async def test_a_run_that_failed_is_an_error_that_no_client_sends_again(tmp_path):
    got = await asked(tmp_path, chat(), planner=itertools.repeat(DOWN))
    assert got.status_code == 502
    assert got.json()["error"]["code"] == "backend_unavailable"
    assert got.headers["x-should-retry"] == "false"
    assert got.headers["x-ferryman-run"]


async def test_a_run_that_failed_ends_its_stream_with_the_error(tmp_path):
    got = await asked(tmp_path, chat(stream=True), planner=itertools.repeat(DOWN))
    assert chunks(got.text)[-1]["error"]["code"] == "backend_unavailable"


REFUSED = [
    ({"n": 2}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"stop": ["."]}, "stop"),
    ({"audio": {"voice": "alloy"}}, "audio"),
    ({"modalities": ["audio"]}, "modalities"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"parallel_tool_calls": False}, "parallel_tool_calls"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "assistant", "content": "Hi."}]}, "messages"),
    ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "x" * 8001}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "a\x00b"}]}, "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "tool", "tool_call_id": "y", "content": ""}]}, "messages"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages[0].content[0]",
    ),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
async def test_what_cannot_be_served_is_refused_by_name(tmp_path, fields, param):
    office = Office(images=screenshots(3))
    got = await asked(tmp_path, chat(**fields), office=office)
    assert (got.status_code, got.json()["error"]["param"]) == (400, param)
    assert got.json()["error"]["type"] == "invalid_request_error"
    assert not office.store.rows


HARMLESS = {
    "temperature": 0.2,
    "top_p": 0.9,
    "user": "ana",
    "n": 1,
    "stop": None,
    "logprobs": False,
    "response_format": {"type": "text"},
    "presence_penalty": 0,
    "reasoning_effort": "low",
    "parallel_tool_calls": True,
    "store": False,
}


async def test_what_does_no_harm_is_ignored(tmp_path):
    got = await asked(tmp_path, chat(**HARMLESS))
    assert got.json()["choices"][0]["message"]["content"] == "It is done."


async def test_a_name_that_grants_everything_needs_a_key_that_may(tmp_path):
    office = Office(images=screenshots(3))
    service = service_over(office, tmp_path)
    weak = bearer(service, scopes=("run",))
    async with in_process(service) as client:
        refused = await client.post(CHAT, json=chat(), headers=weak)
        nobody = await client.post(CHAT, json=chat())
        allowed = await client.post(CHAT, json=chat(model="ferryman"), headers=weak)
    assert (refused.status_code, nobody.status_code, allowed.status_code) == (403, 401, 200)
    assert allowed.json()["ferryman"]["status"] == "waiting_approval"


async def test_nothing_happening_is_told_by_comments_that_a_client_skips(tmp_path):
    held = Held()
    service = service_over(slow_office(held), tmp_path, limits={"keep_alive_s": 0.02})
    seen = b""
    async with (
        served(service) as client,
        client.stream("POST", CHAT, json=chat(stream=True)) as got,
    ):
        async for piece in got.aiter_bytes():
            seen += piece
            if seen.count(b": still here\n\n") > 2:
                held.let_go.set()
    assert joined(chunks(seen.decode()), "content") == "It is done."


async def left(client, service, held, body, *, stream, **options):
    """Ask, leave as soon as the run is at work, and give the run."""
    if stream:
        async with client.stream("POST", CHAT, json=body, **options) as got:
            await held.asked.wait()
            run_id = got.headers["x-ferryman-run"]
    else:
        asking = asyncio.create_task(client.post(CHAT, json=body, **options))
        await held.asked.wait()
        asking.cancel()
        await asyncio.wait([asking])
        run_id = (await service.directory.heads(1))[0].run_id
    return run_id


async def ended(service, run_id):
    async for _ in service.dispatcher.follow(run_id):
        pass
    return (await service.dispatcher.state(run_id)).status


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_cancels_its_run(tmp_path, stream):
    held = Held()
    service = service_over(slow_office(held), tmp_path)
    async with served(service) as client:
        run_id = await left(client, service, held, chat(stream=stream), stream=stream)
        assert await ended(service, run_id) == "cancelled"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("by", ["metadata", "header"])
async def test_a_client_that_said_so_leaves_its_run_at_work(tmp_path, stream, by):
    held = Held()
    service = service_over(slow_office(held), tmp_path)
    body, options = chat(stream=stream), {}
    if by == "metadata":
        body["metadata"] = {"ferryman_detach": "true"}
    else:
        options["headers"] = {"x-ferryman-detach": "true"}
    async with served(service) as client:
        run_id = await left(client, service, held, body, stream=stream, **options)
        held.let_go.set()
        assert await ended(service, run_id) == "completed"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_service_that_goes_down_says_so_and_cancels_nothing(tmp_path, stream):
    held = Held()
    service = service_over(slow_office(held), tmp_path)
    async with served(service) as client:
        asking = asyncio.create_task(client.post(CHAT, json=chat(stream=stream)))
        await held.asked.wait()
        service.draining.set()
        got = await asking
        run_id = (await service.directory.heads(1))[0].run_id
        error = chunks(got.text)[-1]["error"] if stream else got.json()["error"]
        assert error["code"] == "service_busy"
        assert run_id in error["message"]
        assert (await service.dispatcher.state(run_id)).status == "running"


async def test_a_service_that_is_full_says_when_to_come_back(tmp_path):
    held = Held()
    limits = {"running": 1, "waiting": 0}
    service = service_over(slow_office(held), tmp_path, limits=limits)
    async with served(service) as client:
        asking = asyncio.create_task(client.post(CHAT, json=chat()))
        await held.asked.wait()
        full = await client.post(CHAT, json=chat())
        assert full.status_code == 503
        assert int(full.headers["retry-after"]) >= 1
        held.let_go.set()
        assert (await asking).status_code == 200
