"""Comparison by meaning: a small sentence embedding on the CPU (all-MiniLM-L6-v2, int8 ONNX)."""

import hashlib
from array import array
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from adapters.retrieval.vectors import VectorCache, Vectors
from orchestrator.core.errors import ModelFileError, SettingsError

WIDTH = 384
"""Numbers in a vector."""

MAX_TOKENS = 128
"""Tokens of a text that are read: what the model was trained on."""

_MAX_CHARACTERS = 8_000
_QUERIES = 256
_PULL = "Run `ferryman models pull all-minilm-l6-v2`."


class SentenceModel:
    """Turns texts into unit vectors; loads the model when the first text comes."""

    def __init__(self, model_dir: Path) -> None:
        for package in ("onnxruntime", "tokenizers"):
            if find_spec(package) is None:
                message = f"The sentence embedding needs the package {package}."
                raise SettingsError(message, hint="Install ferryman[embedding].")
        self._files = [model_dir / name for name in ("model.onnx", "tokenizer.json")]
        for file in self._files:
            if not file.is_file():
                raise ModelFileError(f"The embedding model has no file {file}.", hint=_PULL)
        self.query = lru_cache(maxsize=_QUERIES)(self._encode)

    @cached_property
    def digest(self) -> str:
        """The sha256 of the weights and the tokenizer, which every vector depends on."""
        digest = hashlib.sha256()
        for file in self._files:
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts one by one: on one core a padded batch costs more than it saves."""
        return np.stack([self._encode(text) for text in texts])

    def _encode(self, text: str) -> Vectors:
        # A model can write lone surrogates, and a server a description of megabytes.
        readable = text[:_MAX_CHARACTERS].encode(errors="replace").decode()
        ids = np.array([self._tokenizer.encode(readable).ids], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        states: Vectors = self._session.run(None, inputs)[0][0]
        mean: Vectors = states.mean(axis=0)
        return mean / np.float32(np.linalg.norm(mean))

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(self._files[1]))
        except Exception as error:  # the library raises bare exceptions
            raise ModelFileError(
                f"{self._files[1]} is no tokenizer: {error}", hint=_PULL
            ) from error
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # Two threads of a busy machine wait for each other longer than one computes.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            return onnxruntime.InferenceSession(
                str(self._files[0]), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library's exceptions share no base but this
            raise ModelFileError(f"{self._files[0]} is no model: {error}", hint=_PULL) from error


class EmbeddingIndex:
    """The vectors of a fixed list of documents."""

    def __init__(self, vectors: Vectors, model: SentenceModel) -> None:
        self._vectors = vectors
        self._model = model

    def scores(self, query: str) -> Sequence[float]:
        """Give the cosine of the angle between the query and every document, -1 to 1."""
        cosines = self._vectors @ self._model.query(query)
        return array("f", cosines.astype(np.float32).tobytes())


class EmbeddingRetriever:
    """Compares texts by what they mean.

    Args:
        model_dir: Holds `model.onnx` and `tokenizer.json`.
        cache_dir: Where document vectors are kept between starts; None keeps none.

    Raises:
        ModelFileError: A file is missing, or is not what its name says.
        SettingsError: The packages that run the model are not installed.
    """

    name = "minilm"

    def __init__(self, model_dir: Path, cache_dir: Path | None = None) -> None:
        self._model = SentenceModel(model_dir)
        self._cache = VectorCache(cache_dir, self._model.digest, width=WIDTH)

    def index(self, documents: Sequence[str]) -> EmbeddingIndex:
        """Embed the documents that were never embedded before."""
        return EmbeddingIndex(self._cache.vectors(documents, self._model.encode), self._model)
