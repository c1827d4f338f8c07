"""A server's stdout is cut into messages, whatever it prints."""

import json
import tracemalloc
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tools.mcp_lines import (
    TOO_LARGE,
    UNREADABLE,
    EndlessLine,
    LineSplitter,
    Oversized,
    read_line,
)

REPLY = {"jsonrpc": "2.0", "id": 7, "result": {"content": []}}


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_come_out_whole_however_they_are_chunked(lines, data):
    stream = b"".join(line + b"\n" for line in lines)
    splitter, found = LineSplitter(20), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == lines


def test_a_line_over_the_limit_is_reported_once_and_the_next_one_is_read():
    splitter = LineSplitter(10)
    found = [*splitter.feed(b"123456789"), *splitter.feed(b"0abc"), *splitter.feed(b"def\nok\n")]
    assert found == [Oversized(b"1234567890abc"), b"ok"]


def test_a_line_without_end_is_given_up_in_bounded_memory():
    splitter = LineSplitter(1024)
    chunk = b"x" * 65536
    flood = (line for _ in range(2000) for line in splitter.feed(chunk))
    tracemalloc.start()
    with pytest.raises(EndlessLine):
        deque(flood, maxlen=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_message_is_read():
    message = read_line(json.dumps(REPLY).encode()).message
    assert (message.id, message.result) == (7, {"content": []})


@pytest.mark.parametrize(
    "line",
    [b"", b"   ", b"INFO starting", b"{broken", b"[1]", b'{"level":"info"}', b"\xff\xfe", b'"x"'],
)
def test_what_is_no_message_is_noise(line):
    assert read_line(line) is None


def test_damaged_text_is_replaced_and_the_result_is_marked():
    line = b'{"jsonrpc":"2.0","id":1,"result":{"k\\ud800":["caf\xe9",{"a":"\\udfff"}]}}'
    result = read_line(line).message.result
    assert result["k\ufffd"] == ["caf\ufffd", {"a": "\ufffd"}]
    assert result["_meta"] == {"ferryman/lossy": True}


@pytest.mark.parametrize(
    "tail",
    [b'"result":{"x":' + b"[" * 100_000, b'"result":{"x":' + b"9" * 5000 + b"}}", b'"result":oops'],
)
def test_a_reply_that_cannot_be_read_becomes_an_error_for_its_caller(tail):
    message = read_line(b'{"jsonrpc":"2.0","id":"a-1",' + tail).message
    assert message.id == "a-1"
    assert message.error.code == UNREADABLE


def test_a_reply_that_is_too_long_becomes_an_error_for_its_caller():
    message = read_line(Oversized(b'{"jsonrpc":"2.0","id":12,"result":{"x":"aaaa')).message
    assert message.id == 12
    assert message.error.code == TOO_LARGE


@pytest.mark.parametrize(
    "head",
    [b"xxxxxxxx", b'{"jsonrpc":"2.0","result":{"id', b'{"jsonrpc":"2.0","id":1,"method":"roots'],
)
def test_a_long_line_that_answers_nobody_ends_the_connection(head):
    with pytest.raises(EndlessLine):
        read_line(Oversized(head))


@given(st.binary(max_size=200))
def test_no_bytes_raise(line):
    read_line(line)
