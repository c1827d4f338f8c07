"""Play a case's right solution call by call, so that every case is known to be solvable."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from desk.errors import OfficeError
from desk.suite.cases import CROSSING_FREE, AnswerCheck, DeskCase
from desk.suite.checks import Seen, SeenCall
from desk.suite.matching import leaves

Caller = Callable[[str, dict[str, JsonValue]], Awaitable[tuple[bool, JsonValue]]]
"""Carries out one call: whether it succeeded, and its result or why not."""

_PLACEHOLDER = re.compile(r"\{(office|s\d+(?:\.[^{}.]+)*)\}")
EXPECTED = "expect"
"""The argument of a gold call to the built-in namespace that holds the model's own words."""

DECLINED = "I cannot do that."
"""What is said of a goal that no tool meets."""


async def replay(case: DeskCase, root: Path, call: Caller) -> Seen:
    """Make the gold calls of a case one after the other and return what was seen of it.

    The answer is everything that the calls returned, so that a fact that an answer must state
    was really found. A case without calls says what its checks ask for.

    Raises:
        OfficeError: A call names a result that is not there.
    """
    results: list[JsonValue] = []
    calls: list[SeenCall] = []
    for gold in case.gold:
        arguments = {name: resolved(value, root, results) for name, value in gold.arguments.items()}
        ok, result = await _called(gold.tool, arguments, call)
        calls.append(SeenCall(gold.tool, arguments, ok))
        results.append(result)
    question = "Which one do you mean?" if case.outcome == "asked" else ""
    return Seen("completed", _answer(case, results), question, tuple(calls))


async def _called(
    tool: str, arguments: dict[str, JsonValue], call: Caller
) -> tuple[bool, JsonValue]:
    if tool.startswith(f"{CROSSING_FREE}."):
        return True, {"value": arguments.get(EXPECTED, "")}
    return await call(tool, arguments)


def resolved(value: JsonValue, root: Path, results: Sequence[JsonValue]) -> JsonValue:
    """Fill `{office}` and `{s2.field}` in; a text that is one placeholder becomes its value."""
    if isinstance(value, dict):
        return {name: resolved(item, root, results) for name, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, root, results) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return _found(whole[1], root, results)
    return _PLACEHOLDER.sub(lambda mark: str(_found(mark[1], root, results)), value)


def _found(name: str, root: Path, results: Sequence[JsonValue]) -> JsonValue:
    if name == "office":
        return str(root)
    step, *fields = name.split(".")
    try:
        value = results[int(step[1:]) - 1]
        for field in fields:
            value = _inside(value, field)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise OfficeError(f"{{{name}}} is in no result so far.") from error
    return value


def _inside(value: JsonValue, field: str) -> JsonValue:
    if isinstance(value, list):
        return value[int(field)]
    if isinstance(value, Mapping):
        return value[field]
    raise TypeError(field)


def _answer(case: DeskCase, results: Sequence[JsonValue]) -> str:
    said = [*leaves([*results])] if results else _asked_for(case)
    declined = [] if said and case.outcome != "refused" else [DECLINED]
    return "\n".join([*said, *declined])


def _asked_for(case: DeskCase) -> list[str]:
    wanted = [check.answer for check in case.checks if isinstance(check, AnswerCheck)]
    return [
        text
        for match in wanted
        for text in (*leaves(match.equals), *match.contains, *match.any_of[:1])
    ]
