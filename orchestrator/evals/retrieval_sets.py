"""Labelled sets for retrieval, read from a folder of evaluation data: tools, and who asks what.

Each loader takes the folder and yields the sets whose files are there, so a folder with half of
the data measures half. Nothing of a set is kept anywhere else.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.core.tools import ToolSpec

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """A query and its gold tools; each is a set of tools that are equally right.

    `group` names what must stay together when the questions are parted for cross-validation (a
    chain, a task); `last_tool` is the tool of the step before, where the set knows it.
    """

    query: str
    gold: tuple[frozenset[str], ...]
    group: str
    last_tool: str = ""


@dataclass(frozen=True)
class LabelledSet:
    """Tools, and questions about them.

    `family` names the source that a set shares with others: what is learnt on one of them is not
    judged on another. `namespaces` says in words what each namespace is for, where the data does.
    """

    name: str
    family: str
    title: str
    tools: tuple[ToolSpec, ...]
    questions: tuple[Question, ...]
    namespaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Tools:
    """A catalogue of a data folder, with the ids of its rows as ours."""

    specs: tuple[ToolSpec, ...]
    ids: Mapping[str, str]
    namespaces: Mapping[str, str]


def labelled_sets(data: Path, only: Collection[str] | None = None) -> Iterator[LabelledSet]:
    """Read the sets that are present, small catalogues first.

    Args:
        data: The folder of the evaluation data.
        only: Names of sets; None reads them all.
    """
    for loader in LOADERS:
        for found in loader(data):
            if only is None or found.name in only:
                yield found


def localcowork(data: Path) -> Iterator[LabelledSet]:
    """Yield the LocalCowork suite: single steps, and the steps of its chains."""
    folder = data / "localcowork"
    if not (folder / "tools.jsonl").is_file():
        return
    known = _tools(_rows(folder / "tools.jsonl"))
    yield _set("localcowork-single", "LocalCowork single steps", known, _single(folder))
    yield _set("localcowork-chains", "LocalCowork chain steps", known, _chains(folder))


def livemcpbench(data: Path) -> Iterator[LabelledSet]:
    """Yield LiveMCPBench: whole tasks, their steps, and requests that a model wrote for them."""
    folder = data / "mcp-catalog"
    if not (folder / "livemcpbench_tools.jsonl").is_file():
        return
    known = _tools(_rows(folder / "livemcpbench_tools.jsonl"))
    tasks, steps = _live(folder, "queries", known), _live(folder, "steps", known)
    yield _set("livemcpbench-tasks", "LiveMCPBench tasks", known, tasks)
    yield _set("livemcpbench-steps", "LiveMCPBench steps", known, steps)
    yield _set("livemcpbench-requests", "LiveMCPBench requests", known, _requests(folder, tasks))


def metatool(data: Path) -> Iterator[LabelledSet]:
    """Yield MetaTool: plugins without a namespace, asked for one or two at a time."""
    folder = data / "retrieval"
    if not (folder / "metatool_tools.jsonl").is_file():
        return
    known = _tools(_rows(folder / "metatool_tools.jsonl"))
    rows = list(_rows(folder / "metatool_queries.dev.jsonl"))
    for part in ("single", "multi"):
        asked = [row for row in rows if row["source"] == f"metatool-{part}"]
        questions = tuple(_plain(row, known) for row in asked)
        yield _set(f"metatool-{part}", f"MetaTool {part}", known, questions)


def stabletoolbench(data: Path) -> Iterator[LabelledSet]:
    """Yield StableToolBench, whose namespaces have two levels: category and API."""
    yield from _pooled(
        data / "retrieval",
        ("toolbench_apis.jsonl", "stabletoolbench_queries.dev.jsonl"),
        ("stabletoolbench", "StableToolBench"),
    )


def sealtools(data: Path) -> Iterator[LabelledSet]:
    """Yield Seal-Tools: single and nested requests over thousands of synthetic tools."""
    yield from _pooled(
        data / "planning",
        ("sealtools_tools.jsonl", "sealtools_queries.dev.jsonl"),
        ("seal-tools", "Seal-Tools"),
    )


def distracted(data: Path) -> Iterator[LabelledSet]:
    """Yield LocalCowork and LiveMCPBench among ever more real tools of other servers.

    In a catalogue of many servers several tools do the same under the same name, so every tool
    with the name of a gold tool counts as right.
    """
    others = data / "mcp-catalog" / "toucan_tools.jsonl"
    asked = [*localcowork(data), *livemcpbench(data)]
    if not others.is_file() or not asked:
        return
    rows = list(_rows(others))
    for size, label in ((1_047, "1k"), (3_000, "3k"), (None, "15k")):
        base = {spec.id: spec for each in asked for spec in each.tools}
        words = {name: about for each in asked for name, about in each.namespaces.items()}
        more = _tools(_sample(rows, base.values(), size))
        specs = tuple({spec.id: spec for spec in (*more.specs, *base.values())}.values())
        wide = _Tools(specs, {}, {**more.namespaces, **words})
        twins = _by_name(specs)
        for each in asked:
            questions = tuple(_with_twins(question, twins) for question in each.questions)
            title = f"{each.title} in {len(specs):,}"
            yield _set(f"{each.name}-in-{label}", title, wide, questions)


Loader = Callable[[Path], Iterator[LabelledSet]]
LOADERS: tuple[Loader, ...] = (
    localcowork,
    livemcpbench,
    metatool,
    stabletoolbench,
    sealtools,
    distracted,
)


def _set(name: str, title: str, known: _Tools, questions: tuple[Question, ...]) -> LabelledSet:
    family = name.partition("-")[0]
    return LabelledSet(name, family, title, known.specs, questions, known.namespaces)


def _pooled(folder: Path, files: tuple[str, str], names: tuple[str, str]) -> Iterator[LabelledSet]:
    """Yield a set whose rows name their gold tools by the ids of its catalogue."""
    tools, queries = (folder / file for file in files)
    if tools.is_file():
        known = _tools(_rows(tools))
        questions = tuple(_plain(row, known) for row in _rows(queries))
        yield _set(*names, known, questions)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines; a file that is not there has none."""
    if file.is_file():
        with file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _tools(rows: Rows) -> _Tools:
    """Read tools; the first of two with the same id wins."""
    specs: dict[str, ToolSpec] = {}
    ids: dict[str, str] = {}
    about: dict[str, str] = {}
    for row in rows:
        namespace = _namespace(row)
        spec = ToolSpec(
            id=f"{namespace}.{row['name']}",
            description=row["description"] or "",
            input_schema=_schema(row),
        )
        specs.setdefault(spec.id, spec)
        ids[row["id"]] = spec.id
        about.setdefault(namespace, row.get("server_description") or "")
    described = {name: words for name, words in about.items() if words}
    return _Tools(tuple(specs.values()), ids, described)


