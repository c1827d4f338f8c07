"""NESTFUL's plans: calls in which the result of one is an argument of the next.

Nothing is executed, but every call is answered with values of its own, so that the arguments
of the gold calls are known to the letter: `$var1.geoId$` is what the first call gave.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from orchestrator.core.tools import ToolCall, ToolSpec
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.external.canned import CannedSuite, canned_result
from orchestrator.evals.external.reading import identifier, json_lines, json_schema

FOLDER, TOOLS, PLANS = "planning", "nestful_tools.jsonl", "nestful_plans.dev.jsonl"
_RESULT = "var_result"
_VALUE = re.compile(r"\$(var\d+)((?:\.\w+)*)\$")

Results = dict[str, JsonValue]


def load_nestful(folder: Path) -> CannedSuite:
    """Load the plans whose every tool is in the catalogue.

    Raises:
        SettingsError: A file is missing or damaged.
    """
    rows = json_lines(folder / TOOLS)
    tools = {row["name"]: _spec(row) for row in rows}
    cases = [
        _case(row, tools)
        for row in json_lines(folder / PLANS)
        if all(call["name"] in tools for call in _calls(row))
    ]
    return CannedSuite("nestful", cases, judge, specs=tuple(tools.values()))


def judge(case: Case, turns: Sequence[Sequence[ToolCall]]) -> list[str]:
    """Find the gold calls among those made, in order, with the gold arguments."""
    made = iter([call for turn in turns for call in turn])
    for number, gold in enumerate(case.gold, 1):
        if not any(_is_gold(call, gold) for call in made):
            return [f"call {number} of {len(case.gold)} was not made: {gold.tool}"]
    return []


def _is_gold(call: ToolCall, gold: Gold) -> bool:
    return call.tool in gold.accepted and all(
        name in call.arguments and (name in gold.free or call.arguments[name] == value)
        for name, value in gold.arguments.items()
    )


def _calls(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [call for call in row["calls"] if call["name"] != _RESULT]


def _spec(row: Mapping[str, Any]) -> ToolSpec:
    """A tool; a name without a dot gets its collection as the namespace."""
    namespace, dot, rest = row["name"].partition(".")
    parameters = row["parameters"]
    required = [name for name, schema in parameters.items() if schema.get("required") is True]
    schema = {"type": "object", "properties": parameters, "required": required}
    output = {"type": "object", "properties": row.get("output") or {}}
    return ToolSpec(
        id=f"{identifier(namespace if dot else row['server'])}.{identifier(rest or row['name'])}",
        description=row["description"],
        input_schema=json_schema(schema),
        output_schema=json_schema(output),
        effect="read",
    )


def _case(row: Mapping[str, Any], tools: Mapping[str, ToolSpec]) -> Case:
    results: Results = {}
    gold = []
    for call in _calls(row):
        spec = tools[call["name"]]
        found = {name: _resolved(value, results) for name, value in call["arguments"].items()}
        arguments = {name: value for name, (value, _) in found.items()}
        unknown = tuple(name for name, (_, known) in found.items() if not known)
        gold.append(Gold(tool=spec.id, arguments=arguments, free=unknown))
        results[call.get("label", "")] = canned_result(spec, arguments)
    return Case(
        id=row["id"],
        goal=row["query"],
        kind="plan",
        tags=(row["part"],),
        gold=tuple(gold),
        steps=len(gold),
    )


def _resolved(value: JsonValue, results: Results) -> tuple[JsonValue, bool]:
    """Put the results of earlier calls in; False where one is not known."""
    if isinstance(value, list):
        parts = [_resolved(part, results) for part in value]
        return [part for part, _ in parts], all(known for _, known in parts)
    if not isinstance(value, str):
        return value, True
    whole = _VALUE.fullmatch(value)
    if whole:
        found = _looked_up(whole, results)
        return (value, False) if found is None else (found, True)
    text = _VALUE.sub(lambda match: _as_text(_looked_up(match, results), match), value)
    return text, "$var" not in text


def _looked_up(match: re.Match[str], results: Results) -> JsonValue:
    found = results.get(match[1])
    for field in match[2].split(".")[1:]:
        found = found.get(field) if isinstance(found, dict) else None
    return found


def _as_text(found: JsonValue, match: re.Match[str]) -> str:
    return match[0] if found is None else str(found)
