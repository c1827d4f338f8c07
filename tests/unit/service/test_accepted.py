"""Generated text between the entries: joined, in its place, and never without bound."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.service.dispatch.accepted import MOST_UNHEARD, Accepted, Delta, Hearing

pytestmark = pytest.mark.anyio


def test_pieces_of_one_role_after_one_entry_are_joined():
    hearing = Hearing()
    for text in ("Thr", "ee", "."):
        hearing.hear("synthesizer", text, after=4)
    assert hearing.take(4) == [Delta("synthesizer", "Three.")]
    assert hearing.take(4) == []


def test_what_comes_after_a_later_entry_is_kept_for_then():
    hearing = Hearing()
    hearing.hear("planner", "one", after=1)
    hearing.hear("planner", "two", after=2)
    assert hearing.take(0) == []
    assert hearing.take(1) == [Delta("planner", "one")]
    assert hearing.take(9) == [Delta("planner", "two")]


def test_roles_are_kept_apart():
    hearing = Hearing()
    hearing.hear("planner", "a", after=1)
    hearing.hear("synthesizer", "b", after=1)
    assert [delta.role for delta in hearing.take(1)] == ["planner", "synthesizer"]


def test_who_takes_nothing_for_too_long_loses_what_the_next_entry_holds():
    hearing = Hearing()
    hearing.hear("synthesizer", "x" * MOST_UNHEARD, after=1)
    hearing.hear("synthesizer", "y", after=1)
    hearing.hear("synthesizer", "z", after=1)
    hearing.hear("synthesizer", "next", after=2)
    assert hearing.take(2) == [Delta("synthesizer", "next")]


PIECES = st.lists(
    st.tuples(st.sampled_from(["planner", "synthesizer"]), st.text(max_size=5), st.booleans())
)


@given(PIECES, st.integers(1, 5))
def test_nothing_is_lost_or_out_of_order_however_it_is_taken(pieces, every):
    hearing, after, said, heard = Hearing(), 0, [], []
    for number, (role, text, entry) in enumerate(pieces):
        hearing.hear(role, text, after=after)
        said += [(role, letter) for letter in text]
        after += entry
        if number % every == 0:
            heard += [(d.role, letter) for d in hearing.take(after) for letter in d.text]
    heard += [(d.role, letter) for d in hearing.take(after) for letter in d.text]
    assert heard == said


async def test_whoever_waits_is_woken_once_for_each_news():
    accepted = Accepted("r")
    first = accepted.news
    accepted.moved("waiting")
    assert first.is_set()
    assert not accepted.news.is_set()


async def test_text_wakes_only_if_somebody_listens():
    accepted = Accepted("r")
    news = accepted.news
    accepted.hear("planner", "a", after=0)
    assert not news.is_set()
    hearing = accepted.listen()
    accepted.hear("planner", "b", after=0)
    assert news.is_set()
    assert hearing.take(0) == [Delta("planner", "b")]
    accepted.ignore(hearing)
    accepted.hear("planner", "c", after=0)
    assert hearing.take(0) == []


async def test_the_end_is_news_and_says_why():
    accepted = Accepted("r")
    waiting = asyncio.create_task(accepted.news.wait())
    failure = KeyError("why")
    accepted.ended(failure)
    await waiting
    assert (accepted.stage, accepted.failure) == ("over", failure)