def _namespace(row: Mapping[str, Any]) -> str:
    """Name the namespace of a tool: its server, below its category where ids have both levels."""
    server = str(row.get("server") or "plugins")
    levels = row["id"].removesuffix(f"/{row['name']}")
    return (levels if levels.endswith(f"/{server}") else server).replace(".", "-")


def _schema(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters of a tool; a set that knows their names only gives them no types."""
    if isinstance(row.get("parameters"), dict):
        return dict(row["parameters"])
    return {"type": "object", "properties": {name: {} for name in row.get("params") or ()}}


def _plain(row: Mapping[str, Any], known: _Tools) -> Question:
    gold = tuple(frozenset({known.ids[tool]}) for tool in row["gold"] if tool in known.ids)
    return Question(row["query"], gold, group=row["id"])


def _single(folder: Path) -> tuple[Question, ...]:
    return tuple(
        Question(row["query"], tuple(frozenset({tool}) for tool in row["gold"]), row["id"])
        for row in _rows(folder / "single_step.dev.jsonl")
    )


def _chains(folder: Path) -> tuple[Question, ...]:
    """Read the steps of the chains, each with the tool of the step before."""
    found: list[Question] = []
    for chain in _rows(folder / "chains.dev.jsonl"):
        last = ""
        for step in chain["steps"]:
            gold = tuple(frozenset({tool}) for tool in step["gold"])
            found.append(Question(step["prompt"], gold, chain["id"], last))
            last = step["gold"][-1] if step["gold"] else last
    return tuple(question for question in found if question.gold)


def _live(folder: Path, part: str, known: _Tools) -> tuple[Question, ...]:
    """Read questions whose gold tools have alternatives; a tool out of the catalogue is none."""
    found = []
    for row in _rows(folder / f"livemcpbench_{part}.dev.jsonl"):
        gold = tuple(
            frozenset(known.ids[tool] for tool in some if tool in known.ids)
            for some in row["gold_alternatives"]
        )
        found.append(Question(row["query"], gold, row.get("task") or row["id"]))
    return tuple(question for question in found if question.gold)


def _requests(folder: Path, tasks: Sequence[Question]) -> tuple[Question, ...]:
    """Read the requests that a model wrote; any tool of their task is right."""
    right = {question.group: frozenset().union(*question.gold) for question in tasks}
    return tuple(
        Question(f"{row['tool_request']} ({row['server_request']})", (gold,), row["task"])
        for row in _rows(folder / "livemcpbench_route_requests.dev.jsonl")
        if (gold := right.get(row["task"], frozenset()))
    )


def _sample(
    rows: Sequence[Mapping[str, Any]], base: Iterable[ToolSpec], size: int | None
) -> list[Mapping[str, Any]]:
    """Choose tools, server by server in an order that only names decide, to come to `size`.

    What the base holds already, word by word, is left out.
    """
    own = {(spec.name, spec.description) for spec in base}
    room = len(rows) if size is None else size - len(own)
    fresh = [row for row in rows if (row["name"], row["description"] or "") not in own]
    fresh.sort(key=lambda row: hashlib.sha256(row["server"].encode()).hexdigest())
    return fresh[: max(0, room)]


def _by_name(specs: Iterable[ToolSpec]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for spec in specs:
        found.setdefault(_plain_name(spec.id), set()).add(spec.id)
    return {name: frozenset(ids) for name, ids in found.items()}


def _plain_name(tool: str) -> str:
    """Spell a tool's name so that `listDir` and `list_dir` are the same."""
    return "".join(filter(str.isalnum, tool.partition(".")[2])).lower()


def _with_twins(question: Question, twins: Mapping[str, frozenset[str]]) -> Question:
    gold = tuple(some.union(*(twins[_plain_name(tool)] for tool in some)) for some in question.gold)
    return Question(question.query, gold, question.group, question.last_tool)
