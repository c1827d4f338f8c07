"""A client's tools among the shared ones: found as if the catalogue were made of all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.catalogue import build_catalogue
from orchestrator.policy.client_catalogue import with_tools

SHARED = [
    ToolSpec(id="calendar.add_event", description="Add an event to the calendar."),
    ToolSpec(id="filesystem.list_dir", description="List a folder."),
    ToolSpec(id="mail.send", description="Send a mail."),
]
OWN = [
    ToolSpec(id="client.get_weather", description="The weather in a city."),
    ToolSpec(id="client.create_ticket", description="Create a ticket."),
]


class Letters:
    """Compares texts by their letters: each document for itself, as a cosine does."""

    name = "letters"

    def __init__(self):
        self.read = []

    def index(self, documents):
        self.read += documents
        return Counted(documents)


class Counted:
    def __init__(self, documents):
        self.documents = documents

    def scores(self, query):
        return [len(set(query) & set(text)) / 30 for text in self.documents]


@pytest.mark.parametrize("query", ["what is the weather", "send a mail", "add a ticket", ""])
def test_it_ranks_as_a_catalogue_of_all_tools_does(query):
    retrievers = [LexicalRetriever(), Letters()]
    joined = with_tools(build_catalogue(SHARED, retrievers), OWN, retrievers)
    whole = build_catalogue([*SHARED, *OWN], retrievers)
    assert joined.specs == whole.specs
    assert [entry.tool for entry in joined.rank(query)] == [e.tool for e in whole.rank(query)]


def test_only_the_new_texts_are_read_where_each_stands_for_itself():
    letters = Letters()
    shared = build_catalogue(SHARED, [letters])
    letters.read.clear()
    with_tools(shared, OWN, [letters])
    assert len(letters.read) == len(OWN)


def test_what_cannot_be_compared_any_more_is_left_out():
    shared = build_catalogue(SHARED, [Letters()])
    assert with_tools(shared, OWN, []).indexes == ()
    assert with_tools(shared, [], [Letters()]).specs == shared.specs


@given(st.lists(st.sampled_from(["a.x", "client-a.x", "clienta.x", "z.x", "b.y"]), unique=True))
def test_the_tools_stand_in_the_order_of_their_ids(names):
    shared = build_catalogue([ToolSpec(id=name) for name in names], [Letters()])
    found = with_tools(shared, OWN, [Letters()])
    ids = [spec.id for spec in found.specs]
    assert ids == sorted(ids)
    scores = dict(zip(ids, found.indexes[0][1].scores("weather"), strict=True))
    assert scores["client.get_weather"] == max(scores.values())
