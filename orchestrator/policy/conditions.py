"""Conditions on what steps found, so that no model has to look whether a step is needed.

`s1.count > 0` tests how many items step s1 found; `s2.status is done` a field of what s2 found,
and holds when it does for any of its items.
"""

import re
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import Condition, Fact
from orchestrator.policy.handles import Handle
from orchestrator.policy.selection import holds, parse_where

COUNT = "count"
_OF_A_STEP = re.compile(r"^\s*\$?(s\d{1,2})\.(.+)$", re.IGNORECASE | re.DOTALL)


def parse_facts(text: str, *, default: str = "") -> tuple[Fact, ...]:
    """Read facts such as `s1.count > 0 and s2.name contains invoice`; "" means none.

    Args:
        text: As a plan writes it.
        default: The step that a condition without one is about.

    Raises:
        InvalidPlan: A part is not `STEP.FIELD OPERATOR VALUE`.
    """
    return tuple(_fact(part, default) for part in _parts(text))


def names_a_step(text: str) -> bool:
    """Whether a condition is written as one on what a step found."""
    return _OF_A_STEP.match(text) is not None


def _fact(text: str, default: str) -> Fact:
    match = _OF_A_STEP.match(text)
    step, condition = (match[1].lower(), match[2]) if match else (default, text)
    if not step:
        raise InvalidPlan(
            f"{text!r} names no step.",
            hint="Write STEP.FIELD OPERATOR VALUE, such as: s1.count > 0.",
        )
    return Fact(step=step, condition=parse_where(condition)[0])


def parse_own(text: str, step: str) -> tuple[Condition, ...]:
    """Read conditions on a step's own result, such as `status is done`; "" means none.

    Raises:
        InvalidPlan: A part is no condition, or one on another step.
    """
    facts = parse_facts(text, default=step)
    for fact in facts:
        if fact.step != step:
            raise InvalidPlan(
                f"{step} waits for a result of {fact.step}.",
                hint="'wait_until' is about the step's own result: FIELD OPERATOR VALUE.",
            )
    return tuple(fact.condition for fact in facts)


def _parts(text: str) -> list[str]:
    return re.split(r"\s+and\s+", text.strip()) if text.strip() else []


def written(conditions: Iterable[Condition | Fact]) -> str:
    """The conditions as a plan writes them."""
    return " and ".join(condition.written() for condition in conditions)


def all_hold(conditions: Sequence[Condition], found: Handle) -> bool:
    """Whether every condition holds for what a step found.

    Raises:
        InvalidPlan: A condition names a field that nothing found has.
    """
    return all(_holds(condition, found) for condition in conditions)


def _holds(condition: Condition, found: Handle) -> bool:
    if condition.field == COUNT:
        return holds(condition, {COUNT: _count(found)})
    records = [item.data for item in found.items if condition.field in item.data]
    if not records and condition.field in found.whole:
        records = [found.whole]
    if not records and found.items:
        fields = sorted({*found.whole, *(key for item in found.items for key in item.data)})
        raise InvalidPlan(
            f"a condition names the field {condition.field!r}, which {found.step} does not have.",
            hint=f"It has: {', '.join([COUNT, *fields])}.",
        )
    return any(holds(condition, record) for record in records)


def _count(found: Handle) -> JsonValue:
    """How many items there are, or what the one result says there are."""
    said = found.whole.get(COUNT)
    alone = [item.data for item in found.items] == [found.whole]
    return said if alone and isinstance(said, int | float) else len(found.items)
