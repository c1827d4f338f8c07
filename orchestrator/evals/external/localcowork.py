"""LocalCowork's questions: which of 83 tools, for one request or for each of a chain of them.

As where the questions come from, a turn is right when the first tool called is the gold one;
nothing is executed. A question that no tool should answer is right when none is called.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.core.tools import Effect, ToolCall, ToolSpec
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.external.canned import CannedSuite
from orchestrator.evals.external.reading import json_lines, json_schema

TOOLS, SINGLE, CHAINS, EDGES = (
    "tools.jsonl",
    "single_step.dev.jsonl",
    "chains.dev.jsonl",
    "definitions_edge.dev.jsonl",
)
FOLDER = "localcowork"
_CALLED = "tool_call"
_FIELD = re.compile(r"(\w+)\??:\s*([\w<>, \[\]]+?)\s*(?=,\s*\w+\??:|\}|$)")
_PLAIN = {"string": "string", "number": "number", "boolean": "boolean"}
_CHANGES = re.compile(r"(set|index|update|take)_")


def load_single(folder: Path) -> CannedSuite:
    """Load the single requests, and the odd ones where they are there.

    Raises:
        SettingsError: A file is missing or damaged.
    """
    cases = [_single(row) for row in json_lines(folder / SINGLE)]
    if (folder / EDGES).exists():
        cases += [_edge(row) for row in json_lines(folder / EDGES)]
    return CannedSuite("localcowork-single", cases, judge, specs=read_tools(folder))


def load_chains(folder: Path) -> CannedSuite:
    """Load the chains: each step is a request of its own in one conversation.

    Raises:
        SettingsError: A file is missing or damaged.
    """
    cases = [_chain(row) for row in json_lines(folder / CHAINS)]
    return CannedSuite("localcowork-chains", cases, judge, specs=read_tools(folder))


def judge(case: Case, turns: Sequence[Sequence[ToolCall]]) -> list[str]:
    """Compare the first call of each turn with its gold tool."""
    if not case.calls:
        return [f"{turn[0].tool} was called" for turn in turns[:1] if turn]
    problems = []
    for index, gold in enumerate(case.gold):
        first = turns[index][0].tool if index < len(turns) and turns[index] else "no tool"
        if first not in gold.accepted:
            problems.append(f"turn {index + 1}: {first} was called, not {gold.tool}")
    return problems


def read_tools(folder: Path) -> tuple[ToolSpec, ...]:
    """Read the tools; what changes something is a local write, as nothing really leaves.

    Raises:
        SettingsError: The file is missing or damaged.
    """
    return tuple(
        ToolSpec(
            id=row["id"],
            description=row["description"],
            input_schema=json_schema(row["parameters"]),
            output_schema=result_schema(row.get("returns", "")),
            effect=_effect(row),
        )
        for row in json_lines(folder / TOOLS)
    )


def _effect(row: Mapping[str, Any]) -> Effect:
    changes = row.get("confirmation_required") or _CHANGES.match(row["name"])
    return "local_write" if changes else "read"


def result_schema(returns: str) -> dict[str, Any]:
    """Read what a tool returns from its type as a program would write it: `{ path: string }`."""
    if not returns.startswith("{"):
        item = {"type": "object", "properties": {"name": _text(), "path": _text()}}
        return {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    fields = {name: _type(written) for name, written in _FIELD.findall(returns.strip("{} "))}
    return {"type": "object", "properties": fields}


def _type(written: str) -> dict[str, Any]:
    if written.endswith("[]"):
        return {"type": "array", "items": _type(written.removesuffix("[]"))}
    return {"type": _PLAIN.get(written, "object")}


def _text() -> dict[str, Any]:
    return {"type": "string"}


def _gold(tools: Sequence[str]) -> Gold:
    return Gold(tool=tools[0], also=tuple(tools[1:]))


def _single(row: Mapping[str, Any]) -> Case:
    return Case(
        id=row["id"],
        goal=row["query"],
        difficulty=row.get("difficulty", ""),
        tags=(row["category"],),
        gold=(_gold(row["gold"]),),
    )


def _edge(row: Mapping[str, Any]) -> Case:
    called = row["expectedBehavior"] == _CALLED
    return Case(
        id=row["id"],
        goal=row["prompt"],
        kind="edge",
        tags=(row["expectedBehavior"], *row.get("tags", ())),
        calls=called,
        gold=(_gold([row["expectedTool"]]),) if called else (),
        steps=int(called),
    )


def _chain(row: Mapping[str, Any]) -> Case:
    prompts = [step["prompt"] for step in row["steps"]]
    return Case(
        id=row["id"],
        goal=prompts[0],
        kind="chain",
        difficulty=row.get("difficulty", ""),
        tags=(row["category"],),
        turns=tuple(prompts[1:]),
        gold=tuple(_gold(step["gold"]) for step in row["steps"]),
        steps=len(prompts),
    )
