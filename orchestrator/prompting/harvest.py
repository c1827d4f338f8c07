"""A worked example out of the user's own completed run: its plan and its decisions, no content."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import JsonValue

from orchestrator.core.events import (
    CallProposed,
    CallSettled,
    Entry,
    PlanMade,
    RunEnded,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
)
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Proposal
from orchestrator.core.tools import split_name
from orchestrator.prompting.library import ExampleStep, WorkflowExample

NEUTRAL = "as it was asked for"
"""What a written argument becomes that is found in a result and not in the goal."""
TOOLS_SHOWN = 3
_TELLING = 4
_NAME_WORDS = 6


def harvest(entries: Sequence[Entry], shapes: Mapping[str, str]) -> WorkflowExample | None:
    """Read a worked example from a run's journal, or None where it would not be a good one.

    A good one is completed, and each step of its plan was done, once decided, without a
    condition on what was found. `shapes` are the steps' results as the planner was told of
    them. Values of results are never taken over: references point to them, and a written
    argument that stands in a result, not in the goal, gives way to a neutral one.
    """
    goal, plan = _goal(entries), _last_plan(entries)
    if not goal or plan is None or not _completed(entries) or not _plain(plan):
        return None
    made = _decisions(entries)
    if any(step.id not in made or step.id not in shapes for step in plan.steps):
        return None
    found = " ".join(_texts_of_results(entries)).casefold()
    steps = [
        _example_step(step, *made[step.id], shape=shapes[step.id], goal=goal, found=found)
        for step in plan.steps
    ]
    return WorkflowExample(name=_name(goal, entries[0].run_id), goal=goal, steps=tuple(steps))


def example_yaml(example: WorkflowExample) -> str:
    """Write an example as a file of the workflows folder."""
    written = example.model_dump(mode="json", exclude_defaults=True)
    return str(yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100))


def _goal(entries: Iterable[Entry]) -> str:
    started = [e.event for e in entries if isinstance(e.event, RunStarted)]
    return started[0].request.goal if started else ""


def _last_plan(entries: Iterable[Entry]) -> Plan | None:
    plans = [e.event.plan for e in entries if isinstance(e.event, PlanMade)]
    return plans[-1] if plans and plans[-1].steps else None


def _completed(entries: Iterable[Entry]) -> bool:
    ends = [e.event.status for e in entries if isinstance(e.event, RunEnded)]
    return bool(ends) and ends[-1] == "completed"


def _plain(plan: Plan) -> bool:
    return not any(step.only_if or step.wait_until for step in plan.steps)


def _decisions(entries: Iterable[Entry]) -> dict[str, tuple[tuple[str, ...], Proposal]]:
    """For each step that was done: what it could choose from and its last decision that worked."""
    offered: dict[str, tuple[str, ...]] = {}
    proposed: dict[str, tuple[tuple[str, ...], Proposal]] = {}
    worked: dict[str, tuple[tuple[str, ...], Proposal]] = {}
    done: set[str] = set()
    for event in (entry.event for entry in entries):
        if isinstance(event, ToolsDisclosed):
            offered[event.step] = tuple(candidate.tool for candidate in event.candidates)
        elif isinstance(event, CallProposed):
            step = event.proposal.step
            proposed[step] = (offered.get(step, ()), event.proposal)
        elif isinstance(event, CallSettled) and event.outcome.ok and event.step in proposed:
            if event.tool == proposed[event.step][1].tool:
                worked[event.step] = proposed[event.step]
        elif isinstance(event, StepClosed) and event.status == "done":
            done.add(event.step)
    return {step: decision for step, decision in worked.items() if step in done}


def _example_step(
    step: PlanStep,
    offered: tuple[str, ...],
    proposal: Proposal,
    *,
    shape: str,
    goal: str,
    found: str,
) -> ExampleStep:
    arguments = {
        name: _without_content(value, goal.casefold(), found)
        for name, value in proposal.expressions.items()
    }
    return ExampleStep(
        id=step.id,
        intent=step.intent,
        namespace=split_name(proposal.tool)[0],
        over=step.over,
        where=_where(step),
        tools=_shown(offered, proposal.tool),
        tool=proposal.tool,
        arguments=arguments,
        values=tuple(dict.fromkeys(_pointing(list(arguments.values())))),
        result=shape,
    )


def _where(step: PlanStep) -> str:
    conditions = " and ".join(condition.written() for condition in step.where)
    return f"{conditions} take {step.take}".strip() if step.take else conditions


def _shown(offered: tuple[str, ...], tool: str) -> tuple[str, ...]:
    """The chosen tool and the next best ones, in the order in which they were offered."""
    others = [other for other in offered if other != tool][: TOOLS_SHOWN - 1]
    return tuple(name for name in offered if name == tool or name in others) or (tool,)


def _without_content(value: JsonValue, goal: str, found: str) -> JsonValue:
    if isinstance(value, list):
        return [_without_content(part, goal, found) for part in value]
    if isinstance(value, dict):
        return {key: _without_content(part, goal, found) for key, part in value.items()}
    if not isinstance(value, str) or value.startswith("$") or len(value) < _TELLING:
        return value
    said = value.casefold()
    return NEUTRAL if said in found and said not in goal else value


def _pointing(value: JsonValue) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _pointing(part)
    elif isinstance(value, dict):
        yield from _pointing(list(value.values()))
    elif isinstance(value, str) and value.startswith("$"):
        yield value


def _texts_of_results(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry.event, CallSettled):
            yield from _texts(entry.event.outcome.data)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _name(goal: str, run_id: str) -> str:
    words = re.findall(r"[a-z0-9]+", goal.lower())[:_NAME_WORDS]
    return "-".join([*words, run_id[:6]])
