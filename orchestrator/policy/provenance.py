"""Where each argument of a proposed call is from, for whoever has to say yes to it.

A value is as trustworthy as the least of what went into it: what a person said, what a tool
returned as a name, a path or a number, what the planner wrote itself, what a model made out of a
text, and a text that was read, whoever wrote that.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.runs import Proposal, RunState, SettledCall
from orchestrator.policy.handles import Handle, handles, kind_of, lineage, settled_by_id
from orchestrator.policy.references import FOLDER

Label = Literal["person", "tool", "planner", "model", "text"]
LABELS: tuple[Label, ...] = ("person", "tool", "planner", "model", "text")
"""From what needs no second look to what needs one most."""
MOST_CALLS = 8
"""Calls that one value is traced to; a list may be from thousands."""
TEXT_TOOLS = "text."
"""Tools that are a model: they make a value out of a text."""
_QUOTED = 60


class Origin(Frozen):
    """Where one argument is from.

    `references` are what it points to, `calls` and `tools` what returned that. `read` are the
    tools whose results a model made it from.
    """

    label: Label
    references: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The origin in words."""
        by, points = ", ".join(self.tools) or "a tool", ", ".join(self.references)
        words: Mapping[Label, str] = {
            "person": f"said by you{points and f' ({points})'}",
            "tool": f"returned by {by} ({points})",
            "planner": "written by the planner",
            "model": f"made by {by} from what {', '.join(self.read) or 'a tool'} read ({points})",
            "text": f"text from {', '.join((*self.tools, *self.read)) or 'a tool'} ({points})",
        }
        return words[self.label]


@dataclass(frozen=True)
class _Results:
    """What a run's steps have found, indexed once for all the calls of a proposal."""

    state: RunState
    known: Mapping[str, Handle]

    @cached_property
    def calls(self) -> dict[str, dict[int, SettledCall]]:
        """The calls of each step by the item that they were made for."""
        settled = settled_by_id(self.state)
        return {
            step.step.id: {settled[c].parent: settled[c] for c in step.calls if c in settled}
            for step in self.state.steps
        }


def origins(state: RunState, proposal: Proposal) -> tuple[dict[str, Origin], ...]:
    """The origin of every argument, for each call of a proposal in its order."""
    results = _Results(state, handles(state))
    return tuple(
        {name: _origin(results, proposal, index, name) for name in call.arguments}
        for index, call in enumerate(proposal.calls)
    )


def summary(state: RunState, proposal: Proposal) -> dict[str, str]:
    """The origin of each argument in words, the least trustworthy of all calls."""
    told: dict[str, Origin] = {}
    for call in origins(state, proposal):
        for name, origin in call.items():
            worst = told.get(name, origin)
            told[name] = max(worst, origin, key=lambda each: LABELS.index(each.label))
    return {name: origin.told for name, origin in told.items()}


def _origin(results: _Results, proposal: Proposal, index: int, name: str) -> Origin:
    if name not in proposal.expressions:
        return Origin(label="planner")
    plan = results.state.plan
    step = plan.step(proposal.step) if plan else None
    parent = next(iter(proposal.parents[index : index + 1]), -1)
    current = lineage(results.known, step.over if step else "", parent)
    leaves = _leaves(proposal.expressions[name])
    return _least([_leaf(results, current, parent, leaf) for leaf in leaves])


def _leaves(expression: JsonValue) -> Iterable[JsonValue]:
    if isinstance(expression, dict):
        for part in expression.values():
            yield from _leaves(part)
    elif isinstance(expression, list):
        for part in expression:
            yield from _leaves(part)
    else:
        yield expression


def _least(found: list[Origin]) -> Origin:
    """Several origins as one: all they are from, and the label of the least trustworthy."""
    return Origin(
        label=max((o.label for o in found), key=LABELS.index, default="planner"),
        references=_first(ref for o in found for ref in o.references),
        calls=_first(call for o in found for call in o.calls),
        tools=_first(tool for o in found for tool in o.tools),
        read=_first(tool for o in found for tool in o.read),
    )


def _first(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:MOST_CALLS]


def _leaf(
    results: _Results,
    current: Mapping[str, Mapping[str, JsonValue]],
    parent: int,
    leaf: JsonValue,
) -> Origin:
    if not isinstance(leaf, str) or not leaf.startswith("$"):
        return Origin(label="person" if _was_said(results.state, leaf) else "planner")
    if leaf.startswith(FOLDER):
        return _in_a_place(results.state, leaf)
    step_id, _, field = leaf[1:].partition(".")
    source = results.known.get(step_id)
    if source is None:
        return Origin(label="text", references=(leaf[:_QUOTED],))
    item = parent if field in current.get(step_id, {}) else None
    calls = _calls(results, source, item)
    made = source.tool.startswith(TEXT_TOOLS)
    read = [results.known[step].tool for step in _read(current, step_id)] if made else []
    label: Label = "model" if made else "tool"
    return Origin(
        label="text" if _holds_text(source, field, item) else label,
        references=(leaf,),
        calls=_first(call.id for call in calls),
        tools=_first(call.tool for call in calls),
        read=_first(read),
    )


def _read(current: Mapping[str, Mapping[str, JsonValue]], made: str) -> list[str]:
    """The steps that an item's value was made from: those that read a text, else all before it."""
    before = {step: record for step, record in current.items() if step != made}
    texts = [
        step
        for step, record in before.items()
        if any(_is_text(field, value, record) for field, value in record.items())
    ]
    return texts or list(before)


def _calls(results: _Results, source: Handle, item: int | None) -> list[SettledCall]:
    """The calls that a result is from: that of one item, or those of all of them."""
    calls = results.calls.get(source.step, {})
    if not source.over:
        return list(calls.values())[-1:]
    if item is not None:
        return [calls[item]] if item in calls else []
    return list(calls.values())[:MOST_CALLS]


def _holds_text(source: Handle, field: str, item: int | None) -> bool:
    if item is not None and item in source.by_id:
        records = [source.by_id[item].data]
    else:
        records = [source.whole, *(each.data for each in source.items)]
    return any(_is_text(field, record[field], record) for record in records if field in record)


def _is_text(field: str, value: JsonValue, record: Mapping[str, JsonValue]) -> bool:
    if isinstance(value, list):
        return any(_is_text(field, each, record) for each in value)
    if isinstance(value, dict):
        return any(_is_text(key, each, value) for key, each in value.items())
    return kind_of(field, value, record) == "text"


def _in_a_place(state: RunState, leaf: str) -> Origin:
    """A folder that the run was given, or something in it: seen there, or written."""
    _, slash, inner = leaf.removeprefix(FOLDER).partition("/")
    if not slash:
        return Origin(label="person", references=(leaf,))
    seen = any(
        leaf == f"{look.folder}/{entry.name}"
        for look in state.looks.values()
        for entry in look.entries
    )
    if seen:
        return Origin(label="tool", references=(leaf,), tools=("a look into the folder",))
    said = _was_said(state, inner.strip("/"))
    return Origin(label="person" if said else "planner", references=(leaf,))


def _was_said(state: RunState, value: JsonValue) -> bool:
    """Whether the goal, or the person earlier in the conversation, says a value as it is."""
    if isinstance(value, bool) or value is None or not str(value).strip() or not state.request:
        return False
    turns = [turn.content for turn in state.request.history if turn.role == "user"]
    said = "\n".join([state.request.goal, *turns]).casefold()
    wanted = re.escape(str(value).strip().casefold())
    return re.search(rf"(?<!\w){wanted}(?!\w)", said) is not None
