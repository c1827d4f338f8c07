"""How things are written for a model: compact, in a fixed order, nothing volatile."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.plans import Plan
from orchestrator.core.tools import ToolSpec

MAX_TOOL_WORDS = 110
MAX_PARAMETER_WORDS = 90
MAX_VALUES = 10
NAMESPACE_TOOLS = 6
_STRAIGHT = re.compile(r'"([^"\n]*)"')
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s")


def compact(value: Any) -> str:
    """JSON without blanks, keys in the order they were given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def first_sentence(text: str, limit: int) -> str:
    """The first sentence of a description, cut at a word before `limit` characters."""
    sentence = _SENTENCE.split(" ".join(text.split()), maxsplit=1)[0].rstrip(".")
    if len(sentence) <= limit:
        return sentence
    return sentence[:limit].rpartition(" ")[0] or sentence[:limit]


def tool_line(spec: ToolSpec) -> str:
    """A tool in one line: its id, its required parameters, what it is for."""
    required = ", ".join(spec.input_schema.get("required", ()))
    return f"- {spec.id}({required}): {first_sentence(spec.description, MAX_TOOL_WORDS)}"


def namespace_lines(specs: Sequence[ToolSpec]) -> str:
    """A line for each namespace: what its first tools do, in the words of their names."""
    names: dict[str, list[str]] = {}
    for spec in specs:
        names.setdefault(spec.namespace, []).append(spec.name.replace("_", " "))
    return "\n".join(
        f"- {namespace}: {', '.join(tools[:NAMESPACE_TOOLS])}" for namespace, tools in names.items()
    )


def curled(text: str) -> str:
    """A text whose straight quotation marks are curly.

    What a goal quotes is copied into a plan, which is JSON: a straight mark ends the string there,
    and a small model forgets to escape it, so that `add "Water the plants"` came out as `add `.
    """
    return _STRAIGHT.sub("\u201c\\1\u201d", text)


def parameter_line(name: str, kind: str, description: str, *, required: bool) -> str:
    """A parameter in one line, for the second stage of a decision."""
    need = "required" if required else "optional"
    words = first_sentence(description, MAX_PARAMETER_WORDS)
    return f"- {name} ({kind}, {need}){': ' + words if words else ''}"


def value_words(values: Sequence[str]) -> str:
    """The references on offer, the nearest first."""
    return ", ".join(values[:MAX_VALUES]) if values else "none"


def plan_json(plan: Plan) -> str:
    """A plan as the model writes it."""
    if plan.answer or plan.question:
        return compact({"answer": plan.answer} if plan.answer else {"question": plan.question})
    return compact({"steps": [step_json(step.model_dump()) for step in plan.steps]})


def step_json(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step as the model writes it: the same five keys, always, and what else it has."""
    needs = step.get("needs")
    optional = {key: _conditions(step.get(key)) for key in ("only_if", "wait_until")}
    return {
        "id": step["id"],
        "intent": curled(step["intent"]),
        "namespace": step["namespace"],
        **({} if needs is None else {"needs": list(needs)}),
        "over": step.get("over", ""),
        "where": _conditions(step.get("where")),
        **{key: text for key, text in optional.items() if text},
    }


def _conditions(said: str | Sequence[Mapping[str, Any]] | None) -> str:
    """Conditions as the model writes them, each with the step it is about where it names one."""
    if said is None or isinstance(said, str):
        return said or ""
    return " and ".join(_condition(each) for each in said)


def _condition(said: Mapping[str, Any]) -> str:
    about = said.get("condition", said)
    step = f"{said['step']}." if "step" in said else ""
    return f"{step}{about['field']} {about['op']} {about['value']}"
