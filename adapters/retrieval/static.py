"""Comparison by averaged word vectors (WordLlama, 256 numbers a token): as cheap as counting words.

It knows fewer shades than a sentence model and other words, so the two make each other's misses
good. A text is embedded in microseconds, so no vectors are kept between starts.
"""

import json
from array import array
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from adapters.retrieval.vectors import Vectors
from orchestrator.core.errors import ModelFileError, SettingsError

WEIGHTS_FILE = "vectors.safetensors"
TOKENIZER_FILE = "tokenizer.json"

_TENSOR = "embedding.weight"
_HEADER = 8
_LONGEST_HEADER = 1 << 20
_MAX_TOKENS = 256
_MAX_CHARACTERS = 8_000
_QUERIES = 256
_PULL = "Run `ferryman models pull wordllama-256`."


class WordVectors:
    """Turns texts into unit vectors: the mean of their tokens' vectors."""

    def __init__(self, model_dir: Path) -> None:
        if find_spec("tokenizers") is None:
            message = "Word vectors need the package tokenizers."
            raise SettingsError(message, hint="Install ferryman[embedding].")
        self._weights, self._words = model_dir / WEIGHTS_FILE, model_dir / TOKENIZER_FILE
        for file in (self._weights, self._words):
            if not file.is_file():
                raise ModelFileError(f"The word vectors have no file {file}.", hint=_PULL)
        self.query = lru_cache(maxsize=_QUERIES)(self.encode)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self._vectors.shape[1])

    def encode(self, text: str) -> Vectors:
        """Embed one text; a text without tokens has the zero vector."""
        readable = text[:_MAX_CHARACTERS].encode(errors="replace").decode()
        ids = self._tokenizer.encode(readable, add_special_tokens=False).ids[:_MAX_TOKENS]
        if not ids:
            return np.zeros(self.width, dtype=np.float32)
        mean: Vectors = np.asarray(self._vectors[ids], dtype=np.float32).mean(axis=0)
        return mean / np.float32(max(float(np.linalg.norm(mean)), 1e-9))

    @cached_property
    def _vectors(self) -> Any:
        """Map the table of vectors into memory: a catalogue touches a small part of it."""
        try:
            with self._weights.open("rb") as file:
                length = int.from_bytes(file.read(_HEADER), "little")
                header = json.loads(file.read(min(length, _LONGEST_HEADER)))
            tensor = header[_TENSOR]
            rows, width = tensor["shape"]
            offset = _HEADER + length + tensor["data_offsets"][0]
            return np.memmap(
                self._weights, dtype="<f2", mode="r", offset=offset, shape=(rows, width)
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFileError(
                f"{self._weights} holds no table of word vectors: {error}", hint=_PULL
            ) from error

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_file(str(self._words))
        except Exception as error:  # the library raises bare exceptions
            raise ModelFileError(f"{self._words} is no tokenizer: {error}", hint=_PULL) from error


class StaticIndex:
    """The vectors of a fixed list of documents."""

    def __init__(self, documents: Sequence[str], model: WordVectors) -> None:
        self._model = model
        rows = [model.encode(text) for text in documents]
        self._vectors: Vectors = np.stack(rows) if rows else np.zeros((0, model.width), np.float32)

    def scores(self, query: str) -> Sequence[float]:
        """Give the cosine of the angle between the query and every document, -1 to 1."""
        cosines: Vectors = self._vectors @ self._model.query(query)
        return array("f", cosines.astype(np.float32).tobytes())


class StaticRetriever:
    """Compares texts by the words they use and the company that those keep.

    Args:
        model_dir: Holds `vectors.safetensors` and `tokenizer.json`.

    Raises:
        ModelFileError: A file is missing, or is not what its name says.
        SettingsError: The package that parts texts into tokens is not installed.
    """

    name = "wordllama"

    def __init__(self, model_dir: Path) -> None:
        self._model = WordVectors(model_dir)

    def index(self, documents: Sequence[str]) -> StaticIndex:
        """Embed the documents."""
        return StaticIndex(documents, self._model)
