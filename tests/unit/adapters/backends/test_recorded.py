"""A recording answers exactly what it was asked, and says what changed otherwise."""

import json

import pytest

from adapters.backends.recorded import (
    NoRecording,
    RecordedBackend,
    RecordingBackend,
    RecordingError,
)
from adapters.backends.scripted import ScriptedBackend
from orchestrator.core.chat import ChatRequest, Choice, JsonSchema, Message, Sampling
from orchestrator.core.errors import BackendProtocolError, BackendUnavailable
from orchestrator.ports.chat import complete
from tests.fakes.backends import FaultyBackend

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "replies.jsonl"


def ask(text="List the folder.", **fields):
    turns = (Message(role="system", content="Rules."), Message(role="user", content=text))
    return ChatRequest(messages=turns, **fields)


async def record(path, *replies, requests=None):
    backend = RecordingBackend(ScriptedBackend(replies), path)
    return [await complete(backend, request) for request in requests or [ask()] * len(replies)]


async def test_what_was_recorded_is_served_whole(path):
    (reply,) = await record(path, "naïve ✓")
    assert await complete(RecordedBackend(path), ask()) == reply


async def test_a_slot_and_a_deadline_do_not_matter(path):
    await record(path, "x")
    backend = RecordedBackend(path)
    assert (await complete(backend, ask(slot="other", deadline_s=1))).text == "x"


async def test_the_same_request_is_answered_in_the_recorded_order_then_with_the_last(path):
    await record(path, "one", "two")
    backend = RecordedBackend(path)
    assert [(await complete(backend, ask())).text for _ in range(3)] == ["one", "two", "two"]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (ask("List the file."), r"messages\[1\]\.content: now 'List the file\.', then 'List the f"),
        (
            ask(sampling=Sampling(temperature=0.7)),
            r"sampling\.temperature: now '0\.7', then '0\.0'",
        ),
        (ask(constraint=Choice(options=("a",))), r"request\.constraint"),
        (ask(max_tokens=9), r"max_tokens: now '9', then '512'"),
        (ask(stop=("x",)), r"stop\[0\]: now 'x', then 'nothing'"),
    ],
)
async def test_a_request_without_a_recording_names_the_nearest_difference(path, changed, where):
    await record(path, "far", "near", requests=[ask("Something else.", max_tokens=3), ask()])
    with pytest.raises(NoRecording, match=where):
        await complete(RecordedBackend(path), changed)


async def test_the_order_of_a_schemas_keys_matters(path):
    one, other = ({"properties": {a: {}, b: {}}} for a, b in ("ab", "ba"))
    asked = [ask(constraint=JsonSchema(json_schema=one))]
    await record(path, {}, requests=asked)
    with pytest.raises(NoRecording, match="order of its keys"):
        await complete(RecordedBackend(path), ask(constraint=JsonSchema(json_schema=other)))


async def test_an_empty_recording_says_that_it_is_empty(path):
    path.parent.mkdir()
    path.write_text("")
    with pytest.raises(NoRecording, match="empty"):
        await complete(RecordedBackend(path), ask())


async def test_a_reply_that_broke_off_is_not_recorded(path):
    backend = RecordingBackend(FaultyBackend(["par", BackendUnavailable("gone")]), path)
    with pytest.raises(BackendUnavailable):
        await complete(backend, ask())
    assert not path.exists()


async def test_a_tampered_reply_is_found_out(path):
    asked = ask(constraint=Choice(options=("a", "b")))
    await record(path, "a", requests=[asked])
    line = json.loads(path.read_text())
    line["reply"]["text"] = "rm"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(BackendProtocolError):
        await complete(RecordedBackend(path), asked)


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"reply":{"text":1}}', '{"reply":{"text":""}}'])
async def test_a_line_that_is_no_recording_is_named(path, line):
    await record(path, "x")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(RecordingError, match="line 2"):
        RecordedBackend(path)


def test_a_missing_file_is_named(path):
    with pytest.raises(RecordingError, match=r"replies\.jsonl"):
        RecordedBackend(path)


async def test_no_model_is_what_it_says_it_is(path):
    await record(path, "x")
    assert RecordedBackend(path).identity().name == "recorded replies of replies.jsonl"
