"""What a step may choose from: few tools, the right ones, and always a way out."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.tools import ToolSpec, split_name
from orchestrator.policy.catalogue import WEIGHTS
from orchestrator.policy.shortlist import (
    MOST,
    build_catalogue,
    explain,
    namespace_ranking,
    outside_quota,
    producers,
    shortlist,
)


class SharedWords:
    """Scores a document by the words it shares with the query."""

    def __init__(self, name="bm25"):
        self.name = name

    def index(self, documents: Sequence[str]):
        return SharedWordsIndex([_set_of(document) for document in documents])


class SharedWordsIndex:
    def __init__(self, documents):
        self.documents = documents

    def scores(self, query):
        return [float(len(_set_of(query) & words)) for words in self.documents]


def _set_of(text):
    return set(text.lower().translate({ord(mark): " " for mark in ":.!"}).split())


class Fixed:
    """Gives every document of a catalogue sorted by id the score it was told."""

    def __init__(self, name, scores):
        self.name = name
        self.told = scores

    def index(self, documents):
        assert len(documents) == len(self.told)
        return self

    def scores(self, query):
        return self.told


def tool(name, description="", output=None):
    return ToolSpec(id=name, description=description, output_schema=output)


OFFICE = [
    tool("filesystem.list_dir", "List what is in a folder"),
    tool("filesystem.search_files", "Search files by name"),
    tool("filesystem.read_file", "Read the text of a file"),
    tool("filesystem.move_file", "Move or rename a file"),
    tool("ocr.extract_text", "Read the text in a picture"),
    tool("ocr.detect_tables", "Find tables in a picture"),
    tool("email.send", "Send a message"),
    tool("clock.now", "Tell the time"),
]


@pytest.fixture
def office():
    return build_catalogue(OFFICE, [SharedWords()])


def namespaces(chosen):
    return [split_name(name)[0] for name in chosen.tools]


def test_the_closest_tool_comes_first(office):
    assert office.rank("text in a picture")[0].tool == "ocr.extract_text"


def test_scores_are_scaled_per_query(office):
    ranked = office.rank("text in a picture")
    assert (ranked[0].parts["bm25"], ranked[-1].parts["bm25"]) == (1, 0)
    assert all(0 <= entry.score <= 1 for entry in ranked)


def test_ties_go_to_the_smaller_id(office):
    ranked = office.rank("zebra")
    assert [entry.tool for entry in ranked] == sorted(spec.id for spec in OFFICE)


def test_meaning_weighs_more_than_words_and_words_more_than_their_synonyms():
    tools = [tool("a.words"), tool("b.meaning"), tool("c.neither")]
    retrievers = [Fixed("bm25", [9.0, 0.0, 0.0]), Fixed("minilm", [0.2, 0.7, 0.2])]
    ranked = build_catalogue(tools, retrievers).rank("anything")
    assert [entry.tool for entry in ranked] == ["b.meaning", "a.words", "c.neither"]
    assert ranked[0].parts == {"bm25": 0.0, "minilm": 1.0}
    assert 0 < WEIGHTS["synonyms"] < WEIGHTS["bm25"] < WEIGHTS["minilm"]


def test_a_tool_that_says_it_otherwise_is_found_by_a_synonym():
    tools = [tool("a.delete_file"), tool("b.list_rows"), tool("c.now")]
    ranked = build_catalogue(tools, [SharedWords()]).rank("trash it")
    assert ranked[0].tool == "a.delete_file"
    assert ranked[0].parts["bm25"] == 0


def test_the_values_of_a_query_draw_it_nowhere():
    tools = [tool("report.summarize", "quarterly report"), tool("files.move", "move a file")]
    ranked = build_catalogue(tools, [SharedWords()]).rank("move ~/quarterly/report.docx")
    assert ranked[0].tool == "files.move"


def test_a_tool_that_one_sentence_asks_for_is_found_beside_what_the_whole_resembles():
    tools = [tool("a.alpha", "one two three four five six"), tool("b.beta", "seven eight nine")]
    other = [tool(f"c.{name}", "one two three seven") for name in "xyz"]
    query = "One two three four five six. Seven eight nine!"
    specs = [*tools, *other, tool("d.none")]
    ranked = build_catalogue(specs, [SharedWords("minilm")]).rank(query)
    assert [entry.tool for entry in ranked[:2]] == ["a.alpha", "b.beta"]


def test_a_hint_says_when_to_use_a_tool():
    tools = [tool("a.x", "Does this"), tool("b.y", "Does that")]
    found = build_catalogue(tools, [SharedWords()], {"b.y": "for zebras"}).rank("zebras")
    assert found[0].tool == "b.y"


def test_the_same_words_are_compared_once():
    index = Counting()
    catalogue = build_catalogue(OFFICE, [index])
    assert catalogue.compare("read it") is catalogue.compare("read it")
    assert index.asked == 1


class Counting:
    name = "minilm"
    asked = 0

    def index(self, documents):
        self.size = len(documents)
        return self

    def scores(self, query):
        self.asked += 1
        return [0.0] * self.size


def test_a_lone_retriever_counts_in_full():
    catalogue = build_catalogue([tool("a.x"), tool("b.y")], [Fixed("bm25", [1.0, 3.0])])
    assert [entry.score for entry in catalogue.rank("anything")] == [1.0, 0.0]


def test_a_catalogue_without_retrievers_ranks_by_id():
    catalogue = build_catalogue(reversed(OFFICE), [])
    assert catalogue.rank("anything")[0].tool == "clock.now"


def test_an_empty_catalogue_offers_nothing():
    chosen = shortlist(build_catalogue([], [SharedWords()]), query="read", namespace="ocr")
    assert chosen.entries == ()


def test_the_document_parts_identifiers_and_falls_back_on_parameters():
    spec = ToolSpec(id="ocr.extractTextFromPDF", input_schema={"properties": {"page_no": {}}})
    text = build_catalogue([spec], [Recorder()]).indexes[0][1].documents[0]
    assert text == "ocr extract text from pdf: extract text from pdf. page no"


class Recorder:
    name = "bm25"

    def index(self, documents):
        self.documents = documents
        return self

    def scores(self, query):
        return [0.0 for _ in self.documents]


def test_the_plans_namespace_gives_at_least_half_of_the_places(office):
    chosen = shortlist(office, query="send a message", namespace="filesystem", k=4)
    assert namespaces(chosen).count("filesystem") >= 2
    assert "email.send" in chosen.tools


def test_a_namespace_with_few_tools_gives_all_it_has(office):
    chosen = shortlist(office, query="read the text of a file", namespace="ocr", k=6)
    assert {"ocr.extract_text", "ocr.detect_tables"} <= set(chosen.tools)


def test_a_wrong_namespace_cannot_close_the_way_out(office):
    chosen = shortlist(office, query="read text of a picture", namespace="filesystem", k=4)
    assert "ocr.extract_text" in chosen.tools


def test_the_last_namespace_cannot_fill_the_list(office):
    query = "list search read move files in a folder"
    chosen = shortlist(office, query=query, last_namespace="filesystem", k=4)
    assert namespaces(chosen).count("filesystem") <= 3


def test_an_unknown_namespace_is_no_preference_and_is_noted(office):
    plain = shortlist(office, query="read text", k=4)
    chosen = shortlist(office, query="read text", namespace="printer", k=4)
    assert chosen.tools == plain.tools
    assert "'printer'" in chosen.notes[0]


def test_a_fully_masked_namespace_is_noted(office):
    masked = frozenset({"ocr.extract_text", "ocr.detect_tables"})
    chosen = shortlist(office, query="read text", namespace="ocr", k=4, exclude=masked)
    assert "masked" in chosen.notes[0]
    assert not masked & set(chosen.tools)


def test_a_pinned_tool_out_of_scope_is_noted_once(office):
    chosen = shortlist(office, query="read", k=2, pinned=["git.log", "git.log"])
    assert len(chosen.notes) == 1
    assert "git.log" in chosen.notes[0]


def test_a_mask_beats_a_pin(office):
    name = "ocr.extract_text"
    chosen = shortlist(office, query="read", k=4, exclude=frozenset({name}), pinned=[name])
    assert name not in chosen.tools


def test_no_filter_means_every_tool_that_is_not_masked(office):
    chosen = shortlist(office, query="read", k=None, exclude=frozenset({"clock.now"}))
    assert set(chosen.tools) == {spec.id for spec in OFFICE} - {"clock.now"}


def test_every_entry_has_a_reason_and_a_rank(office):
    chosen = shortlist(
        office, query="read text in a picture", namespace="ocr", k=4, pinned=["email.send"]
    )
    reasons = {entry.tool: entry.why for entry in chosen.entries}
    assert reasons["ocr.extract_text"] == "best of the plan's namespace; rank 1 of 8"
    assert reasons["email.send"].startswith("pinned for this step; rank")


def test_an_explanation_has_a_row_for_each_tool_in_order(office):
    chosen = shortlist(office, query="read text", k=3)
    rows = explain(chosen)
    assert [row.rank for row in rows] == [1, 2, 3]
    assert [row.tool for row in rows] == list(chosen.tools)
    assert rows[0].namespace == split_name(rows[0].tool)[0]
    assert rows[0].reason == chosen.entries[0].why


def test_namespaces_are_ranked_by_their_best_tool(office):
    ranked = namespace_ranking(office, "text in a picture")
    assert (ranked[0].namespace, ranked[0].best) == ("ocr", "ocr.extract_text")
    assert {entry.namespace for entry in ranked} == {"filesystem", "ocr", "email", "clock"}


def test_producers_are_found_through_nested_output_schemas():
    listing = {
        "type": "object",
        "properties": {
            "entries": {"type": "array", "items": {"type": "object", "properties": {"path": {}}}}
        },
    }
    union = {"anyOf": [{"type": "null"}, {"properties": {"filePaths": {}}}]}
    tools = [tool("a.list", output=listing), tool("b.find", output=union), tool("c.none")]
    catalogue = build_catalogue(tools, [])
    assert producers(catalogue, "path") == ("a.list",)
    assert producers(catalogue, "paths") == ("a.list",)
    assert producers(catalogue, "file_path") == ("b.find",)
    assert producers(catalogue, "date") == ()


NAMESPACES = ("calendar", "email", "files", "ocr", "tasks")
CROWD = [f"{namespace}.t{number}" for namespace in NAMESPACES for number in range(7)]


@st.composite
def situations(draw):
    """Some tools with scores, and a step's wishes about them."""
    ids = sorted(draw(st.sets(st.sampled_from(CROWD), min_size=1)))
    levels = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    scores = draw(st.lists(levels, min_size=len(ids), max_size=len(ids)))
    wishes = {
        "namespace": draw(st.none() | st.sampled_from(NAMESPACES)),
        "last_namespace": draw(st.none() | st.sampled_from(NAMESPACES)),
        "k": draw(st.integers(min_value=1, max_value=15)),
        "exclude": draw(st.frozensets(st.sampled_from(CROWD), max_size=8)),
        "pinned": draw(st.lists(st.sampled_from(CROWD), max_size=5)),
    }
    return ids, scores, wishes


