"""The retrievers, asked to keep the port's promises."""

import pytest

from adapters.retrieval.embedding import EmbeddingRetriever
from adapters.retrieval.lexical import LexicalRetriever
from adapters.retrieval.static import StaticRetriever
from tests.contract.retriever import RetrieverContract
from tests.fakes.sentence_model import write_sentence_model
from tests.fakes.word_vectors import write_word_vectors


class TestLexical(RetrieverContract):
    @pytest.fixture
    def retriever(self):
        return LexicalRetriever()


class TestEmbedding(RetrieverContract):
    @pytest.fixture
    def retriever(self, tmp_path):
        return EmbeddingRetriever(write_sentence_model(tmp_path))


class TestEmbeddingWithACache(RetrieverContract):
    @pytest.fixture
    def retriever(self, tmp_path):
        return EmbeddingRetriever(write_sentence_model(tmp_path), tmp_path / "vectors")


class TestPlainWords(RetrieverContract):
    @pytest.fixture
    def retriever(self):
        return LexicalRetriever(stems=False)


class TestWordVectors(RetrieverContract):
    @pytest.fixture
    def retriever(self, tmp_path):
        return StaticRetriever(write_word_vectors(tmp_path))
