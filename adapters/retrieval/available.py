"""Every way of comparing texts that this machine can do."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.core.errors import ModelFileError
from orchestrator.ports.retrieval import Retriever

EMBEDDING_MODEL = "all-minilm-l6-v2"
STATIC_MODEL = "wordllama-256"


def available(path_of: Callable[[str], Path | str], vectors: Path | None) -> Sequence[Retriever]:
    """BM25 always; MiniLM and WordLlama where their files and their runtime are.

    Args:
        path_of: Where the weights of a name of the catalogue are; raises `ModelFileError`.
        vectors: The folder that keeps what was computed; None keeps nothing.
    """
    found: list[Retriever] = [LexicalRetriever()]
    with suppress(ModelFileError, ImportError):
        from adapters.retrieval.embedding import EmbeddingRetriever

        found.append(EmbeddingRetriever(Path(path_of(EMBEDDING_MODEL)), vectors))
    with suppress(ModelFileError, ImportError):
        from adapters.retrieval.static import StaticRetriever

        found.append(StaticRetriever(Path(path_of(STATIC_MODEL))))
    return found
