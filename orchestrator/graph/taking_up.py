"""Taking a run up again: what was said to it, checked, as the events that it goes on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from orchestrator.core.errors import InvalidRequest, RunConflict, ToolOutcomeUnknown
from orchestrator.core.events import (
    ApprovalAsked,
    ApprovalGiven,
    CallProposed,
    CallSettled,
    Event,
    QuestionAnswered,
    RunResumed,
    VerdictGiven,
)
from orchestrator.core.fingerprints import call_fingerprint, unfit
from orchestrator.core.runs import Approval, Approve, Budget, Proposal, RunState
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.graph.context import RunContext
from orchestrator.graph.judging import judged, proposal_digest
from orchestrator.policy.permissions import standing_word

SOMEBODY = "the person who resumed the run"
Arguments = Mapping[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said to a run that is taken up again; left out, it only goes on.

    `granted` is the word on the approval it rests on, `by` who gave it, and `digest` which calls
    it is about; `edited` are the arguments of each call, to be carried out in their place.
    `results` are what the client's own tools returned, by the id of the call, or what a person
    found that calls came to of which nobody knew it.
    """

    approve: Approve | None = None
    granted: bool | None = None
    digest: str = ""
    by: str = ""
    edited: Sequence[Arguments] | None = None
    results: Mapping[str, ToolOutcome] | None = None
    answer: str = ""
    budget: Budget | None = None


def taken_up(context: RunContext, words: Words) -> list[Event]:
    """The events that a resume begins with: the word on an open approval comes first.

    Raises:
        RunConflict: The run does not wait for what was said, or not any more.
        InvalidRequest: What was said does not fit what the run asked.
    """
    state = context.state
    before = state.request.approve if state.request else "ask"
    resumed = RunResumed(approve=words.approve or before, budget=words.budget)
    answered: list[Event] = []
    if words.answer:
        if state.status != "needs_input":
            raise RunConflict(
                f"Run {state.run_id} has asked no question.", hint="Resume it without an answer."
            )
        answered.append(QuestionAnswered(text=words.answer))
    settled: list[Event] = []
    if words.results is not None:
        # A yes, or a no, to the repetition is a word on every call that has no result here.
        settled = _settled(state, words.results, repeated=words.granted is not None)
    return [*settled, *_decided(context, words, resumed.approve), resumed, *answered]


def _decided(context: RunContext, words: Words, approve: Approve) -> list[Event]:
    asked = _asked(context, words)
    if asked is None:
        return []
    if words.edited is not None:
        return _edited(context, words, words.edited)
    word = words.granted
    if word is None and words.results is not None:
        # Where everything that nobody knew is known, nothing is left that could be repeated.
        word = _about_an_unknown_outcome(context.state) or None
    if word is None:
        word = _standing(context.state, approve)
    if word is None:
        return []
    return [ApprovalGiven(digest=asked.digest, granted=word, by=words.by or SOMEBODY)]


def _asked(context: RunContext, words: Words) -> Approval | None:
    """The open approval; a word that names another one, or comes too late, is refused."""
    state = context.state
    asked, about_it = state.approval, bool(words.digest) or words.edited is not None
    if about_it and state.status != "waiting_approval":
        asked = None
    if asked is None or asked.granted is not None:
        if about_it:
            raise RunConflict(f"Run {state.run_id} waits for no approval.")
        return None
    if words.digest and words.digest != asked.digest:
        raise RunConflict(
            f"Run {state.run_id} asks about other calls than the ones that were decided on.",
            hint="Read the run again: the digest has to be that of the calls it shows now.",
        )
    if words.granted and asked.expires is not None and context.clock.now() >= asked.expires:
        raise RunConflict(
            f"The approval of run {state.run_id} expired at {asked.expires.isoformat()}.",
            hint="Deny it; the run then decides anew.",
        )
    return asked


def _standing(state: RunState, approve: Approve) -> bool | None:
    if state.proposal is None or _about_an_unknown_outcome(state):
        return None
    return standing_word(approve, state.proposal.effect)


def _about_an_unknown_outcome(state: RunState) -> bool:
    return state.verdict is not None and state.verdict.code == ToolOutcomeUnknown.code


def _edited(context: RunContext, words: Words, edited: Sequence[Arguments]) -> list[Event]:
    """The calls as a person wrote them: a new proposal, judged as any other, and granted."""
    state, old = context.state, context.state.proposal
    if old is None or not words.granted or _about_an_unknown_outcome(state):
        raise RunConflict(
            f"Run {state.run_id} has no calls that could be edited.",
            hint="Calls can be edited when they are granted, before any of them was begun.",
        )
    proposal = _rewritten(context, old, edited)
    given = judged(context, state, proposal)[0]
    if not isinstance(given, VerdictGiven) or given.verdict.kind not in {"allow", "ask"}:
        reason = given.verdict.reason if isinstance(given, VerdictGiven) else ""
        raise RunConflict(f"The calls as edited are not allowed: {reason}")
    approval = Approval(
        proposal=proposal.id, digest=proposal_digest(proposal), reason=given.verdict.reason
    )
    return [
        CallProposed(proposal=proposal),
        given,
        ApprovalAsked(approval=approval),
        ApprovalGiven(digest=approval.digest, granted=True, by=words.by or SOMEBODY),
    ]


