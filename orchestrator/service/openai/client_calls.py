"""Tools that a caller carries out itself: as it offers them, and the ids of their calls."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.core.chat import FunctionTool
from orchestrator.core.errors import InvalidRequest
from orchestrator.core.runs import RunState
from orchestrator.core.tools import ToolOutcome, ToolSpec
from orchestrator.policy.client_tools import NAMESPACE, client_tools

_PREFIX = "call_"
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class Function(BaseModel):
    """A function as the caller describes it; `parameters` is its JSON schema."""

    model_config = ConfigDict(extra="ignore")

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None

    def offered(self) -> FunctionTool:
        """The function as a tool of a run."""
        return FunctionTool(
            name=self.name,
            description=self.description or "",
            parameters=self.parameters or {},
        )


class Named(BaseModel):
    """A function by its name alone."""

    name: Name


class Choice(BaseModel):
    """One function that is to be called, in either API's form."""

    type: Literal["function"]
    function: Named | None = None
    name: Name | None = None

    @property
    def wanted(self) -> str:
        """The name of the function, wherever it stands."""
        return (self.function.name if self.function else self.name) or ""


ToolChoice = Literal["auto", "none", "required"] | Choice


def specs_of(functions: Sequence[Function], choice: ToolChoice | None) -> tuple[ToolSpec, ...]:
    """The tools of a run out of the functions that the caller offers.

    Raises:
        InvalidRequest: A function cannot be used, or the choice names none of them.
    """
    try:
        specs = client_tools([function.offered() for function in functions])
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param="tools", hint=error.hint) from error
    if choice == "none":
        return ()
    if not isinstance(choice, Choice):
        return specs
    wanted = tuple(spec for spec in specs if spec.name == choice.wanted)
    if not wanted:
        raise InvalidRequest(
            f"tool_choice names {choice.wanted!r}, which is none of the tools.",
            param="tool_choice",
        )
    return wanted


def rule_of(choice: ToolChoice | None) -> str:
    """The choice as an instruction, where it asks for a call; a planner decides all the same."""
    if choice == "required":
        return f"Use at least one of the tools of the namespace {NAMESPACE}."
    return f"Use the tool {NAMESPACE}.{choice.wanted}." if isinstance(choice, Choice) else ""


def wire_id(run_id: str, call_id: str) -> str:
    """The id of a call as the caller sees it: the run and the call."""
    return f"{_PREFIX}{run_id}_{call_id}"


def wire_calls(state: RunState) -> list[tuple[str, str, str]]:
    """The calls that wait for the caller: id, name, and arguments as JSON text."""
    if state.status != "waiting_tools":
        return []
    return [
        (
            wire_id(state.run_id, call_id),
            call.tool.partition(".")[2],
            json.dumps(call.arguments, ensure_ascii=False),
        )
        for call_id, call, _ in state.awaited
    ]


def run_of(results: Mapping[str, ToolOutcome], *, param: str) -> str:
    """The run that results are for.

    Raises:
        InvalidRequest: An id is none of ours, or they are for different runs.
    """
    runs = {_parted(wire, param)[0] for wire in results}
    if len(runs) > 1:
        raise InvalidRequest("The results are for calls of different runs.", param=param)
    return runs.pop()


def call_ids(results: Mapping[str, ToolOutcome]) -> set[str]:
    """The run's own ids of the calls that results are for."""
    return {_parted(wire, "")[1] for wire in results}


def settled_by(
    state: RunState, results: Mapping[str, ToolOutcome], *, param: str
) -> dict[str, ToolOutcome]:
    """The results by the run's own call ids; empty when the run has had them all already.

    Raises:
        InvalidRequest: One is for no call of the run, or one that is waited for is missing.
    """
    given = {_parted(wire, param)[1]: outcome for wire, outcome in results.items()}
    known = {call.id for call in state.settled}
    if known.issuperset(given):
        return {}
    awaited = [call_id for call_id, *_ in state.awaited]
    if strange := given.keys() - known - set(awaited):
        raise InvalidRequest(
            f"The run waits for no call {wire_id(state.run_id, min(strange))!r}.", param=param
        )
    if missing := [call_id for call_id in awaited if call_id not in given]:
        ids = ", ".join(wire_id(state.run_id, call_id) for call_id in missing)
        raise InvalidRequest(
            f"The results of these calls are missing: {ids}.",
            param=param,
            hint="Give the results of all calls at once; a call that failed has one, too.",
        )
    return {call_id: given[call_id] for call_id in awaited}


def _parted(wire: str, param: str) -> tuple[str, str]:
    run_id, _, call_id = wire.removeprefix(_PREFIX).partition("_")
    if not wire.startswith(_PREFIX) or not run_id or not call_id:
        raise InvalidRequest(
            f"{wire[:80]!r} is the id of no call of this service.",
            param=param,
            hint="Give each result the id of the call as it came.",
        )
    return run_id, call_id
