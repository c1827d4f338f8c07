"""Bodies: read whole or refused, whatever their size, speed and depth."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.service.gate.bodies import Replayed, is_deeper, read_body

pytestmark = pytest.mark.anyio
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def deep(value):
    """The depth of a value, by walking it."""
    if isinstance(value, dict):
        return 1 + max(map(deep, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(deep, value), default=0)
    return 0


@given(JSON, st.booleans())
def test_depth_is_that_of_the_value_whatever_its_strings_hold(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    depth = deep(value)
    assert not is_deeper(text, depth)
    assert depth == 0 or is_deeper(text, depth - 1)


@pytest.mark.parametrize(
    ("body", "too_deep"),
    [
        (b'"' + b'\\"' * 500_000, False),
        (b'"\\' * 500_000, False),
        (b'""' * 500_000, False),
        (b"[" * 1_000_000, True),
        (b"]" * 1_000_000, False),
        (b"[]" * 500_000, False),
        (b"[{" * 33, True),
        (b"[{" * 33 + b"}]" * 33, True),
        (b"[{" * 32 + b"}]" * 32, False),
    ],
)
def test_a_hostile_body_is_looked_through_without_being_parsed(body, too_deep):
    assert is_deeper(body, 64) is too_deep


def sending(*parts, then=None):
    """A `receive` that gives parts of a body, and after them what else is told."""
    messages = [
        {"type": "http.request", "body": part, "more_body": at < len(parts) - 1 or then is not None}
        for at, part in enumerate(parts)
    ]
    coming = iter(messages)

    async def receive():
        message = next(coming, None)
        if message is not None:
            return message
        if then == "disconnect":
            return {"type": "http.disconnect"}
        return await asyncio.Event().wait()

    return receive


async def taken(receive, most=100, within_s=30.0, depth=4):
    return await read_body(receive, most=most, within_s=within_s, depth=depth)


async def test_a_body_in_parts_is_given_whole_and_then_what_follows():
    body = await taken(sending(b'{"a": ', b"1}", then="disconnect"))
    assert body is None
    body = await taken(sending(b'{"a": ', b"1}"))
    assert isinstance(body, Replayed)
    assert await body() == {"type": "http.request", "body": b'{"a": 1}', "more_body": False}


async def test_one_byte_too_many_is_refused_while_it_comes():
    assert isinstance(await taken(sending(b"x" * 100)), Replayed)
    refused = await taken(sending(b"x" * 60, b"x" * 41, then="nothing"))
    assert refused.status_code == 413
    assert refused.headers["connection"] == "close"
    assert json.loads(refused.body)["error"]["code"] == "request_too_large"


async def test_a_body_that_never_ends_is_given_up():
    refused = await taken(sending(b"{", then="nothing"), within_s=0.01)
    assert refused.status_code == 408
    assert json.loads(refused.body)["error"]["code"] == "body_timeout"


async def test_a_client_that_leaves_gets_no_answer():
    assert await taken(sending(b"{", then="disconnect")) is None


@pytest.mark.parametrize(("levels", "status"), [(4, None), (5, 400), (50, 400)])
@pytest.mark.parametrize("before", [b"", b" \n\t"])
async def test_what_is_nested_too_deep_is_never_parsed(levels, status, before):
    refused = await taken(sending(before + b"[" * levels + b"]" * levels), most=1000)
    assert getattr(refused, "status_code", None) == status


async def test_a_body_that_is_no_json_is_left_to_the_route():
    assert isinstance(await taken(sending(b"\xff\x00 nothing")), Replayed)
    assert isinstance(await taken(sending(b"")), Replayed)
