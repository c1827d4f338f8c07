"""Averaged word vectors: what they need and what they refuse."""

from importlib import util

import numpy as np
import pytest

from adapters.retrieval import static
from adapters.retrieval.static import StaticRetriever, WordVectors
from orchestrator.core.errors import ModelFileError, SettingsError
from tests.fakes.word_vectors import write_word_vectors

DOCUMENTS = ["read the text in a picture", "send a message", "list the files in a folder"]


@pytest.fixture
def model_dir(tmp_path):
    return write_word_vectors(tmp_path / "model")


def test_vectors_have_unit_length(model_dir):
    assert np.linalg.norm(WordVectors(model_dir).encode("send it")) == pytest.approx(1, abs=1e-5)


def test_a_text_without_words_is_close_to_nothing(model_dir):
    assert not any(StaticRetriever(model_dir).index(DOCUMENTS).scores(""))


def test_the_order_of_words_makes_no_difference(model_dir):
    model = WordVectors(model_dir)
    assert model.encode("read a file") == pytest.approx(model.encode("file a read"), abs=1e-6)


def test_a_lone_surrogate_is_read_as_something(model_dir):
    assert len(StaticRetriever(model_dir).index(DOCUMENTS).scores("\ud800 file")) == len(DOCUMENTS)


@pytest.mark.parametrize("name", ["vectors.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named_with_the_command_that_fetches_it(model_dir, name):
    (model_dir / name).unlink()
    with pytest.raises(ModelFileError, match=name) as caught:
        StaticRetriever(model_dir)
    assert "ferryman models pull wordllama-256" in caught.value.hint


@pytest.mark.parametrize("name", ["vectors.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"no such thing", b"\x02" + bytes(7) + b"{}"])
def test_a_file_of_something_else_is_named(model_dir, name, content):
    (model_dir / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=name):
        StaticRetriever(model_dir).index(DOCUMENTS)


def test_a_missing_package_is_named_with_its_extra(model_dir, monkeypatch):
    monkeypatch.setattr(static, "find_spec", lambda name: None)
    assert util.find_spec("tokenizers") is not None
    with pytest.raises(SettingsError, match="tokenizers") as caught:
        StaticRetriever(model_dir)
    assert "ferryman[embedding]" in caught.value.hint
