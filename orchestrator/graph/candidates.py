"""Which tools a decision may choose: the step's shortlist without what the guard would refuse."""

import re

from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import RunState
from orchestrator.core.tools import ToolSpec
from orchestrator.graph.context import RunContext
from orchestrator.graph.prospect import Prospect
from orchestrator.policy.itemising import LISTS_ITEMS
from orchestrator.policy.lookups import unidentified
from orchestrator.policy.shortlist import MOST, Shortlist, leader, shortlist
from orchestrator.policy.verbs import acts, looks, makes_a_name, unasked
from orchestrator.prompting.examples import ChosenStep

TEXT = "text"
"""The built-in namespace: it makes values out of text, and no other tool does that. It changes
nothing, whatever a step calls it."""


def candidates(
    context: RunContext,
    ahead: Prospect,
    k: int | None,
    example: ChosenStep | None,
    *,
    own_only: bool = False,
) -> Shortlist:
    """The shortlist of a step: closest to its intent, never what the guard would refuse.

    Left out are masked tools, a closed namespace, and what changes something outside the step's
    namespace, which the plan lock holds. With `own_only` nothing outside it is left. With a `k`
    of None all the others are in.
    """
    state, gate = context.state, context.roles["planner"].profile.gate
    first = gate and not any(s.failures for s in state.steps if s.step.id == ahead.step.id)
    acting = gate and _acts(context, ahead)
    looking = gate and _looks(context, ahead)
    kept_in = _keeps_in(context, ahead) and leader(context.catalogue, ahead.step.intent)
    last = next((call.tool.partition(".")[0] for call in reversed(state.settled)), None)
    limit = k if k is None else min(k, MOST - 1)
    return shortlist(
        context.catalogue,
        query=state.query or ahead.step.intent,
        namespace=ahead.step.namespace,
        k=limit,
        last_namespace=last,
        exclude=frozenset(state.masked)
        | {
            spec.id
            for spec in context.specs.values()
            if _left_out(state, ahead, spec, own_only=own_only, gate=gate)
            or (acting and spec.effect == "read")
            or (looking and spec.effect != "read")
            or (gate and unasked(spec.name, ahead.step.intent, ahead.goal))
            or (first and unidentified(spec, ahead.offered, f"{ahead.step.intent} {ahead.goal}"))
            or (kept_in and spec.id != kept_in and spec.namespace != ahead.step.namespace)
        },
        pinned=[example.step.tool] if example and not state.query else [],
    )


def _acts(context: RunContext, ahead: Prospect) -> bool:
    """Whether a step is there to change something and its namespace can: reading is no way to."""
    writers = {s.namespace for s in context.specs.values() if s.effect != "read"} - {TEXT}
    return ahead.step.namespace in writers and acts(ahead.step.intent)


def _looks(context: RunContext, ahead: Prospect) -> bool:
    """Whether a step is there to find something out, and its namespace can: it changes nothing."""
    readers = {s.namespace for s in context.specs.values() if s.effect == "read"}
    return ahead.step.namespace in readers and looks(ahead.step.intent)


def _keeps_in(context: RunContext, ahead: Prospect) -> bool:
    """Whether the decision keeps to its step's namespace: nothing in it has failed yet."""
    state, profile = context.state, context.roles["planner"].profile
    if profile.detours == "at once" or state.query or ahead.step.namespace not in _own(context):
        return False
    return not any(each.failures for each in state.steps if each.step.id == ahead.step.id)


def _own(context: RunContext) -> set[str]:
    """The namespaces that still have a tool to choose."""
    masked = context.state.masked
    return {spec.namespace for spec in context.specs.values() if spec.id not in masked}


def _left_out(
    state: RunState, ahead: Prospect, spec: ToolSpec, *, own_only: bool, gate: bool
) -> bool:
    if spec.namespace == state.closed_namespace:
        return True
    if spec.namespace == ahead.step.namespace:
        return gate and spec.namespace == TEXT and _no_such_text(spec, ahead.step)
    return own_only or (gate and (spec.effect != "read" or ahead.step.namespace == TEXT))


def _no_such_text(spec: ToolSpec, step: PlanStep) -> bool:
    """Whether a text tool makes something else than its step: a list, or a name held to a form."""
    if step.intent.startswith(LISTS_ITEMS):
        return not spec.name.startswith("list")
    if spec.name.startswith("list"):
        return not looks(step.intent)
    return makes_a_name(step.intent) and "form" not in spec.input_schema.get("properties", {})


def named_by_error(context: RunContext, ahead: Prospect) -> str:
    """The reader that a reader names when it cannot read something: "read it with ..."; "" if none.

    What a tool says is data: it may lead from one tool that reads to another, and no further.
    """
    state = context.state
    mine = [c for c in state.settled if c.step == ahead.step.id and c.plan == state.replans]
    if not mine or mine[-1].outcome.ok or mine[-1].effect != "read":
        return ""
    error, tried = mine[-1].outcome.error, {call.tool for call in mine}
    offered = candidates(context, ahead, None, None).tools
    readers = [t for t in offered if t not in tried and context.specs[t].effect == "read"]
    named = [
        (found.start(), tool)
        for tool in readers
        if (found := re.search(rf"\b{re.escape(tool)}\b", error)) is not None
    ]
    return min(named)[1] if named else ""
