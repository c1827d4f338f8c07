"""What a chat page like Open WebUI sends besides the chat: its own questions start no run."""

import itertools
import json

import pytest

from orchestrator.core.errors import BackendUnavailable
from tests.fakes.office import Office, Writer, screenshots
from tests.fakes.openai_calls import CHAT, chat, chunks
from tests.fakes.serving import GOAL, in_process, service_over

pytestmark = pytest.mark.anyio

HISTORY = f"<chat_history>\nUSER: {GOAL}\nASSISTANT: It is done.\n</chat_history>"
ASIDES = {
    "title": "Generate a concise, 3-5 word title with an emoji summarizing the chat history.",
    "tags": "Generate 1-3 broad tags categorizing the main themes of the chat history.",
    "follow-ups": "Suggest 3-5 relevant follow-up questions or prompts.",
    "queries": "Analyze the chat history to determine the necessity of generating search queries.",
    "completion": "You are an autocompletion system. Continue the text in `<text>`.",
}
TITLE = json.dumps({"title": "Screenshots Renamed"})


def aside(name, **fields):
    text = f"### Task:\n{ASIDES[name]}\n### Output:\nJSON\n### Chat History:\n{HISTORY}"
    return chat(text, **{"stream": False, "max_completion_tokens": 1000, **fields})


def serving(tmp_path, office, **fields):
    return service_over(office, tmp_path, **fields)


@pytest.mark.parametrize("name", ASIDES)
async def test_a_question_about_the_chat_is_answered_in_words_and_does_nothing(tmp_path, name):
    office = Office(images=screenshots(3))
    before = office.names
    async with in_process(serving(tmp_path, office, writer=Writer(TITLE))) as client:
        reply = (await client.post(CHAT, json=aside(name))).json()
    assert reply["choices"][0]["message"]["content"] == TITLE
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert reply["usage"]["completion_tokens"] > 0
    assert (office.names, office.store.rows, office.planner.requests) == (before, {}, [])


async def test_a_question_about_the_chat_is_streamed_when_asked_to(tmp_path):
    body = aside("title", stream=True, stream_options={"include_usage": True})
    async with in_process(serving(tmp_path, Office(), writer=Writer(TITLE))) as client:
        parts = chunks((await client.post(CHAT, json=body)).text)
    assert parts[0]["choices"][0]["delta"]["content"] == TITLE
    assert parts[-1]["usage"]["completion_tokens"] > 0


async def test_a_message_that_is_marked_for_a_cache_is_read_like_any_other(tmp_path):
    marked = {"type": "text", "text": GOAL, "cache_control": {"type": "ephemeral"}}
    body = chat(messages=[{"role": "user", "content": [marked]}], stream=True)
    async with in_process(serving(tmp_path, Office(images=screenshots(3)))) as client:
        parts = chunks((await client.post(CHAT, json=body)).text)
    assert parts[-1]["ferryman"]["status"] == "completed"


async def test_a_task_about_given_text_is_a_task(tmp_path):
    office = Office(images=screenshots(3))
    told = f"### Task:\nRespond to the query.\n<context>\nnotes\n</context>\n{GOAL}"
    async with in_process(serving(tmp_path, office)) as client:
        reply = (await client.post(CHAT, json=chat(told))).json()
    assert reply["ferryman"]["status"] == "completed"


async def test_a_dead_model_is_an_error_that_tells_no_address(tmp_path):
    service = serving(tmp_path, Office())
    down = BackendUnavailable("http://10.0.0.7:8000 refused the connection.")
    backend = service.orchestrator.parts.roles["synthesizer"].backend
    backend._replies = itertools.repeat(down)
    async with in_process(service) as client:
        got = await client.post(CHAT, json=aside("title"))
    assert got.status_code == 502
    assert "10.0.0.7" not in got.text
