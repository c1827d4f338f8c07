"""Responses as a client of OpenAI's API meets them: created, streamed, looked up, cancelled."""

import asyncio
import json

import pytest

from tests.fakes.office import Office, Writer, screenshot_script, screenshots
from tests.fakes.openai_calls import ASKS, CALL, RAIN, TASK, WEATHER, Held, slow_office
from tests.fakes.serving import GOAL, bearer, frames, in_process, served, service_over

pytestmark = pytest.mark.anyio

PATH = "/v1/responses"
TOOL = {"type": "function", "strict": False, **WEATHER["function"]}


def wanted(task=GOAL, model="ferryman-auto", **fields):
    return {"model": model, "input": task, **fields}


def serving(tmp_path, **fields):
    return service_over(Office(images=screenshots(3)), tmp_path, **fields)


def text_of(response):
    return "".join(
        part["text"]
        for item in response["output"]
        if item["type"] == "message"
        for part in item["content"]
    )


def told(text):
    """The events of a stream; each frame is named after its event."""
    found = frames(text)
    assert all(name == data["type"] for name, _, data in found)
    return [data for *_, data in found]


async def test_a_response_has_its_reasoning_and_its_answer_and_is_found_again(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        body = wanted(instructions="Be brief.", metadata={"case": "7"})
        made = await client.post(PATH, json=body)
        response = made.json()
        again = (await client.get(f"{PATH}/{response['id']}")).json()
    assert again == response
    assert response["id"] == f"resp_{made.headers['x-ferryman-run']}"
    assert [item["type"] for item in response["output"]] == ["reasoning", "message"]
    assert "plan of 4 steps" in response["output"][0]["summary"][0]["text"]
    assert text_of(response) == "It is done."
    assert (response["status"], response["error"]) == ("completed", None)
    assert (response["metadata"], response["model"]) == ({"case": "7"}, "ferryman-auto")
    assert response["instructions"] == "Be brief."
    assert response["usage"]["total_tokens"] > 0


async def test_a_stream_counts_its_events_and_ends_with_the_whole(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        events = told((await client.post(PATH, json=wanted(stream=True))).text)
        final = events[-1]["response"]
        looked_up = (await client.get(f"{PATH}/{final['id']}")).json()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert final == looked_up
    kinds = list(dict.fromkeys(event["type"] for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    deltas = [each["delta"] for each in events if each["type"] == "response.output_text.delta"]
    assert "".join(deltas) == text_of(final)


async def test_a_stream_is_told_again_from_any_number_on(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        events = told((await client.post(PATH, json=wanted(stream=True))).text)
        name = events[-1]["response"]["id"]
        for after in (-1, 0, 7, len(events) - 2, len(events)):
            asked = {"stream": "true", "starting_after": str(after)}
            again = told((await client.get(f"{PATH}/{name}", params=asked)).text)
            assert again == events[after + 1 :]


async def test_in_the_background_a_run_outlives_its_client(tmp_path):
    held = Held()
    service = service_over(slow_office(held), tmp_path)
    async with served(service) as client:
        made = (await client.post(PATH, json=wanted(background=True))).json()
        assert made["status"] in {"queued", "in_progress"}
        await held.asked.wait()
        at_work = (await client.get(f"{PATH}/{made['id']}")).json()
        assert at_work["status"] == "in_progress"
        held.let_go.set()
        events = told((await client.get(f"{PATH}/{made['id']}", params={"stream": "true"})).text)
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["background"] is True


async def test_a_response_is_cancelled_by_its_id(tmp_path):
    held = Held()
    service = service_over(slow_office(held), tmp_path)
    async with served(service) as client:
        made = (await client.post(PATH, json=wanted(background=True))).json()
        await held.asked.wait()
        ended = (await client.post(f"{PATH}/{made['id']}/cancel")).json()
        assert ended["status"] == "cancelled"
        assert (await client.get(f"{PATH}/{made['id']}")).json() == ended


async def test_without_background_the_run_ends_with_its_client(tmp_path):
    held = Held()
    service = service_over(slow_office(held), tmp_path)
    async with served(service) as client:
        asking = asyncio.create_task(client.post(PATH, json=wanted()))
        await held.asked.wait()
        asking.cancel()
        await asyncio.wait([asking])
        run_id = (await service.directory.heads(1))[0].run_id
        async for _ in service.dispatcher.follow(run_id):
            pass
        assert (await service.dispatcher.state(run_id)).status == "cancelled"


async def test_a_response_after_another_knows_what_was_said_but_not_its_instructions(tmp_path):
    planner = [{"answer": "Hello Ana."}, {"answer": "Ana."}, {"answer": "Yes."}]
    service = serving(tmp_path, planner=planner, writer=Writer("Hello Ana."))
    async with in_process(service) as client:
        first = (await client.post(PATH, json=wanted("I am Ana.", instructions="Rhyme."))).json()
        body = wanted("Who am I?", previous_response_id=first["id"], instructions="Be brief.")
        second = (await client.post(PATH, json=body)).json()
        body = wanted("Sure?", previous_response_id=second["id"])
        third = (await client.post(PATH, json=body)).json()
    assert second["previous_response_id"] == first["id"]
    request = (await service.dispatcher.state(third["ferryman"]["run_id"])).request
    assert request.thread == first["ferryman"]["run_id"]
    assert [(turn.role, turn.content) for turn in request.history] == [
        ("user", "I am Ana."),
        ("assistant", text_of(first)),
        ("user", "Who am I?"),
        ("assistant", text_of(second)),
    ]


async def test_what_is_said_after_a_question_is_its_answer(tmp_path):
    asks = {"question": "Which folder?"}
    service = serving(tmp_path, planner=[asks, asks, *screenshot_script()])
    async with in_process(service) as client:
        first = (await client.post(PATH, json=wanted())).json()
        body = wanted("The Desktop.", previous_response_id=first["id"])
        second = (await client.post(PATH, json=body)).json()
    assert text_of(first) == "Which folder?"
    assert second["ferryman"] == {"run_id": first["ferryman"]["run_id"], "status": "completed"}
    assert second["id"] != first["id"]
    assert text_of(second) == "It is done."


async def test_a_call_of_the_clients_tool_is_an_item_and_its_output_goes_on(tmp_path):
    service = service_over(Office(), tmp_path, planner=[ASKS, *CALL], writer=RAIN)
    async with in_process(service) as client:
        first = (await client.post(PATH, json=wanted(TASK, tools=[TOOL]))).json()
        call = first["output"][-1]
        early = await client.post(PATH, json=wanted("And?", previous_response_id=first["id"]))
        result = {"type": "function_call_output", "call_id": call["call_id"]}
        body = wanted([{**result, "output": json.dumps({"weather": "Rain, 14 degrees"})}])
        body |= {"previous_response_id": first["id"], "tools": [TOOL]}
        second = (await client.post(PATH, json=body)).json()
        repeated = (await client.post(PATH, json=body)).json()
        looked_up = [(await client.get(f"{PATH}/{each['id']}")).json() for each in (first, second)]
    assert (call["type"], call["name"], call["arguments"]) == (
        "function_call",
        "get_weather",
        '{"city": "Lisbon"}',
    )
    assert first["status"] == "completed"
    assert first["ferryman"]["status"] == "waiting_tools"
    assert early.status_code == 409
    assert text_of(second) == "Rain, 14 degrees in Lisbon."
    assert repeated == second
    assert [text_of(each) for each in looked_up] == ["", "Rain, 14 degrees in Lisbon."]
    assert looked_up[0]["output"][-1]["type"] == "function_call"


async def test_a_conversation_may_come_whole_as_items(tmp_path):
    service = serving(tmp_path)
    items = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "x", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "x", "output": "Rain"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
        {"role": "user", "content": GOAL},
    ]
    async with in_process(service) as client:
        made = (await client.post(PATH, json=wanted(items))).json()
    request = (await service.dispatcher.state(made["ferryman"]["run_id"])).request
    assert request.goal == GOAL
    assert [turn.content for turn in request.history] == [
        "Be brief.",
        "Hello",
        "[asked the caller for get_weather]",
        "Hi.",
    ]


async def test_a_limit_on_tokens_leaves_a_response_incomplete(tmp_path):
    async with in_process(serving(tmp_path)) as client:
        made = (await client.post(PATH, json=wanted(max_output_tokens=40))).json()
    assert made["status"] == "incomplete"
    assert made["incomplete_details"] == {"reason": "max_output_tokens"}


REFUSED = [
    ({"input": []}, "input"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
    ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
    ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
    ({"tools": [{"type": "web_search"}]}, "tools"),
    ({"conversation": "c"}, "conversation"),
    ({"text": {"format": {"type": "json_schema"}}}, "text"),
    ({"include": ["file_search_call.results"]}, "include"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
async def test_what_cannot_be_served_is_refused_by_name(tmp_path, fields, param):
    async with in_process(serving(tmp_path)) as client:
        got = await client.post(PATH, json=wanted(task=GOAL) | fields)
    assert got.status_code == 400
    assert got.json()["error"]["param"].startswith(param)


async def test_nobody_sees_the_responses_of_another_tenant(tmp_path):
    service = serving(tmp_path)
    ana, bob = (bearer(service, name, tenant=name) for name in ("ana", "bob"))
    async with in_process(service) as client:
        made = (await client.post(PATH, json=wanted(), headers=ana)).json()
        path = f"{PATH}/{made['id']}"
        after = wanted("And?", previous_response_id=made["id"])
        got = [
            await client.get(path, headers=bob),
            await client.post(f"{path}/cancel", headers=bob),
            await client.post(PATH, json=after, headers=bob),
            await client.get(f"{PATH}/resp_nothing", headers=ana),
            await client.get(f"{PATH}/{made['id']}_999", headers=ana),
            await client.get(f"{PATH}/nothing", headers=ana),
        ]
    assert {each.status_code for each in got} == {404}
