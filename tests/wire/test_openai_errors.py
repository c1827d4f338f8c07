"""Every way in which a server refuses, and the error that it becomes."""

import json

import httpx
import pytest

from orchestrator.core.errors import (
    BackendProtocolError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContextOverflow,
)
from orchestrator.ports.chat import complete
from tests.fakes.wire import URL, ask, said, speaking, streamed

pytestmark = pytest.mark.anyio

MODELS = "http://model.test/v1/models"


async def failing(respx_mock, kind, **how):
    respx_mock.post(URL).mock(**how)
    async with speaking() as backend:
        with pytest.raises(kind) as caught:
            await complete(backend, ask())
    return caught.value


def refusal(status, message="no", **fields):
    headers = fields.pop("headers", None)
    return httpx.Response(status, json={"error": {"message": message, **fields}}, headers=headers)


@pytest.mark.parametrize(
    "raised",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectError(""),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("Server disconnected"),
        httpx.UnsupportedProtocol("no scheme"),
    ],
)
async def test_a_lost_or_refused_connection_is_unavailable_and_names_the_address(
    respx_mock, raised
):
    error = await failing(respx_mock, BackendUnavailable, side_effect=raised)
    assert URL in error.message
    assert error.retryable


@pytest.mark.parametrize(
    "raised",
    [httpx.ConnectTimeout(""), httpx.WriteTimeout(""), httpx.PoolTimeout("")],
)
async def test_a_timeout_of_the_connection_says_which(respx_mock, raised):
    error = await failing(respx_mock, BackendTimeout, side_effect=raised)
    assert type(raised).__name__ in error.message


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_server_that_is_busy_or_broken_may_be_asked_again(respx_mock, status):
    error = await failing(respx_mock, BackendUnavailable, return_value=refusal(status, "loading"))
    assert f"{status}: loading" in error.message
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("1.5", 1.5), ("-3", 0), ("Sat, 21 Nov 2026 09:00:30 GMT", 30), ("soon", None)],
)
async def test_the_wait_that_a_server_asks_for_is_kept(respx_mock, header, seconds):
    response = refusal(429, headers={"retry-after": header})
    error = await failing(respx_mock, BackendUnavailable, return_value=response)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("status", [400, 405, 413, 422])
async def test_a_wrong_request_is_not_sent_again(respx_mock, status):
    error = await failing(respx_mock, BackendRejected, return_value=refusal(status, "bad field"))
    assert f"{status}: bad field" in error.message
    assert not error.retryable


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_the_setting(respx_mock, status):
    error = await failing(respx_mock, BackendRejected, return_value=refusal(status))
    assert "FERRYMAN_API_KEY" in error.hint


async def test_an_unknown_model_names_those_that_are_served(respx_mock):
    served = {"data": [{"id": "qwen3"}, {"id": "gemma"}]}
    respx_mock.get(MODELS).mock(return_value=httpx.Response(200, json=served))
    response = refusal(404, "The model `m1` does not exist.")
    error = await failing(respx_mock, BackendRejected, return_value=response)
    assert "does not exist" in error.message
    assert error.hint == "The server serves qwen3, gemma, not m1."


@pytest.mark.parametrize(
    "models",
    [
        {"side_effect": httpx.ConnectError("gone")},
        {"return_value": httpx.Response(404)},
        {"return_value": httpx.Response(200, json={"data": [3]})},
        {"return_value": httpx.Response(200, json={"data": []})},
    ],
)
async def test_a_wrong_path_says_to_check_the_address(respx_mock, models):
    respx_mock.get(MODELS).mock(**models)
    response = httpx.Response(404, json={"detail": "Not Found"})
    error = await failing(respx_mock, BackendRejected, return_value=response)
    assert "404: Not Found" in error.message
    assert "base URL" in error.hint


@pytest.mark.parametrize(
    "response",
    [
        refusal(400, "This model's maximum context length is 8192 tokens. However, ... 9001"),
        refusal(400, "request (9001 tokens) exceeds 8192", type="exceed_context_size_error"),
        refusal(400, "too long: 9001 > 8192", code="context_length_exceeded"),
        refusal(400, "max_tokens=9001 cannot be greater than max_model_len=8192"),
        httpx.Response(400, json={"error": "the context window of 8192 is less than 9001"}),
    ],
)
async def test_a_prompt_that_does_not_fit_says_so_with_the_numbers(respx_mock, response):
    error = await failing(respx_mock, ContextOverflow, return_value=response)
    assert "8192" in error.message
    assert "9001" in error.message
    assert not error.retryable


@pytest.mark.parametrize(
    ("body", "quoted"),
    [("<html>Bad</html>", "<html>Bad"), ("[1]", "[1]"), ("", "''"), ("[" * 9999, "[[[")],
)
async def test_a_refusal_without_an_envelope_is_quoted(respx_mock, body, quoted):
    response = httpx.Response(502, text=body)
    error = await failing(respx_mock, BackendUnavailable, return_value=response)
    assert quoted in error.message
    assert len(error.message) < 500


async def test_a_redirect_is_not_followed(respx_mock):
    response = httpx.Response(307, headers={"location": "http://elsewhere.test"})
    error = await failing(respx_mock, BackendProtocolError, return_value=response)
    assert "redirects" in error.hint


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ({"message": "engine died", "code": 500}, BackendUnavailable),
        ({"message": "engine died"}, BackendUnavailable),
        ("engine died", BackendUnavailable),
        ({"message": "bad", "code": 400}, BackendRejected),
        ({"message": "x", "code": 400, "type": "exceed_context_size_error"}, ContextOverflow),
    ],
)
async def test_an_error_in_the_middle_of_a_stream_is_not_overlooked(respx_mock, inner, kind):
    response = streamed(said("Hel"), json.dumps({"error": inner}))
    await failing(respx_mock, kind, return_value=response)