def _rewritten(context: RunContext, old: Proposal, edited: Sequence[Arguments]) -> Proposal:
    if len(edited) != len(old.calls):
        raise InvalidRequest(
            f"There are {len(old.calls)} calls to {old.tool}, but arguments for {len(edited)}.",
            hint="Give the arguments of every call, in the order in which the run shows them.",
        )
    validator = Draft202012Validator(context.specs[old.tool].input_schema)
    for index, arguments in enumerate(edited):
        _check_arguments(old.tool, index, arguments, validator)
    new_id = f"{old.id}e"
    calls = tuple(
        ToolCall(
            tool=old.tool,
            arguments=dict(arguments),
            key=f"{context.state.run_id}:{new_id}.{index}",
        )
        for index, arguments in enumerate(edited)
    )
    expressions = _expressions(old, edited)
    return old.model_copy(update={"id": new_id, "calls": calls, "expressions": expressions})


def _check_arguments(tool: str, index: int, arguments: Arguments, validator: Any) -> None:
    if why := unfit(arguments):
        raise InvalidRequest(f"The arguments of call {index} of {tool} cannot be used: {why}.")
    problem = next(iter(validator.iter_errors(dict(arguments))), None)
    if problem is not None:
        where = ".".join(map(str, problem.absolute_path)) or "the arguments"
        raise InvalidRequest(
            f"{tool}, call {index}: {where} does not fit the tool's schema: {problem.message}."
        )


def _expressions(old: Proposal, edited: Sequence[Arguments]) -> dict[str, JsonValue]:
    """Where each argument comes from: from where it came, unless a person wrote it."""
    names = dict.fromkeys(name for arguments in edited for name in arguments)
    return {name: _expression(old, edited, name) for name in names}


def _expression(old: Proposal, edited: Sequence[Arguments], name: str) -> JsonValue:
    before = [call.arguments.get(name) for call in old.calls]
    after = [arguments.get(name) for arguments in edited]
    if before == after and name in old.expressions:
        return old.expressions[name]
    return after[0] if all(value == after[0] for value in after) else after


def _settled(state: RunState, results: Mapping[str, ToolOutcome], *, repeated: bool) -> list[Event]:
    """The outcomes of the client's own calls, or of calls that nobody else knows the outcome of.

    Every open one needs its outcome; what nobody knows the outcome of may be `repeated` instead.
    """
    unknown_outcomes = state.status == "waiting_approval" and _about_an_unknown_outcome(state)
    if state.status != "waiting_tools" and not unknown_outcomes:
        raise RunConflict(
            f"Run {state.run_id} waits for no results: it is {state.status.replace('_', ' ')}."
        )
    open_calls = _open_calls(state) if unknown_outcomes else state.awaited
    waiting = {intent[0]: intent for intent in open_calls}
    if unknown := [call_id for call_id in results if call_id not in waiting]:
        done = {call.id for call in state.settled}
        what = "has its result already" if unknown[0] in done else "is no call that waits for one"
        raise InvalidRequest(
            f"{unknown[0]!r} {what} in run {state.run_id}.",
            hint=f"It waits for the results of: {', '.join(waiting)}.",
        )
    missing = [call_id for call_id in waiting if call_id not in results]
    if missing and not (unknown_outcomes and repeated):
        raise InvalidRequest(
            f"Run {state.run_id} also waits for the result of {', '.join(missing)}.",
            hint="Give the results of all calls at once; a call that failed has one, too.",
        )
    for call_id, outcome in results.items():
        if why := unfit(outcome.model_dump()):
            raise InvalidRequest(f"The result of {call_id} cannot be used: {why}.")
    return [_outcome(state, waiting[at], results[at]) for at in waiting if at in results]


def _open_calls(state: RunState) -> list[tuple[str, ToolCall, int]]:
    """The calls of the proposal at hand that were begun and never came to anything."""
    proposal = state.proposal.id if state.proposal else ""
    return [intent for intent in state.intended if intent[0].rpartition(".")[0] == proposal]


def _outcome(
    state: RunState, intent: tuple[str, ToolCall, int], outcome: ToolOutcome
) -> CallSettled:
    call_id, call, parent = intent
    proposal = state.proposal_of(call_id)
    return CallSettled(
        id=call_id,
        step=proposal.step if proposal else "",
        parent=parent,
        tool=call.tool,
        fingerprint=call_fingerprint(call.tool, call.arguments),
        outcome=outcome,
    )
