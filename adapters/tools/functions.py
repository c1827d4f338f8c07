"""Offers typed Python functions of the embedding program as tools."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError

from adapters.clock import SystemClock
from adapters.tools.outcomes import failed, succeeded, unknown_tool
from orchestrator.core.errors import (
    InvalidArguments,
    OrchestratorError,
    SettingsError,
    ToolFailed,
    ToolNameClash,
    ToolOutcomeUnknown,
    ToolTimeout,
)
from orchestrator.core.tools import Effect, ToolCall, ToolOutcome, ToolSpec
from orchestrator.ports.clock import Clock

_MARK = "__ferryman_tool__"
_RESULT = "result"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class _Traits:
    effect: Effect = "egress"
    idempotent: bool = False
    name: str = ""


def tool(effect: Effect, *, idempotent: bool = False, name: str = "") -> Callable[[F], F]:
    """Say what a function may do to the world; one that says nothing counts as `egress`."""

    def mark(function: F) -> F:
        setattr(function, _MARK, _Traits(effect, idempotent, name))
        return function

    return mark


@dataclass(frozen=True)
class _Offer:
    spec: ToolSpec
    function: Callable[..., Any]
    arguments: type[BaseModel]
    returned: TypeAdapter[Any]
    wrapped: bool


class FunctionToolset:
    """Functions, sync or async, as the tools of one namespace.

    The input schema comes from the signature, the description from the first paragraph of
    the docstring. A result that is not an object is given as `{"result": …}`. A sync function
    runs in a thread, which Python cannot stop: after `timeout_s` seconds it is left behind,
    and unless it is retry-safe nobody knows what it did. An exception is a failed outcome.

    Raises:
        SettingsError: A parameter or the result has no type that JSON can carry.
        ToolNameClash: Two functions have the same name.
    """

    def __init__(
        self,
        namespace: str,
        functions: Iterable[Callable[..., Any]],
        *,
        timeout_s: float = 60.0,
        clock: Clock | None = None,
    ) -> None:
        self.namespace = namespace
        self._timeout_s = timeout_s
        self._monotonic = (clock or SystemClock()).monotonic
        self._offers: dict[str, _Offer] = {}
        for function in functions:
            offer = _offer(namespace, function)
            if offer.spec.id in self._offers:
                raise ToolNameClash(f"Two functions are called {offer.spec.id!r}.")
            self._offers[offer.spec.id] = offer

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The functions, in the order in which they were given."""
        return tuple(offer.spec for offer in self._offers.values())

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Carry out one call; see `orchestrator.ports.tools.Toolset`."""
        started = self._monotonic()
        offer = self._offers.get(call.tool)
        if offer is None:
            return unknown_tool(call.tool, self._offers)
        try:
            outcome = succeeded(await self._result(offer, call))
        except OrchestratorError as error:
            outcome = failed(error)
        return outcome.model_copy(update={"seconds": self._monotonic() - started})

    async def _result(self, offer: _Offer, call: ToolCall) -> Any:
        given = _validated(offer, call)
        scope = anyio.CancelScope(deadline=anyio.current_time() + self._timeout_s)
        try:
            with scope:
                value = await _run(offer.function, given)
                plain = offer.returned.dump_python(value, mode="json", warnings="error")
                return {_RESULT: plain} if offer.wrapped else plain
        except OrchestratorError:
            raise
        except Exception as error:
            raise ToolFailed(f"{type(error).__name__}: {error}") from error
        kind = ToolTimeout if offer.spec.retry_safe else ToolOutcomeUnknown
        raise kind(f"{call.tool} did not answer within {self._timeout_s:g} s.")


def _validated(offer: _Offer, call: ToolCall) -> dict[str, Any]:
    try:
        given = offer.arguments.model_validate(call.arguments)
    except ValidationError as error:
        problems = "; ".join(_told(problem) for problem in error.errors(include_url=False))
        raise InvalidArguments(f"{call.tool}: {problems}.") from error
    return {name: getattr(given, name) for name in type(given).model_fields}


def _told(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}"


async def _run(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**given)
    call = functools.partial(function, **given)
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)


def _offer(namespace: str, function: Callable[..., Any]) -> _Offer:
    traits: _Traits = getattr(function, _MARK, _Traits())
    name = traits.name or function.__name__
    try:
        hints = get_type_hints(function, include_extras=True)
        arguments = _arguments_model(name, function, hints)
        returned: TypeAdapter[Any] = TypeAdapter(hints.get("return", Any))
        output = returned.json_schema(mode="serialization")
        schema = arguments.model_json_schema()
    except (TypeError, NameError, PydanticUserError) as error:
        raise SettingsError(
            f"{namespace}.{name} cannot be a tool: {error}",
            hint="Give every parameter and the result a type that JSON can carry.",
        ) from error
    wrapped = _resolved(output).get("type") != "object"
    spec = ToolSpec(
        id=f"{namespace}.{name}",
        description=_first_paragraph(function),
        input_schema=schema,
        output_schema=_wrapping(output) if wrapped else output,
        effect=traits.effect,
        idempotent=traits.idempotent,
    )
    return _Offer(spec, function, arguments, returned, wrapped)


def _arguments_model(
    name: str, function: Callable[..., Any], hints: dict[str, Any]
) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"{parameter} cannot be given by name")
        if parameter.name not in hints:
            raise TypeError(f"{parameter.name} has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _wrapping(output: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in output.items() if key != "$defs"}
    schema = {"type": "object", "properties": {_RESULT: inner}, "required": [_RESULT]}
    return schema | ({"$defs": output["$defs"]} if "$defs" in output else {})


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow the reference that pydantic puts at the top of a recursive model's schema."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    target: dict[str, Any] = schema.get("$defs", {}).get(name, schema)
    return target


def _first_paragraph(function: Callable[..., Any]) -> str:
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
