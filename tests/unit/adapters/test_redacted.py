"""What servers of models and tools say reaches nobody with a secret in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.backends.redacted import RedactedBackend
from adapters.tools.redacted import RedactedToolset
from orchestrator.core.chat import ChatReply, ChatRequest, Choice, Message, TextDelta
from orchestrator.core.errors import BackendRejected, ConstraintBroken, ToolFailed
from orchestrator.core.redaction import REDACTED, Redactor
from orchestrator.core.tools import ToolCall
from tests.contract.chat_backend import collected
from tests.fakes.backends import FaultyBackend
from tests.fakes.tools import InMemoryToolset, tool

pytestmark = pytest.mark.anyio

KEY = "sk-0123456789abcdef"
ASKED = ChatRequest(messages=(Message(role="user", content="hello"),))
SECRET = Redactor.of([KEY, "0123456789"])


def speaking(*pieces):
    return RedactedBackend(FaultyBackend(pieces), SECRET)


async def told(*pieces, request=ASKED):
    _, deltas, (reply,) = await collected(speaking(*pieces), request)
    return [delta.text for delta in deltas], reply.text


async def test_a_reply_without_secrets_goes_on_as_it_comes():
    assert await told("one ", "two") == (["one ", "two"], "one two")


async def test_a_secret_is_taken_out_of_the_deltas_and_the_reply():
    deltas, reply = await told("the key is ", KEY, ".")
    assert "".join(deltas) == reply == f"the key is {REDACTED}."


async def test_a_secret_that_comes_in_pieces_is_never_handed_on():
    deltas, reply = await told("key sk", "-01", "23456789ab", "cdef", "!")
    assert deltas[0] == "key "
    assert "".join(deltas) == reply == f"key {REDACTED}!"


async def test_what_only_began_like_a_secret_is_said_in_the_end():
    deltas, reply = await told("sk", "-0")
    assert "".join(deltas) == reply == "sk-0"


@given(
    parts=st.lists(st.sampled_from(["sk-0123", "456789ab", "cdef", KEY, " ", "0123456789", "x"])),
)
async def test_however_it_is_cut_the_deltas_are_the_reply_and_tell_nothing(parts):
    deltas, reply = await told(*parts)
    assert KEY not in "".join(deltas)
    assert KEY not in reply
    assert "".join(deltas).replace(REDACTED, "") == reply.replace(REDACTED, "")


async def test_an_error_is_told_without_the_key_that_its_server_repeats():
    backend = speaking(BackendRejected(f"401: {KEY} is no key", hint=f"not {KEY}"))
    with pytest.raises(BackendRejected) as caught:
        await told_by(backend)
    assert caught.value.message == f"401: {REDACTED} is no key"
    assert caught.value.hint == f"not {REDACTED}"


async def told_by(backend):
    return await collected(backend, ASKED)


async def test_a_reply_that_must_have_a_form_and_holds_a_secret_is_refused():
    request = ASKED.model_copy(update={"constraint": Choice(options=(KEY,))})
    with pytest.raises(ConstraintBroken):
        await told(KEY, request=request)


async def test_a_choice_without_secrets_keeps_its_form():
    class Choosing:
        async def stream(self, request):
            yield TextDelta(text="yes")
            yield ChatReply(text="yes", margin=0.5)

    request = ASKED.model_copy(update={"constraint": Choice(options=("yes",))})
    _, _, (reply,) = await collected(RedactedBackend(Choosing(), SECRET), request)
    assert (reply.text, reply.margin) == ("yes", 0.5)


def tools(answer, description="Look."):
    spec, answer = tool("web.look", description, answer)
    return RedactedToolset(InMemoryToolset([(spec, answer)]), SECRET), spec


async def test_a_result_and_an_error_of_a_tool_lose_their_secrets():
    toolset, _ = tools(lambda: {"env": [KEY], KEY: 1})
    outcome = await toolset.call(ToolCall(tool="web.look", arguments={}))
    assert outcome.data == {"env": [REDACTED], REDACTED: 1}

    def refuse():
        raise ToolFailed(f"no {KEY}")

    toolset, _ = tools(refuse)
    outcome = await toolset.call(ToolCall(tool="web.look", arguments={}))
    assert outcome.error == f"no {REDACTED}"


async def test_a_result_without_secrets_is_the_very_same():
    toolset, _ = tools(lambda: {"rows": [1, 2]})
    outcome = await toolset.call(ToolCall(tool="web.look", arguments={}))
    assert outcome.data == {"rows": [1, 2]}


async def test_a_description_loses_its_secrets_and_a_clean_tool_stays_what_it_is():
    toolset, spec = tools(lambda: None)
    assert list(toolset.specs) == [spec]
    assert toolset.specs is toolset.specs
    toolset, _ = tools(lambda: None, description=f"Look with {KEY}.")
    assert toolset.specs[0].description == f"Look with {REDACTED}."
    assert toolset.specs[0].id == "web.look"
