"""A script is followed to the letter, and its prompts are counted as a real cache counts."""

import itertools

import pytest

from adapters.backends.scripted import Said, ScriptedBackend, ScriptExhausted, Stubborn, tokens
from orchestrator.core.chat import ChatRequest, Choice, JsonSchema, Message
from orchestrator.core.errors import BackendProtocolError, BackendUnavailable
from orchestrator.ports.chat import complete

pytestmark = pytest.mark.anyio

SEARCH, LIST = "filesystem.search_files", "filesystem.list_dir"
HELLO = Message(role="user", content="hello big world")


def ask(*turns, **fields):
    return ChatRequest(messages=turns or (HELLO,), **fields)


def choose(*options, **fields):
    return ask(constraint=Choice(options=options), **fields)


async def test_replies_come_in_order_and_requests_are_kept():
    backend = ScriptedBackend(["one", "two"])
    requests = [ask(), ask(slot="other")]
    assert [(await complete(backend, request)).text for request in requests] == ["one", "two"]
    assert backend.requests == requests


async def test_a_mapping_is_said_as_compact_json():
    form = JsonSchema(json_schema={"type": "object"})
    reply = await complete(ScriptedBackend([{"b": "ü", "a": [1]}]), ask(constraint=form))
    assert reply.text == '{"b":"ü","a":[1]}'


async def test_an_exception_is_raised_and_the_script_goes_on():
    backend = ScriptedBackend([BackendUnavailable("gone"), "back"])
    with pytest.raises(BackendUnavailable, match="gone"):
        await complete(backend, ask())
    assert (await complete(backend, ask())).text == "back"


async def test_a_callable_answers_with_the_request_in_view():
    backend = ScriptedBackend([lambda request: request.messages[-1].content.upper()])
    assert (await complete(backend, ask())).text == "HELLO BIG WORLD"


async def test_a_callable_may_raise_by_returning_an_exception():
    backend = ScriptedBackend([lambda request: BackendUnavailable("gone")])
    with pytest.raises(BackendUnavailable):
        await complete(backend, ask())


async def test_an_endless_script_never_runs_out():
    backend = ScriptedBackend(itertools.repeat("again"))
    assert {(await complete(backend, ask())).text for _ in range(5)} == {"again"}


async def test_running_out_names_the_request_and_its_last_message():
    backend = ScriptedBackend(["one"])
    await complete(backend, ask())
    with pytest.raises(
        ScriptExhausted, match=r"after 1 replies; request 2 .*hello big world"
    ) as caught:
        await complete(backend, ask())
    assert not caught.value.retryable


async def test_an_option_that_is_not_selectable_is_a_protocol_error():
    with pytest.raises(BackendProtocolError, match="none of the 1 options"):
        await complete(ScriptedBackend([SEARCH]), choose(LIST))


async def test_a_stubborn_model_gives_way_only_to_a_mask():
    backend = ScriptedBackend([Stubborn(SEARCH)] * 2 + [Stubborn(SEARCH, otherwise="done")])
    assert (await complete(backend, choose(LIST, SEARCH))).text == SEARCH
    assert (await complete(backend, choose(LIST, "done"))).text == LIST
    assert (await complete(backend, choose(LIST, "done"))).text == "done"


async def test_a_stubborn_model_says_its_wish_where_nothing_is_forced():
    assert (await complete(ScriptedBackend([Stubborn(SEARCH)]), ask())).text == SEARCH


async def test_the_margin_is_given_for_choices_whose_logprobs_are_asked_for():
    backend = ScriptedBackend([LIST, LIST, "text", Said(LIST, margin=0.0)], margin=0.9)
    asked = choose(LIST, logprobs=True), choose(LIST), ask(logprobs=True)
    margins = [(await complete(backend, request)).margin for request in asked]
    assert margins == [0.9, None, None]
    assert (await complete(backend, choose(LIST, logprobs=True))).margin == 0.0


async def test_an_appended_transcript_is_cached_up_to_what_is_new():
    backend = ScriptedBackend(["first answer", "second", "third"])
    first = await complete(backend, ask())
    said = Message(role="assistant", content="first answer")
    more = Message(role="user", content="more")
    second = await complete(backend, ask(HELLO, said, more))
    assert first.usage.cached == 0
    assert second.usage.cached == first.usage.prompt + first.usage.generated
    again = await complete(backend, ask(HELLO, said, more))
    assert again.usage.cached == again.usage.prompt - 1


async def test_a_changed_front_loses_the_whole_cache():
    backend = ScriptedBackend(["a", "b"])
    system = Message(role="system", content="the rules are these")
    await complete(backend, ask(system, HELLO))
    changed = Message(role="system", content="now: 12:01, the rules are these")
    assert (await complete(backend, ask(changed, HELLO))).usage.cached == 2


async def test_each_slot_has_its_own_cache():
    backend = ScriptedBackend(itertools.repeat("a"))
    await complete(backend, ask(slot="planner"))
    assert (await complete(backend, ask(slot="synthesizer"))).usage.cached == 0
    assert (await complete(backend, ask(slot="planner"))).usage.cached > 0


async def test_free_text_is_cut_at_max_tokens():
    reply = await complete(ScriptedBackend(["one two three"]), ask(max_tokens=2))
    assert (reply.text, reply.truncated, reply.usage.generated) == ("one two", True, 2)


async def test_a_constrained_reply_is_cut_at_max_tokens_too():
    script = ScriptedBackend(["filesystem.list_dir"], margin=0.4)
    choice = Choice(options=("filesystem.list_dir",))
    reply = await complete(script, ask(max_tokens=2, constraint=choice, logprobs=True))
    assert (reply.text, reply.truncated, reply.margin) == ("filesyst", True, None)


@pytest.mark.parametrize("text", ["", " ", "a", "four chars", "filesystem.list_dir", "a  b\n\tc"])
def test_tokens_put_together_are_the_text(text):
    assert "".join(tokens(text)) == text


def test_no_model_is_what_it_says_it_is():
    identity = ScriptedBackend([]).identity()
    assert identity.backend == "scripted"
    assert "no model" in identity.name
