"""Large payloads leave the journal's rows and come back as they were."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.chat import Message
from orchestrator.core.errors import JournalError
from orchestrator.core.events import CallSettled, ModelCalled, ReplanAsked
from orchestrator.core.tools import ToolOutcome
from orchestrator.journal.payloads import LARGE_BYTES, with_payloads, without_payloads
from tests.fakes.stores import MemoryBlobs

BIG = "ü" * (LARGE_BYTES // 2 + 1)
MARK = {"$blob": "0" * 64, "bytes": 5}


def settled(data):
    return CallSettled(
        id="c1",
        step="s1",
        parent=0,
        tool="ocr.read",
        fingerprint="f",
        outcome=ToolOutcome(ok=True, data=data),
    )


def said(*texts):
    *turns, reply = texts
    appended = tuple(Message(role="user", content=turn) for turn in turns)
    return ModelCalled(role="planner", purpose="decide", appended=appended, reply=reply)


def there_and_back(event):
    form, payloads = without_payloads(event)
    blobs = MemoryBlobs()
    for payload in payloads:
        blobs.put(payload)
    return with_payloads(form, blobs.get), form, payloads


def test_a_large_result_is_replaced_by_its_digest_and_size():
    back, form, (payload,) = there_and_back(settled({"text": BIG}))
    assert json.loads(payload) == {"text": BIG}
    assert set(form.outcome.data) == {"$blob", "bytes"}
    assert form.outcome.data["bytes"] == len(payload)
    assert back == settled({"text": BIG})


def test_the_limit_is_in_bytes_of_utf_8():
    fits = "ü" * ((LARGE_BYTES - 2) // 2)
    assert there_and_back(settled(fits))[2] == []
    assert there_and_back(settled(fits + "ü"))[2] != []
    assert there_and_back(said("x" * LARGE_BYTES))[2] == []
    assert there_and_back(said("x" * (LARGE_BYTES + 1)))[2] != []


def test_the_order_of_keys_survives():
    data = {"zebra": BIG, "apple": 1}
    assert list(there_and_back(settled(data))[0].outcome.data) == ["zebra", "apple"]


def test_large_turns_and_replies_are_replaced_too():
    event = said("short", BIG, BIG + "!")
    back, form, payloads = there_and_back(event)
    assert back == event
    assert len(payloads) == 2
    assert len(form.model_dump_json()) < 1000
    assert form.appended[0].content == "short"


@pytest.mark.parametrize(
    "event",
    [
        settled(MARK),
        settled({"$blob": 1}),
        settled({"$blob": "x", "more": [1]}),
        said(json.dumps(MARK, separators=(",", ":")), '{"$blob":'),
        said('{"$blob": "spaced"}'),
    ],
)
def test_what_only_looks_like_a_replaced_payload_comes_back_untouched(event):
    assert there_and_back(event)[0] == event


def test_an_event_without_payloads_is_stored_as_it_is():
    event = ReplanAsked(reason=BIG)
    assert without_payloads(event) == (event, [])
    small = settled({"text": "small"})
    assert without_payloads(small)[0] is small


def test_a_missing_payload_is_refused():
    form, _ = without_payloads(settled({"text": BIG}))
    with pytest.raises(JournalError, match="missing"):
        with_payloads(form, MemoryBlobs().get)


def test_a_place_that_holds_no_digest_is_refused():
    with pytest.raises(JournalError, match="not a digest"):
        with_payloads(settled({"$blob": 7}), MemoryBlobs().get)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text()
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("$blob"), inner),
)


@given(JSON, st.booleans())
def test_any_result_comes_back_as_it_was(data, enlarged):
    event = settled([data, BIG] if enlarged else data)
    assert there_and_back(event)[0] == event