def chosen_in(situation):
    ids, scores, wishes = situation
    catalogue = build_catalogue([ToolSpec(id=name) for name in ids], [Fixed("bm25", scores)])
    return shortlist(catalogue, query="anything", **wishes)


@settings(max_examples=50)
@given(situations())
def test_a_shortlist_is_never_longer_than_a_decision_may_offer(situation):
    ids, _, wishes = situation
    chosen = chosen_in(situation)
    assert len(chosen.tools) == len(set(chosen.tools)) <= MOST
    available = set(ids) - wishes["exclude"]
    assert len(chosen.tools) >= min(wishes["k"], MOST, len(available))
    if not wishes["pinned"]:
        assert len(chosen.tools) <= max(wishes["k"], 1)


@settings(max_examples=50)
@given(situations())
def test_masked_tools_and_tools_out_of_scope_are_never_in(situation):
    ids, _, wishes = situation
    assert set(chosen_in(situation).tools) <= set(ids) - wishes["exclude"]


@settings(max_examples=50)
@given(situations())
def test_pinned_tools_in_scope_are_always_in(situation):
    ids, _, wishes = situation
    expected = set(wishes["pinned"]) & set(ids) - wishes["exclude"]
    assert expected <= set(chosen_in(situation).tools)


@settings(max_examples=50)
@given(situations())
def test_the_plans_namespace_is_always_represented_by_its_best(situation):
    ids, scores, wishes = situation
    inside = [
        (-score, name)
        for name, score in zip(ids, scores, strict=True)
        if split_name(name)[0] == wishes["namespace"] and name not in wishes["exclude"]
    ]
    if inside:
        assert min(inside)[1] in chosen_in(situation).tools


@settings(max_examples=50)
@given(situations())
def test_there_is_always_a_way_out_of_a_namespace(situation):
    ids, _, wishes = situation
    found = namespaces(chosen_in(situation))
    in_scope = {split_name(name)[0] for name in ids}
    for anchor in {wishes["namespace"], wishes["last_namespace"]} & in_scope:
        others = [name for name in set(ids) - wishes["exclude"] if split_name(name)[0] != anchor]
        quota = min(outside_quota(min(wishes["k"], MOST)), len(others))
        assert len(found) - found.count(anchor) >= quota


@settings(max_examples=50)
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_catalogue_does_not_matter(situation, random):
    ids, scores, wishes = situation
    specs = [ToolSpec(id=name) for name in ids]
    random.shuffle(specs)
    catalogue = build_catalogue(specs, [Fixed("bm25", scores)])
    assert shortlist(catalogue, query="anything", **wishes) == chosen_in(situation)


@settings(max_examples=50)
@given(situations())
def test_entries_come_best_first(situation):
    entries = chosen_in(situation).entries
    assert list(entries) == sorted(entries, key=lambda entry: (-entry.score, entry.tool))
