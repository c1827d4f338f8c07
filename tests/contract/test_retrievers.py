"""The retrievers, asked to keep the port's promises."""

import pytest

from adapters.retrieval.embedding import EmbeddingRetriever
from adapters.retrieval.lexical import LexicalRetriever
from tests.contract.retriever import RetrieverContract
from tests.fakes.sentence_model import write_sentence_model


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
