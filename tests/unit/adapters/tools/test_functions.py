"""Typed Python functions become tools."""

import threading
from typing import Annotated

import jsonschema
import pytest
from pydantic import BaseModel, Field

from adapters.tools.functions import FunctionToolset, tool
from orchestrator.core.errors import SettingsError, ToolNameClash, ToolUnavailable
from orchestrator.core.tools import ToolCall

pytestmark = pytest.mark.anyio


class Node(BaseModel):
    name: str
    kids: "list[Node]" = []


def greet(name: Annotated[str, Field(description="Whom to greet.")], times: int = 1) -> str:
    """Greet somebody,
    politely.

    This is for readers of the code.
    """
    return f"hello {name} " * times


async def ask(function, **arguments):
    toolset = FunctionToolset("fn", [function])
    tool_id = toolset.specs[0].id
    return await toolset.call(ToolCall(tool=tool_id, arguments=arguments))


async def test_the_signature_and_docstring_describe_the_tool():
    (spec,) = FunctionToolset("fn", [greet]).specs
    assert (spec.id, spec.description) == ("fn.greet", "Greet somebody, politely.")
    assert spec.input_schema["required"] == ["name"]
    assert spec.input_schema["properties"]["name"]["description"] == "Whom to greet."
    assert not spec.input_schema["additionalProperties"]
    assert (spec.effect, spec.idempotent) == ("egress", False)


async def test_the_decorator_tells_the_effect_and_the_name():
    @tool("local_write", idempotent=True, name="put")
    def store() -> None: ...

    (spec,) = FunctionToolset("fn", [store]).specs
    assert (spec.id, spec.effect, spec.idempotent) == ("fn.put", "local_write", True)


async def test_a_result_that_is_no_object_is_wrapped_and_keeps_its_schema():
    def tree(name: str) -> list[Node]:
        return [Node(name=name)]

    outcome = await ask(tree, name="a")
    assert outcome.data == {"result": [{"name": "a", "kids": []}]}
    jsonschema.validate(outcome.data, FunctionToolset("fn", [tree]).specs[0].output_schema)


async def test_a_recursive_model_is_an_object_already():
    def grow(node: Node) -> Node:
        return Node(name="root", kids=[node])

    outcome = await ask(grow, node={"name": "leaf"})
    assert outcome.data == {"name": "root", "kids": [{"name": "leaf", "kids": []}]}
    jsonschema.validate(outcome.data, FunctionToolset("fn", [grow]).specs[0].output_schema)


@pytest.mark.parametrize("arguments", [{}, {"name": []}, {"name": "x", "extra": 1}])
async def test_wrong_arguments_never_reach_the_function(arguments):
    outcome = await ask(greet, **arguments)
    assert outcome.code == "invalid_arguments"


async def test_an_error_of_the_tree_keeps_its_code_and_others_are_failures():
    def down() -> str:
        raise ToolUnavailable("The printer is off.")

    async def late() -> str:
        raise TimeoutError("the gate closed")

    assert (await ask(down)).code == "tool_unavailable"
    outcome = await ask(late)
    assert (outcome.code, outcome.error) == ("tool_failed", "TimeoutError: the gate closed")


async def test_a_result_of_another_type_than_promised_is_a_failure():
    def lies() -> int:
        return "seven"

    assert (await ask(lies)).code == "tool_failed"


async def test_a_thread_that_does_not_return_is_left_behind():
    gate = threading.Event()

    def stuck() -> str:
        gate.wait()
        return "late"

    def sure() -> str:
        return stuck()

    tools = [tool("read")(stuck), tool("local_write", idempotent=True)(sure)]
    toolset = FunctionToolset("fn", tools, timeout_s=0.05)
    outcomes = [await toolset.call(ToolCall(tool=spec.id, arguments={})) for spec in toolset.specs]
    gate.set()
    assert [outcome.code for outcome in outcomes] == ["tool_timeout", "tool_timeout"]


async def test_nobody_knows_whether_an_effect_that_ran_out_of_time_took_place():
    gate = threading.Event()

    def send() -> None:
        gate.wait()

    toolset = FunctionToolset("fn", [send], timeout_s=0.05)
    outcome = await toolset.call(ToolCall(tool="fn.send", arguments={}))
    gate.set()
    assert outcome.code == "tool_outcome_unknown"


def bare(x):
    return x


def variadic(*args: int) -> int:
    return len(args)


def unknowable(x: threading.Lock) -> None: ...


@pytest.mark.parametrize("function", [bare, variadic, unknowable])
async def test_a_function_without_usable_types_is_refused_by_name(function):
    with pytest.raises(SettingsError, match=rf"fn\.{function.__name__} cannot be a tool"):
        FunctionToolset("fn", [function])


async def test_two_functions_of_one_name_are_refused():
    with pytest.raises(ToolNameClash, match=r"fn\.greet"):
        FunctionToolset("fn", [greet, greet])
