"""From what a run left behind to a trace: of a journal, and of a loop without one."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatchmethod
from itertools import accumulate
from typing import Any, TypeVar, cast, get_args

from jsonschema import Draft202012Validator

from orchestrator.core import events
from orchestrator.core.chat import Usage
from orchestrator.core.fingerprints import result_digest
from orchestrator.core.runs import Proposal
from orchestrator.core.tools import ToolSpec
from orchestrator.evals.bare import BareResult
from orchestrator.evals.traces import MadeCall, ModelUse, Purpose, Trace
from orchestrator.journal.fold import fold_entries

Part = TypeVar("Part", ModelUse, MadeCall)
REFUSED = frozenset({"redirect", "replan", "stop"})


def trace_of_journal(entries: Sequence[events.Entry], specs: Mapping[str, ToolSpec]) -> Trace:
    """Read a run's journal as a trace.

    A decision begins when tools are disclosed and ends with a proposal, a failure or a search;
    being asked again for the same step, or for arguments, belongs to it.
    """
    reading = _Reading(fits=_fitting(specs))
    for entry in entries:
        reading.take(entry.event)
    state = fold_entries(entries)
    plan = state.plan
    return Trace(
        status=state.status,
        code=state.error_code,
        error=state.error,
        answer=state.answer or (plan.answer if plan else ""),
        question=plan.question if plan else "",
        calls=tuple(reading.calls.values()),
        model=tuple(reading.model),
        refused=reading.refused,
        replans=state.replans,
        plan_steps=len(plan.steps) if plan else 0,
        seconds=sum(entry.seconds for entry in entries),
    )


def trace_of_loop(result: BareResult, specs: Mapping[str, ToolSpec]) -> Trace:
    """Read what a bare or native loop came to as a trace: every reply is a decision."""
    fits = _fitting(specs)
    return Trace(
        status=result.status,
        code=result.code,
        error="" if result.status == "answered" else result.reason,
        answer=result.answer,
        calls=tuple(
            MadeCall(
                tool=call.tool,
                arguments=call.arguments,
                ok=call.ok,
                error=call.error,
                effect=call.effect,
                result=call.result,
                fingerprint=call.fingerprint,
                decision=call.round - 1,
                schema_ok=fits(call.tool, call.arguments),
            )
            for call in result.calls
        ),
        model=tuple(
            ModelUse(
                purpose="round",
                decision=number,
                usage=reply.usage,
                seconds=reply.seconds,
                tool=reply.tool,
                shown=result.shown_max,
                disclosed=result.shown_max if number == 0 else 0,
                distance=reply.usage.prompt,
            )
            for number, reply in enumerate(result.replies)
        ),
        seconds=result.seconds,
    )


def joined(traces: Sequence[Trace]) -> Trace:
    """The turns of one conversation as one trace; it ended as its last turn did."""
    last = traces[-1]
    if len(traces) == 1:
        return last
    begun = list(accumulate((_decisions(trace) for trace in traces), initial=0))
    turns = list(zip(begun, traces, strict=False))
    return last.model_copy(
        update={
            "calls": tuple(_later(call, by) for by, trace in turns for call in trace.calls),
            "model": tuple(_later(use, by) for by, trace in turns for use in trace.model),
            "refused": sum(trace.refused for trace in traces),
            "replans": sum(trace.replans for trace in traces),
            "plan_steps": sum(trace.plan_steps for trace in traces),
            "seconds": sum(trace.seconds for trace in traces),
        }
    )


def _named(reply: str) -> str:
    """The tool of a choice: the reply itself, or where it came with its arguments, its `tool`."""
    try:
        whole = json.loads(reply)
    except ValueError:
        return reply
    return str(whole.get("tool", "")) if isinstance(whole, dict) else reply


def _decisions(trace: Trace) -> int:
    numbers = [use.decision for use in trace.model] + [call.decision for call in trace.calls]
    return max(numbers, default=-1) + 1


def _later(part: Part, by: int) -> Part:
    """The same with its decision numbered on from the turns before."""
    if part.decision < 0:
        return part
    return part.model_copy(update={"decision": part.decision + by})


def _fitting(specs: Mapping[str, ToolSpec]) -> Callable[[str, Mapping[str, Any]], bool]:
    """Whether arguments fit a tool's schema; a tool that does not exist has none to fit."""
    validators = {name: Draft202012Validator(spec.input_schema) for name, spec in specs.items()}

    def fits(tool: str, arguments: Mapping[str, Any]) -> bool:
        return tool in validators and validators[tool].is_valid(dict(arguments))

    return fits


@dataclass
class _Reading:
    """A journal as far as it was read."""

    fits: Callable[[str, Mapping[str, Any]], bool]
    calls: dict[str, MadeCall] = field(default_factory=dict)
    model: list[ModelUse] = field(default_factory=list)
    proposals: dict[str, tuple[Proposal, int]] = field(default_factory=dict)
    decision: int = 0
    disclosed: events.ToolsDisclosed | None = None
    asked: bool = False
    refused: int = 0

    @singledispatchmethod
    def take(self, event: events.Event) -> None:
        """Add what an event says; most say nothing of it."""

    @take.register
    def _(self, event: events.ToolsDisclosed) -> None:
        self.disclosed = event
        self.asked = False

    @take.register
    def _(self, event: events.ModelCalled) -> None:
        known = event.purpose if event.purpose in get_args(Purpose) else "plan"
        deciding = known in {"choose", "arguments", "search"}
        shown = None if self.asked else self.disclosed
        first = known == "choose" and shown is not None
        self.asked = self.asked or known == "choose"
        self.model.append(
            ModelUse(
                purpose=cast("Purpose", known),
                step=event.step,
                decision=self.decision if deciding else -1,
                usage=event.usage,
                seconds=event.seconds,
                tool=_named(event.reply) if known == "choose" else "",
                margin=event.margin,
                distance=shown.distance if shown and first else None,
                shown=len(shown.candidates) if shown and first else 0,
                disclosed=len(shown.added) if shown and first else 0,
            )
        )

    @take.register
    def _(self, event: events.CallProposed) -> None:
        self.proposals[event.proposal.id] = (event.proposal, self.decision)
        self.decision += 1

    @take.register(events.DecisionFailed | events.ToolsSearched)
    def _(self, _event: events.DecisionFailed | events.ToolsSearched) -> None:
        begun = self.disclosed is not None and bool(self.model)
        if begun and self.model[-1].decision == self.decision:
            self.decision += 1

    @take.register
    def _(self, event: events.VerdictGiven) -> None:
        self.refused += event.verdict.kind in REFUSED

    @take.register
    def _(self, event: events.CallSettled) -> None:
        proposal, _, index = event.id.rpartition(".")
        found = self.proposals.get(proposal)
        call = found[0].calls[int(index)] if found and index.isdigit() else None
        outcome = event.outcome
        # A repetition that the run makes while it waits takes the place of the one before.
        self.calls[event.id] = MadeCall(
            tool=event.tool,
            arguments=call.arguments if call else {},
            ok=outcome.ok,
            error=outcome.error,
            effect=found[0].effect if found else "egress",
            result=result_digest(outcome.data if outcome.ok else outcome.error),
            fingerprint=event.fingerprint,
            decision=found[1] if found else -1,
            reused=bool(event.reused),
            schema_ok=self.fits(event.tool, call.arguments) if call else True,
        )
        if outcome.model_calls:
            self.model.append(
                ModelUse(
                    purpose="text",
                    step=event.step,
                    usage=Usage(**outcome.usage.model_dump()),
                    seconds=outcome.seconds,
                )
            )
