"""How fast a shortlist is made, and how often the right tool is in it.

    python -m benchmarks.shortlist [--model-dir DIR] [--vectors-dir DIR] [--data DIR]

Times are ratios to the lexical shortlist of the same catalogue, measured in turns: absolute
times are this machine's. Recall under a right, a silent and a wrong plan is measured on labelled
sets where they are present; the recall of the rankings themselves is `ferryman eval run retrieval`.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from time import perf_counter

# One thread, as in the service: several threads wait for each other longer than one computes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from adapters.retrieval.embedding import WIDTH, EmbeddingIndex, EmbeddingRetriever, SentenceModel
from adapters.retrieval.lexical import LexicalRetriever
from adapters.retrieval.static import StaticRetriever
from orchestrator.core.tools import ToolSpec, split_name
from orchestrator.evals.retrieval_sets import LabelledSet, Question, labelled_sets
from orchestrator.policy.shortlist import (
    Catalogue,
    build_catalogue,
    namespace_ranking,
    shortlist,
)
from orchestrator.ports.retrieval import Retriever

SIZES = (59, 1_000, 10_000)
ROUNDS = 60
SETS = ("localcowork-single", "localcowork-chains", "livemcpbench-steps")
PLANS = ("right", "silent", "wrong")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

VERBS = ("list", "read", "write", "move", "send", "find", "merge", "show", "create", "archive")
NOUNS = ("file", "folder", "picture", "message", "event", "table", "note", "task", "page", "record")


class RandomVectors:
    """Vectors that cost no model: the time of a comparison does not depend on what they say."""

    name = "minilm"

    def __init__(self, model: SentenceModel) -> None:
        self._model = model

    def index(self, documents: Sequence[str]) -> EmbeddingIndex:
        """Draw a unit vector for each document."""
        vectors = np.random.default_rng(0).normal(size=(len(documents), WIDTH))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return EmbeddingIndex(vectors.astype(np.float32), self._model)


def main() -> None:
    """Measure what can be measured here and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model-dir", type=Path, help="holds model.onnx and tokenizer.json")
    parser.add_argument("--vectors-dir", type=Path, help="holds the word vectors")
    parser.add_argument("--cache-dir", type=Path, help="keeps vectors between runs")
    parser.add_argument("--data", type=Path, default=DATA, help="the labelled sets")
    options = parser.parse_args()
    console = Console(width=120)
    console.print(speed(options.model_dir, options.vectors_dir))
    sets = list(labelled_sets(options.data, SETS))
    if not sets:
        console.print(f"No labelled sets in {options.data}: recall is not measured.")
        return
    retrievers: list[Retriever] = [LexicalRetriever()]
    if options.model_dir:
        retrievers.append(EmbeddingRetriever(options.model_dir, options.cache_dir))
    if options.vectors_dir:
        retrievers.append(StaticRetriever(options.vectors_dir))
    catalogues = [build_catalogue(labelled.tools, retrievers) for labelled in sets]
    console.print(recall_of_shortlists(sets, catalogues))


def speed(model_dir: Path | None, vectors_dir: Path | None) -> Table:
    """Time the making of a shortlist of 8 in catalogues of growing size."""
    table = Table("tools", "bm25 p50", "worst", title="Making a shortlist (p50 as ratio to bm25)")
    table.add_column("blend, asked again")
    table.add_column("blend, query embedded before")
    table.add_column("blend, new query")
    for size in SIZES:
        table.add_row(f"{size:,}", *_speed_cells(size, model_dir, vectors_dir))
    return table


def _speed_cells(size: int, model_dir: Path | None, vectors_dir: Path | None) -> list[str]:
    lexical = build_catalogue(synthetic(size), [LexicalRetriever()])
    cases: dict[str, Callable[[str], object]] = {"bm25": lambda query: _ask(fresh(lexical), query)}
    if model_dir:
        model = SentenceModel(model_dir)
        retrievers: list[Retriever] = [LexicalRetriever(), RandomVectors(model)]
        if vectors_dir:
            retrievers.append(StaticRetriever(vectors_dir))
        blend = build_catalogue(synthetic(size), retrievers)

        def unseen(query: str) -> object:
            model.query.cache_clear()
            return _ask(fresh(blend), query)

        cases |= {
            "new": unseen,
            "seen": lambda query: _ask(fresh(blend), query),
            "again": lambda query: _ask(blend, query),
        }
    times = in_turns(cases)
    base = median(times["bm25"])
    ratios = [
        f"{median(times[case]) / base:.1f} x" for case in ("again", "seen", "new") if model_dir
    ]
    absolute = [f"{seconds * 1e3:.2f} ms" for seconds in (base, max(times["bm25"]))]
    return absolute + (ratios or ["no model"] * 3)


def fresh(catalogue: Catalogue) -> Catalogue:
    """Forget what was compared: a shortlist of words that were never asked for."""
    vars(catalogue).pop("_comparisons", None)
    return catalogue


def _ask(catalogue: Catalogue, query: str) -> object:
    return shortlist(catalogue, query=query, namespace="server1", k=8)


def in_turns(cases: dict[str, Callable[[str], object]]) -> dict[str, list[float]]:
    """Time the cases one after the other, round by round, so that all meet the same load."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 3):  # the first three warm up
        query = f"{VERBS[number % 10]} the {NOUNS[number // 7 % 10]} of yesterday"
        for name, case in cases.items():
            start = perf_counter()
            case(query)
            times[name].append(perf_counter() - start)
    return {name: values[3:] for name, values in times.items()}


def synthetic(size: int) -> list[ToolSpec]:
    """Make up tools, twelve to a namespace."""
    return [
        ToolSpec(
            id=f"server{at // 12}.{VERBS[at % 10]}_{NOUNS[at // 10 % 10]}_{at}",
            description=f"{VERBS[at % 10]} a {NOUNS[at // 10 % 10]} of kind {at % 97}",
        )
        for at in range(size)
    ]


def found(tools: Sequence[str], question: Question) -> float:
    """Give the share of the gold tools that are among these."""
    return mean(1.0 if gold & set(tools) else 0.0 for gold in question.gold)


def recall_of_shortlists(sets: Sequence[LabelledSet], catalogues: Sequence[Catalogue]) -> Table:
    """Compare what a step may choose from when its plan is right, silent, and wrong."""
    table = Table("set", "k", title="Recall of the shortlist by the plan's namespace")
    for plan in PLANS:
        table.add_column(plan, justify="right")
    for labelled, catalogue in zip(sets, catalogues, strict=True):
        for k in (5, 8, 12):
            cells = [
                mean(
                    found(_planned(catalogue, question, plan, k), question)
                    for question in labelled.questions
                )
                for plan in PLANS
            ]
            table.add_row(labelled.title, str(k), *(f"{cell:.3f}" for cell in cells))
    return table


def _planned(catalogue: Catalogue, question: Question, plan: str, k: int) -> tuple[str, ...]:
    """Make the shortlist under a plan; a wrong one names the most tempting wrong namespace."""
    right = {split_name(tool)[0] for gold in question.gold for tool in gold}
    ranked = [entry.namespace for entry in namespace_ranking(catalogue, question.query)]
    wrong = next(name for name in ranked if name not in right)
    namespace = {"right": min(right), "silent": None, "wrong": wrong}[plan]
    return shortlist(catalogue, query=question.query, namespace=namespace, k=k).tools


if __name__ == "__main__":
    main()
