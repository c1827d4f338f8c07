"""BFCL's call-or-not questions: each with a few functions of its own, which may fit or may not.

Nothing is executed. A case is right when a function is called exactly if one fits; which one,
and how, shows in the other scores.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.core.tools import ToolCall, ToolSpec
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.external.canned import CannedSuite
from orchestrator.evals.external.reading import identifier, json_lines, json_schema
from orchestrator.evals.external.simulators import PACKAGE

CATEGORIES = {
    "irrelevance": False,
    "live_irrelevance": False,
    "live_relevance": True,
    "live_multiple": True,
}
"""Each set of questions, and whether a function fits in all of them."""

NAMESPACE = "functions"
"""The namespace of a function whose name has no dot."""

LONGEST_GOAL = 8000
"""Characters that a goal may have; the few longer questions are left out."""


def load_call_or_not(package: Path | None, data: Path | None) -> CannedSuite:
    """Load the questions from the folder of samples, else from the package's own data.

    Left out are conversations with replies of an assistant in them, and overlong ones.

    Raises:
        SettingsError: A file is missing or damaged.
    """
    cases: list[Case] = []
    own: dict[str, tuple[ToolSpec, ...]] = {}
    for category, calls in CATEGORIES.items():
        for row in _rows(category, package, data):
            goal = _goal(row["turns"])
            if goal is not None:
                cases.append(_case(row, goal, category, calls=calls))
                own[row["id"]] = _specs(row["functions"])
    return CannedSuite("bfcl-irrelevance", cases, judge, own=own)


def judge(case: Case, turns: Sequence[Sequence[ToolCall]]) -> list[str]:
    """Say whether functions were called exactly if one fits."""
    called = [call.tool for turn in turns for call in turn]
    if called and not case.calls:
        return [f"{called[0]} was called, and no function fits"]
    return [] if called or not case.calls else ["no function was called, and one fits"]


def _rows(category: str, package: Path | None, data: Path | None) -> list[dict[str, Any]]:
    if package is None:
        return json_lines((data or Path()) / f"{category}.dev.jsonl")
    folder = package / PACKAGE / "data"
    name = f"BFCL_v4_{category}.json"
    answers = folder / "possible_answer" / name
    known = (
        {row["id"]: row["ground_truth"] for row in json_lines(answers)} if answers.exists() else {}
    )
    return [
        {
            "id": row["id"],
            "turns": row["question"],
            "functions": row["function"],
            "ground_truth": known.get(row["id"]),
        }
        for row in json_lines(folder / name)
    ]


def _goal(turns: Sequence[Sequence[Mapping[str, str]]]) -> str | None:
    messages = [message for turn in turns for message in turn]
    roles = [message["role"] for message in messages]
    goal = "\n\n".join(message["content"] for message in messages)
    usable = roles in (["user"], ["system", "user"]) and 0 < len(goal) <= LONGEST_GOAL
    return goal if usable else None


def _case(row: Mapping[str, Any], goal: str, category: str, *, calls: bool) -> Case:
    gold = tuple(Gold(tool=tool_id(name)) for call in row["ground_truth"] or () for name in call)
    return Case(
        id=row["id"],
        goal=goal,
        kind=category,
        calls=calls,
        gold=gold if calls else (),
        steps=len(gold) or int(calls),
    )


def tool_id(name: str) -> str:
    """Spell a function's name as a tool id: the part before its first dot is the namespace."""
    namespace, dot, rest = name.partition(".")
    return (
        f"{identifier(namespace)}.{identifier(rest)}" if dot else f"{NAMESPACE}.{identifier(name)}"
    )


def _specs(functions: Sequence[Mapping[str, Any]]) -> tuple[ToolSpec, ...]:
    specs = [
        ToolSpec(
            id=tool_id(function["name"]),
            description=function["description"],
            input_schema=json_schema(function["parameters"]),
            effect="read",
        )
        for function in functions
    ]
    return tuple({spec.id: spec for spec in specs}.values())
