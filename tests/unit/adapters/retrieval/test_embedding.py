"""The sentence embedding: what it needs, what it keeps, what it refuses."""

from importlib import util

import pytest

from adapters.retrieval import embedding
from adapters.retrieval.embedding import EmbeddingRetriever, SentenceModel
from orchestrator.core.errors import ModelFileError, SettingsError
from tests.fakes.sentence_model import write_sentence_model

DOCUMENTS = ["read the text in a picture", "send a message", "list the files in a folder"]


@pytest.fixture
def model_dir(tmp_path):
    return write_sentence_model(tmp_path / "model")


def asked(retriever):
    """Whether the retriever had to start the model."""
    return "_session" in vars(retriever._model)


def test_vectors_have_unit_length(model_dir):
    vectors = SentenceModel(model_dir).encode(DOCUMENTS)
    assert (vectors**2).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_text_meets_itself_at_one(model_dir):
    scores = EmbeddingRetriever(model_dir).index(DOCUMENTS).scores(DOCUMENTS[1])
    assert scores[1] == pytest.approx(1, abs=1e-5)
    assert max(scores) == scores[1]


def test_only_the_first_128_tokens_are_read(model_dir):
    model = SentenceModel(model_dir)
    long, longer = model.encode(["read " * 128, "read " * 128 + "picture " * 50])
    assert (long == longer).all()


def test_a_second_start_embeds_nothing(model_dir, tmp_path):
    first = EmbeddingRetriever(model_dir, tmp_path / "cache")
    before = first.index(DOCUMENTS).scores("read a file")
    second = EmbeddingRetriever(model_dir, tmp_path / "cache")
    index = second.index(DOCUMENTS[::-1])
    assert asked(first)
    assert not asked(second)
    assert list(index.scores("read a file"))[::-1] == pytest.approx(list(before))


def test_another_model_does_not_use_the_vectors_of_the_first(model_dir, tmp_path):
    EmbeddingRetriever(model_dir, tmp_path / "cache").index(DOCUMENTS)
    other = EmbeddingRetriever(write_sentence_model(tmp_path / "other", seed=1), tmp_path / "cache")
    scores = other.index(DOCUMENTS).scores(DOCUMENTS[0])
    assert scores[0] == pytest.approx(1, abs=1e-5)


def test_a_query_is_embedded_once(model_dir):
    retriever = EmbeddingRetriever(model_dir)
    for documents in (DOCUMENTS, DOCUMENTS[:1]):
        retriever.index(documents).scores("read a file")
    assert retriever._model.query.cache_info().misses == 1


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named_with_the_command_that_fetches_it(model_dir, name):
    (model_dir / name).unlink()
    with pytest.raises(ModelFileError, match=name) as caught:
        EmbeddingRetriever(model_dir)
    assert "ferryman models pull all-minilm-l6-v2" in caught.value.hint


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_of_something_else_is_named(model_dir, name):
    (model_dir / name).write_bytes(b"not what it claims to be")
    with pytest.raises(ModelFileError, match=name):
        EmbeddingRetriever(model_dir).index(DOCUMENTS)


def test_a_missing_package_is_named_with_the_extra_that_brings_it(model_dir, monkeypatch):
    def without_runtime(name):
        return None if name == "onnxruntime" else util.find_spec(name)

    monkeypatch.setattr(embedding, "find_spec", without_runtime)
    with pytest.raises(SettingsError, match="onnxruntime") as caught:
        EmbeddingRetriever(model_dir)
    assert "ferryman[embedding]" in caught.value.hint
