import pytest

from adapters.backends.embedded_grammar import grammar_for
from adapters.backends.embedded_wire import Transcript, body_of, error_of
from orchestrator.core.chat import ChatRequest, Choice, JsonSchema, Message, Sampling
from orchestrator.core.errors import (
    BackendProtocolError,
    BackendRejected,
    BackendUnavailable,
    ContextOverflow,
)

CHOICE = Choice(options=("yes", 'say "no"'))


def request_of(**fields):
    return ChatRequest(messages=(Message(role="user", content="Well?"),), **fields)


def delta(text=None, *, finish=None):
    said = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


USAGE = {
    "choices": [],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 15},
    },
}


def told(request, *chunks):
    transcript = Transcript(request)
    for chunk in chunks:
        transcript.take(chunk)
    return transcript.reply(model="m", seconds=0.5)


def test_the_body_names_the_slot_and_keeps_the_engines_own_sampling_out():
    sampling = Sampling(temperature=0.3, top_p=0.8, seed=5)
    body = body_of(request_of(sampling=sampling, stop=("END",), max_tokens=7), 1)
    assert (body["id_slot"], body["cache_prompt"]) == (1, True)
    assert (body["temperature"], body["top_p"], body["seed"]) == (0.3, 0.8, 5)
    assert (body["top_k"], body["min_p"]) == (0, 0.0)
    assert (body["stop"], body["max_tokens"]) == (["END"], 7)
    assert "grammar" not in body


def test_probabilities_are_asked_for_only_where_a_margin_comes_of_them():
    assert "n_probs" in body_of(request_of(constraint=CHOICE, logprobs=True), 0)
    assert "n_probs" not in body_of(request_of(constraint=CHOICE), 0)
    assert "n_probs" not in body_of(request_of(logprobs=True), 0)


def test_a_choice_is_a_grammar_of_quoted_options():
    assert grammar_for(CHOICE) == '%llguidance {}\nstart: "yes" | "say \\"no\\""'


def test_a_schema_grammar_keeps_values_that_look_like_schemas():
    value = {"type": "integer", "properties": {}, "pattern": "(?=x)"}
    grammar = grammar_for(JsonSchema(json_schema={"const": value}))
    assert '"const": {"type": "integer", "properties": {}, "pattern": "(?=x)"}' in grammar


def test_objects_joined_by_all_of_stay_open_for_each_other():
    part = {"properties": {"a": {"const": 1}}}
    assert '"additionalProperties"' in grammar_for(JsonSchema(json_schema=part))
    assert '"additionalProperties"' not in grammar_for(JsonSchema(json_schema={"allOf": [part]}))


def test_a_bounded_integer_keeps_its_own_bounds():
    grammar = grammar_for(JsonSchema(json_schema={"type": "integer", "minimum": 3}))
    assert '"minimum": 3' in grammar
    assert '"maximum"' not in grammar


def test_a_reply_is_its_pieces_with_usage():
    reply = told(request_of(), delta("Hel"), delta("lo"), delta(finish="stop"), USAGE)
    assert (reply.text, reply.model, reply.seconds, reply.truncated) == ("Hello", "m", 0.5, False)
    assert (reply.usage.prompt, reply.usage.cached, reply.usage.generated) == (20, 15, 2)


def test_progress_chunks_say_nothing():
    transcript = Transcript(request_of())
    progress = {**delta(), "prompt_progress": {"total": 9, "processed": 3}}
    progress["choices"][0]["delta"] = {"role": "assistant", "content": None}
    assert transcript.take(progress) == ""


def test_a_stream_without_an_end_is_a_protocol_error():
    with pytest.raises(BackendProtocolError, match="middle of a reply"):
        told(request_of(), delta("Hel"))


def test_a_complete_reply_that_breaks_its_constraint_is_never_handed_on():
    with pytest.raises(BackendProtocolError, match="options"):
        told(request_of(constraint=CHOICE), delta("maybe"), delta(finish="stop"))


def test_a_reply_cut_by_max_tokens_is_handed_on_as_cut():
    reply = told(request_of(constraint=CHOICE, logprobs=True), delta("y"), delta(finish="length"))
    assert (reply.text, reply.truncated, reply.margin) == ("y", True, None)


def test_the_margin_is_read_from_the_chunks():
    top = [{"token": "yes", "logprob": -0.1}, {"token": "say", "logprob": -3.0}]
    chunk = delta("yes")
    chunk["choices"][0]["logprobs"] = {
        "content": [{"token": "yes", "logprob": -0.1, "top_logprobs": top}]
    }
    reply = told(request_of(constraint=CHOICE, logprobs=True), chunk, delta(finish="stop"))
    assert reply.margin == pytest.approx(0.896, abs=0.001)


@pytest.mark.parametrize(
    ("wire", "kind", "message"),
    [
        (
            {"type": "exceed_context_size_error", "n_prompt_tokens": 900, "n_ctx": 512},
            ContextOverflow,
            "900 tokens; the embedded model's context holds 512",
        ),
        ({"code": 400, "message": "bad grammar"}, BackendRejected, "bad grammar"),
        ({"code": 503, "type": "unavailable_error", "message": "x"}, BackendUnavailable, "ready"),
        ({"code": 500, "message": "decode failed"}, BackendProtocolError, "decode failed"),
    ],
)
def test_each_error_of_the_engine_has_its_name(wire, kind, message):
    error = error_of(wire)
    assert type(error) is kind
    assert message in error.message


def test_an_error_chunk_ends_the_reply():
    with pytest.raises(BackendRejected):
        Transcript(request_of()).take({"error": {"code": 400, "message": "no"}})
