"""How fast a shortlist is made, and how often the right tool is in it.

    python -m benchmarks.shortlist [--model-dir DIR] [--data DIR]

Times are ratios to the lexical shortlist of the same catalogue, measured in turns: absolute
times are this machine's. Recall is measured on labelled sets where they are present.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

# One thread, as in the service: several threads wait for each other longer than one computes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from adapters.retrieval.embedding import WIDTH, EmbeddingIndex, EmbeddingRetriever, SentenceModel
from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.core.tools import ToolSpec, split_name
from orchestrator.policy.shortlist import (
    Catalogue,
    build_catalogue,
    namespace_ranking,
    shortlist,
)
from orchestrator.ports.retrieval import Retriever

SIZES = (59, 1_000, 10_000)
DEPTHS = (1, 5, 10, 12)
ROUNDS = 60
PLANS = ("right", "silent", "wrong")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

VERBS = ("list", "read", "write", "move", "send", "find", "merge", "show", "create", "archive")
NOUNS = ("file", "folder", "picture", "message", "event", "table", "note", "task", "page", "record")


@dataclass(frozen=True)
class Question:
    """A query and its gold tools; each is a set of tools that are equally right."""

    query: str
    gold: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class LabelledSet:
    """Tools, and questions about them."""

    name: str
    tools: tuple[ToolSpec, ...]
    questions: tuple[Question, ...]


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
    parser.add_argument("--cache-dir", type=Path, help="keeps vectors between runs")
    parser.add_argument("--data", type=Path, default=DATA, help="the labelled sets")
    options = parser.parse_args()
    console = Console(width=120)
    console.print(speed(options.model_dir))
    sets = list(labelled_sets(options.data))
    if not sets:
        console.print(f"No labelled sets in {options.data}: recall is not measured.")
        return
    retrievers: list[Retriever] = [LexicalRetriever()]
    if options.model_dir:
        retrievers.append(EmbeddingRetriever(options.model_dir, options.cache_dir))
    catalogues = [build_catalogue(labelled.tools, retrievers) for labelled in sets]
    console.print(recall_of_rankings(sets, catalogues))
    console.print(recall_of_shortlists(sets, catalogues))


def speed(model_dir: Path | None) -> Table:
    """Time the making of a shortlist of 8 in catalogues of growing size."""
    table = Table("tools", "bm25 p50", "worst", title="Making a shortlist (p50 as ratio to bm25)")
    table.add_column("blend, query seen before")
    table.add_column("blend, new query")
    for size in SIZES:
        table.add_row(f"{size:,}", *_speed_cells(size, model_dir))
    return table


def _speed_cells(size: int, model_dir: Path | None) -> list[str]:
    lexical = build_catalogue(synthetic(size), [LexicalRetriever()])
    cases: dict[str, Callable[[str], object]] = {"bm25": lambda query: _ask(lexical, query)}
    if model_dir:
        model = SentenceModel(model_dir)
        blend = build_catalogue(synthetic(size), [LexicalRetriever(), RandomVectors(model)])

        def unseen(query: str) -> object:
            model.query.cache_clear()
            return _ask(blend, query)

        cases |= {"new": unseen, "seen": lambda query: _ask(blend, query)}
    times = in_turns(cases)
    base = median(times["bm25"])
    ratios = [f"{median(times[case]) / base:.1f} x" for case in ("seen", "new") if case in times]
    absolute = [f"{seconds * 1e3:.2f} ms" for seconds in (base, max(times["bm25"]))]
    return absolute + (ratios or ["no model", "no model"])


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


def labelled_sets(data: Path) -> Iterator[LabelledSet]:
    """Read the sets that are present."""
    local, live = data / "localcowork", data / "mcp-catalog"
    if (local / "tools.jsonl").is_file():
        tools = _tools(local / "tools.jsonl")
        single = [
            _question(row["query"], row["gold"]) for row in _rows(local / "single_step.dev.jsonl")
        ]
        yield LabelledSet("LocalCowork single-step", tools, tuple(single))
        chains = _rows(local / "chains.dev.jsonl")
        steps = [_question(step["prompt"], step["gold"]) for row in chains for step in row["steps"]]
        yield LabelledSet("LocalCowork chain steps", tools, tuple(steps))
    if (live / "livemcpbench_tools.jsonl").is_file():
        rows = _rows(live / "livemcpbench_steps.dev.jsonl")
        live_steps = [_alternatives(row["query"], row["gold_alternatives"]) for row in rows]
        tools = _tools(live / "livemcpbench_tools.jsonl")
        yield LabelledSet("LiveMCPBench steps", tools, tuple(live_steps))


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _tools(file: Path) -> tuple[ToolSpec, ...]:
    return tuple(
        ToolSpec(
            id=f"{row['server']}.{row['name']}",
            description=row["description"] or "",
            input_schema=row["parameters"] or {},
        )
        for row in _rows(file)
    )


def _question(query: str, gold: Sequence[str]) -> Question:
    return Question(query, tuple(frozenset({tool}) for tool in gold))


def _alternatives(query: str, gold: Sequence[Sequence[str]]) -> Question:
    """Spell the ids of a set that writes `server/tool` as ours."""
    return Question(query, tuple(frozenset(t.replace("/", ".", 1) for t in some) for some in gold))


def found(tools: Sequence[str], question: Question) -> float:
    """Give the share of the gold tools that are among these."""
    return mean(1.0 if gold & set(tools) else 0.0 for gold in question.gold)


def recall_of_rankings(sets: Sequence[LabelledSet], catalogues: Sequence[Catalogue]) -> Table:
    """Compare each retriever alone and all together."""
    table = Table("set", "tools", "queries", "retriever", title="Recall of the ranking")
    for depth in DEPTHS:
        table.add_column(f"@{depth}", justify="right")
    for labelled, whole in zip(sets, catalogues, strict=True):
        alone = {name: replace(whole, indexes=((name, index),)) for name, index in whole.indexes}
        cases = alone | ({"blend": whole} if len(alone) > 1 else {})
        for name, catalogue in cases.items():
            ranked = [
                ([entry.tool for entry in catalogue.rank(question.query)], question)
                for question in labelled.questions
            ]
            cells = [
                mean(found(tools[:depth], question) for tools, question in ranked)
                for depth in DEPTHS
            ]
            size, asked = str(len(labelled.tools)), str(len(labelled.questions))
            table.add_row(labelled.name, size, asked, name, *(f"{cell:.3f}" for cell in cells))
    return table


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
            table.add_row(labelled.name, str(k), *(f"{cell:.3f}" for cell in cells))
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
