"""How a run of a case compares with its gold: pure, the same for every arm."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

from orchestrator.core.tools import split_name
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.records import Score
from orchestrator.evals.traces import MadeCall, Trace

OFFICE = "{office}"
"""Stands in a gold path for the folder of the world."""

_REFERENCE = re.compile(r"\{s\d+[.}]")

BUILT_IN = "text."
"""Tools that a right solution may use or not: what is made from a text shows in what follows."""


def score(case: Case, trace: Trace, failures: Sequence[str]) -> Score:
    """Compare a trace with the case's gold calls and with what its world found wrong."""
    gold = [wanted for wanted in case.gold if not wanted.tool.startswith(BUILT_IN)]
    made = [call for call in trace.executed if not call.tool.startswith(BUILT_IN)]
    pairs = _matched(gold, made)
    used = {id(call) for _, call in pairs}
    return Score(
        solved=not failures,
        failures=tuple(failures),
        first_tool=_first_tool(gold, made),
        tools=len(pairs) / len(gold) if gold else None,
        arguments=_share([agrees(wanted, call) for wanted, call in pairs], len(gold)),
        in_order=[id(wanted) for wanted, _ in pairs] == [id(w) for w in gold] if gold else None,
        crossings=_crossings(gold, made),
        fixations=fixations(made),
        identical=identical(made),
        wasted=sum(id(call) not in used for call in made),
        valid=_share([call.schema_ok for call in made], len(made)),
        call_or_not=bool(made) == case.calls,
        right=_right(case, trace),
        plan_length=trace.plan_steps / case.steps if trace.plan_steps and case.steps else None,
    )


def agrees(wanted: Gold, call: MadeCall) -> bool:
    """Whether a call's arguments say what the gold's say; a `free` one may say anything.

    Text is compared without case and folded white space, a path without its last slash. A gold
    value that refers to an earlier result (`{s2.path}`) is not compared.
    """
    return all(
        name in call.arguments and _same(value, call.arguments[name])
        for name, value in wanted.arguments.items()
        if name not in wanted.free and name != "expect" and not _REFERENCE.search(str(value))
    )


def fixations(calls: Sequence[MadeCall]) -> int:
    """Count executed calls that repeat the very one before them, result and all."""
    pairs = itertools.pairwise(calls)
    return sum((a.fingerprint, a.result) == (b.fingerprint, b.result) for a, b in pairs)


def identical(calls: Sequence[MadeCall]) -> int:
    """Count executed calls that repeat an earlier one with nothing written between."""
    count = 0
    unchanged: set[tuple[str, str]] = set()
    for call in calls:
        same = (call.fingerprint, call.result)
        count += same in unchanged
        if call.ok and call.effect != "read":
            unchanged.clear()
        unchanged.add(same)
    return count


def _right(case: Case, trace: Trace) -> dict[int, bool]:
    """For each decision, whether the tool it came to is one of the gold's."""
    accepted = {tool for wanted in case.gold for tool in wanted.accepted}
    return {
        use.decision: use.tool in accepted
        for use in trace.model
        if accepted and use.tool and use.decision >= 0
    }


def _first_tool(gold: Sequence[Gold], made: Sequence[MadeCall]) -> bool | None:
    if not gold:
        return None
    return bool(made) and made[0].tool in gold[0].accepted


def _matched(gold: Sequence[Gold], made: Sequence[MadeCall]) -> list[tuple[Gold, MadeCall]]:
    """Pair gold calls with successful calls of their tool, in order, as many as possible.

    The longest common subsequence; among equally long ones, calls whose arguments agree count.
    """
    calls = [call for call in made if call.ok]
    best: list[list[tuple[int, int]]] = [[(0, 0)] * (len(calls) + 1) for _ in range(len(gold) + 1)]
    for i in range(len(gold) - 1, -1, -1):
        for j in range(len(calls) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], _taken(gold[i], calls[j], best, i, j))
    return _followed(gold, calls, best)


def _taken(
    wanted: Gold, call: MadeCall, best: Sequence[Sequence[tuple[int, int]]], i: int, j: int
) -> tuple[int, int]:
    if call.tool not in wanted.accepted:
        return (-1, 0)
    length, agreeing = best[i + 1][j + 1]
    return (length + 1, agreeing + agrees(wanted, call))


def _followed(
    gold: Sequence[Gold], calls: Sequence[MadeCall], best: Sequence[Sequence[tuple[int, int]]]
) -> list[tuple[Gold, MadeCall]]:
    pairs = []
    i = j = 0
    while i < len(gold) and j < len(calls):
        if best[i][j] == _taken(gold[i], calls[j], best, i, j):
            pairs.append((gold[i], calls[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _crossings(gold: Sequence[Gold], made: Sequence[MadeCall]) -> float | None:
    """The share of the gold's changes of namespace that were made, by successful calls."""
    wanted = _changes([g.tool for g in gold])
    if not wanted:
        return None
    done = _changes([call.tool for call in made if call.ok])
    return sum(change in done for change in wanted) / len(wanted)


def _changes(tools: Sequence[str]) -> list[tuple[str, str]]:
    spaces = [split_name(tool)[0] if "." in tool else tool for tool in tools]
    return list(dict.fromkeys((a, b) for a, b in itertools.pairwise(spaces) if a != b))


def _share(found: Sequence[bool], of: int) -> float | None:
    return sum(found) / of if of else None


def _same(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(_same, wanted, given))
    if isinstance(wanted, dict) and isinstance(given, dict):
        return wanted.keys() == given.keys() and all(_same(wanted[k], given[k]) for k in wanted)
    if isinstance(wanted, str) and isinstance(given, str):
        return _same_text(wanted, given)
    # True is no 1 here, though 1.0 is.
    return isinstance(wanted, bool) == isinstance(given, bool) and bool(wanted == given)


def _same_text(wanted: str, given: str) -> bool:
    if wanted.startswith(OFFICE):
        return _folded(given).endswith(_folded(wanted.removeprefix(OFFICE)))
    return _folded(wanted) == _folded(given)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip("/")
