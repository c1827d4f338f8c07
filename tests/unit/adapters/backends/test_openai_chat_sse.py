"""Events do not depend on where the network cuts the stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.backends.sse import SseDecoder


def read(*chunks):
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.flush()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        ("data: a\n\ndata: b\n\n", ["a", "b"]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        ("data: a\r\rdata: b\r\r", ["a", "b"]),
        ("data:a\n\n", ["a"]),
        ("data:  a\n\n", [" a"]),
        ("data: a\ndata: b\n\n", ["a\nb"]),
        (": hello\n\n: again\ndata: a\n\n", ["a"]),
        ("event: x\nid: 7\nretry: 10\ndata: a\n\n", ["a"]),
        ("data: a: b\n\n", ["a: b"]),
        ("data\n\n", [""]),
        ("database: a\n\n", []),
        ("\n\n\n", []),
        ("", []),
        ("data: a", ["a"]),
        ("data: a\n", ["a"]),
        ("data: ✓ ü\u2028x\n\n", ["✓ ü\u2028x"]),
    ],
)
def test_a_stream_is_cut_into_events_as_the_standard_says(stream, events):
    assert read(stream.encode()) == events


LINES = st.sampled_from(["data: a", "data:b", "data: ✓", ": c", "event: x", "data", "", "", "id"])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=12), st.data())
def test_events_do_not_depend_on_the_chunks(lines, data):
    stream = "".join(line + end for line, end in lines).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert read(*chunks) == read(stream)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=6))
def test_what_was_sent_a_byte_at_a_time_is_what_is_read(texts):
    stream = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert read(*(bytes([byte]) for byte in stream)) == texts


@pytest.mark.parametrize("stream", [b"data: \xff\n\n", b"data: \xe2\x9c"])
def test_a_stream_that_is_not_utf8_is_an_error(stream):
    with pytest.raises(UnicodeDecodeError):
        read(stream)
