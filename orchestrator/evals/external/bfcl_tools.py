"""BFCL's simulated functions as tools: all eight classes at once, each a namespace, executed.

`GorillaFileSystem.ls` is `gorilla_file_system.ls`: the namespace is the class in snake case.
A function that only looks is a `read`; any other is a `local_write`, as nothing leaves memory.
"""

import json
import re
from collections.abc import Container, Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import ToolFailed, UnknownTool
from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.tools import Effect, ToolCall, ToolOutcome, ToolSpec, split_name
from orchestrator.evals.cases import Gold
from orchestrator.evals.external.reading import json_lines, json_schema
from orchestrator.evals.external.simulators import MODULES, NAMESPACES, PACKAGE, Instances

_NUMBERS = ("integer", "number")
DOCUMENTS = ("data", "multi_turn_func_doc")
_OWN_WORDS = "Tool description:"
_LOOKS = re.compile(
    r"(get_|list_|search_|view_|find|estimate_|display|check_|filter_|verify_|retrieve_|compute_)"
    r"|\w+_get_login_status$|(gallon_to_liter|liter_to_gallon|notify_price_change)$"
    r"|(cat|diff|du|grep|ls|pwd|sort|tail|wc)$"
)


class Made(Frozen):
    """An executed call and what it gave, in the form in which results are compared."""

    tool: str
    fingerprint: str
    result: str


class BfclToolset:
    """Every function of the simulators that stand in `live`; `made` is what was called.

    Both are set anew for each case, while `specs` stays.
    """

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self.live: Instances = {}
        self.made: list[Made] = []

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """All functions, by class and name."""
        return tuple(self._specs.values())

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Execute one function; what it calls an error is an outcome that is not ok."""
        spec = self._specs.get(call.tool)
        if spec is None:
            error = f"There is no tool {call.tool}."
            return ToolOutcome(ok=False, error=error, code=UnknownTool.code)
        value, problem = execute(self.live, call.tool, _meant(spec, call.arguments))
        self.made.append(
            Made(
                tool=call.tool,
                fingerprint=call_fingerprint(call.tool, call.arguments),
                result=compared(value, problem),
            )
        )
        if problem:
            return ToolOutcome(ok=False, error=problem, code=ToolFailed.code)
        return ToolOutcome(ok=True, data=_as_data(value))


def _meant(spec: ToolSpec, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with digits as numbers where either is taken."""
    either = {
        name for name, form in spec.input_schema.get("properties", {}).items() if "anyOf" in form
    }
    return {
        name: int(value) if name in either and isinstance(value, str) and value.isdigit() else value
        for name, value in arguments.items()
    }


def execute(live: Instances, tool: str, arguments: dict[str, Any]) -> tuple[Any, str]:
    """Call a function of the simulators: what it returned, and its error or ""."""
    namespace, name = split_name(tool)
    try:
        value = getattr(live[namespace], name)(**deepcopy(arguments))
    except Exception as error:  # noqa: BLE001 - whatever a simulator raises is its result
        return None, f"Error during execution: {error}"
    told = value.get("error") if isinstance(value, dict) else None
    return value, str(told) if told else ""


def compared(value: Any, problem: str) -> str:
    """Write a result as BFCL compares it: objects as JSON, all else as text."""
    if value is None and problem:
        return problem
    if isinstance(value, dict):
        try:
            return json.dumps(value)
        except (TypeError, ValueError):
            return str(value)
    return str(value)


def _as_data(value: Any) -> JsonValue:
    plain: JsonValue = json.loads(json.dumps(value, default=str))
    return plain if isinstance(plain, dict) else {"result": plain}


def read_specs(folder: Path) -> tuple[ToolSpec, ...]:
    """Read the tools from the package's own documents.

    Raises:
        SettingsError: They are missing or damaged.
    """
    at = folder.joinpath(PACKAGE, *DOCUMENTS)
    return tuple(
        _spec(namespace, row)
        for namespace, name in NAMESPACES.items()
        for row in json_lines(at / f"{MODULES[name]}.json")
    )


def _spec(namespace: str, row: dict[str, Any]) -> ToolSpec:
    words = str(row.get("description", "")).rpartition(_OWN_WORDS)[2].strip()
    return ToolSpec(
        id=f"{namespace}.{row['name']}",
        description=words,
        input_schema={"additionalProperties": False, **json_schema(row["parameters"])},
        output_schema=json_schema(row.get("response", {"type": "object"})),
        effect=effect(namespace, str(row["name"])),
    )


def widened(specs: Sequence[ToolSpec], gold: Iterable[Gold]) -> tuple[ToolSpec, ...]:
    """Let a parameter take text as well where a gold call sets it to text against its type.

    Without this, whoever checks arguments against the documents cannot solve that task.
    """
    texts = {
        (call.tool, name)
        for call in gold
        for name, value in call.arguments.items()
        if isinstance(value, str)
    }
    return tuple(
        _widened(spec, {name for tool, name in texts if tool == spec.id}) for spec in specs
    )


def _widened(spec: ToolSpec, texts: Container[str]) -> ToolSpec:
    properties = {
        name: _either(form) if name in texts and form.get("type") in _NUMBERS else form
        for name, form in spec.input_schema["properties"].items()
    }
    schema = {**spec.input_schema, "properties": properties}
    return spec.model_copy(update={"input_schema": schema})


def _either(form: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in form.items() if key != "type"}
    return {"anyOf": [{"type": form["type"]}, {"type": "string"}], **rest}


def effect(namespace: str, name: str) -> Effect:
    """What a function does to its simulator."""
    looks = namespace == "math_api" or _LOOKS.match(name) is not None
    return "read" if looks else "local_write"
