"""The report of a run: a documented schema, filled by a pure fold over the run's journal.

`Report.model_json_schema()` is the schema; a field is added under the same `schema_version`, and
the version rises when one changes its meaning or goes away.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from statistics import median
from typing import Literal

from pydantic import Field

from orchestrator.core.chat import Frozen
from orchestrator.core.events import (
    CallProposed,
    DecisionFailed,
    Entry,
    Event,
    ModelInfo,
    RunStarted,
    ToolsDisclosed,
    ToolsSearched,
    VerdictGiven,
)
from orchestrator.core.runs import RunState, RunStatus, SettledCall, StepState
from orchestrator.core.tools import split_name
from orchestrator.journal.fold import fold

REFUSALS = frozenset({"redirect", "replan", "stop"})
_WORD = re.compile(r"[^\W_]{3,}")


class ModelUsed(Frozen):
    """The model of the planner; `sha256` is empty where its weights cannot be read."""

    name: str = ""
    sha256: str = ""


class Scope(Frozen):
    """How many tools, in how many namespaces, a decision could have met."""

    tools: int = 0
    namespaces: int = 0


class Calls(Frozen):
    """Tool calls: made, made twice in an unchanged world, kept from being made.

    `refused` counts calls that the guard turned down; `from_cache` those that the loop breaker
    answered with the result that was already known; `failed` those made in vain.
    """

    executed: int = 0
    identical_executed: int = 0
    refused: int = 0
    from_cache: int = 0
    failed: int = 0


class Tokens(Frozen):
    """Tokens of all model calls; `cached` is the part of `prompt` that was not computed."""

    prompt: int = 0
    cached: int = 0
    generated: int = 0


class Rename(Frozen):
    """One file that got a new name.

    `because` are the words of the new name that stand in what was read of the file.
    `confirmed` says whether the file was found under its new name afterwards, None where
    nobody looked.
    """

    old: str
    new: str
    because: tuple[str, ...] = ()
    folder: str = ""
    confirmed: bool | None = None


class ReportedStep(Frozen):
    """A step of the last plan and how far it came; `calls` are those that were answered."""

    id: str
    intent: str
    namespace: str
    status: str
    calls: int = 0
    note: str = ""


class Distance(Frozen):
    """Tokens between the worked example and the decision it serves, over all decisions."""

    max: int
    median: float


class Report(Frozen):
    """What a run was, what it did and what it cost.

    `status` is the run's own, but a run that thinks itself complete while files are missing is
    "incomplete". `shown_max` is the most tools that any decision could choose from. `crossings`
    are the namespaces in the order of their answered calls, neighbours merged. `seconds` is
    time at work, without waiting for a person. `untouched` says whether every file that the
    goal did not concern is as it was, None where nobody looked.
    """

    schema_version: Literal[1] = 1
    run_id: str = ""
    status: RunStatus = "running"
    goal: str = ""
    answer: str = ""
    error: str = ""
    error_code: str = ""
    backend: str = ""
    model: ModelUsed = ModelUsed()
    models: tuple[ModelInfo, ...] = ()
    seed: int = 0
    scope: Scope = Scope()
    shown_max: int = 0
    decisions: int = 0
    model_calls: int = 0
    replans: int = 0
    calls: Calls = Calls()
    tokens: Tokens = Tokens()
    namespaces_used: tuple[str, ...] = ()
    crossings: tuple[str, ...] = ()
    steps: tuple[ReportedStep, ...] = ()
    renames: tuple[Rename, ...] = ()
    missing: tuple[str, ...] = ()
    untouched: bool | None = None
    unavailable: dict[str, str] = Field(default_factory=dict)
    decision_distance: Distance | None = None
    seconds: float = 0.0


def build_report(entries: Sequence[Entry]) -> Report:
    """Fold a run's journal into its report."""
    happened, state = _replayed(entries)
    started = next((e.event for e in entries if isinstance(e.event, RunStarted)), None)
    models = started.models if started else ()
    planner = next((info for info in models if info.role == "planner"), None)
    answered = [call for call in state.settled if call.outcome.ok and not call.reused]
    namespaces = tuple(split_name(call.tool)[0] for call in answered)
    return Report(
        run_id=state.run_id,
        status=state.status,
        goal=state.request.goal if state.request else "",
        answer=state.answer,
        error=state.error,
        error_code=state.error_code,
        backend=planner.backend if planner else "",
        model=ModelUsed(name=planner.model, sha256=planner.sha256) if planner else ModelUsed(),
        models=models,
        seed=state.request.seed if state.request else 0,
        scope=_scope(started),
        shown_max=max(_shown(happened), default=0),
        decisions=sum(_is_decision(before, event) for before, event in happened),
        model_calls=state.model_calls,
        replans=state.replans,
        calls=_calls(happened, state),
        tokens=Tokens(**state.usage.model_dump()),
        namespaces_used=tuple(dict.fromkeys(namespaces)),
        crossings=merged(namespaces),
        steps=tuple(_step(step, state) for step in state.steps),
        renames=tuple(_renames(state)),
        missing=tuple(_missing(state)),
        unavailable=started.unavailable if started else {},
        decision_distance=_distance(happened),
        seconds=round(state.seconds, 3),
    )


def checked(
    report: Report,
    *,
    before: Mapping[str, str],
    after: Mapping[str, str],
    expected: Sequence[str],
) -> Report:
    """Compare what a report says with what is really on disk.

    Args:
        report: What the journal says.
        before: The digest of every file before the run, by path.
        after: The same, after it.
        expected: Paths of the files that had to get a new name.
    """
    now = {digest: path for path, digest in after.items()}
    moved = {path: now.get(before[path], "") for path in expected}
    others = {path: digest for path, digest in before.items() if path not in moved}
    renames = tuple(_confirmed(rename, moved) for rename in report.renames)
    missing = (*report.missing, *_not_done(moved, renames))
    completed = report.status == "completed"
    return report.model_copy(
        update={
            "renames": renames,
            "missing": missing,
            "status": "incomplete" if completed and missing else report.status,
            "untouched": all(after.get(path) == digest for path, digest in others.items()),
        }
    )


def merged(names: Sequence[str]) -> tuple[str, ...]:
    """Give the names in order, each run of equal neighbours once."""
    return tuple(name for at, name in enumerate(names) if at == 0 or name != names[at - 1])


def shared_words(name: str, text: str) -> tuple[str, ...]:
    """The words of a name that stand in a text, however the text parts them."""
    squeezed = "".join(character for character in text.casefold() if character.isalnum())
    found = dict.fromkeys(_WORD.findall(name.casefold()))
    return tuple(word for word in found if word in squeezed)


Happened = tuple[RunState, Event]


def _replayed(entries: Sequence[Entry]) -> tuple[list[Happened], RunState]:
    """Every event with the state before it, and the state after all."""
    state, happened = RunState(), []
    for entry in entries:
        happened.append((state, entry.event))
        state = fold(state, entry)
    return happened, state


def _scope(started: RunStarted | None) -> Scope:
    tools = started.tools if started else {}
    return Scope(tools=len(tools), namespaces=len({split_name(tool)[0] for tool in tools}))


def _shown(happened: Sequence[Happened]) -> Iterator[int]:
    """How many each decision could choose from: `search_tools` is one, offered once a step."""
    for before, event in happened:
        if isinstance(event, ToolsDisclosed):
            yield len(event.candidates) + (not before.query)


def _is_decision(before: RunState, event: Event) -> bool:
    if isinstance(event, DecisionFailed):
        # With a proposal decided it is the act that failed, and its decision was counted.
        held = {proposal.step for proposal in before.held}
        return before.proposal is None and event.step not in held
    return isinstance(event, CallProposed | ToolsSearched)


def _calls(happened: Sequence[Happened], state: RunState) -> Calls:
    executed = [call for call in state.settled if not call.reused]
    refused = [
        len(before.proposal.calls)
        for before, event in happened
        if isinstance(event, VerdictGiven) and event.verdict.kind in REFUSALS and before.proposal
    ]
    return Calls(
        executed=len(executed),
        identical_executed=_identical(executed),
        refused=sum(refused),
        from_cache=len(state.settled) - len(executed),
        failed=sum(not call.outcome.ok for call in executed),
    )


def _identical(executed: Sequence[SettledCall]) -> int:
    """Calls made again while nothing had been written since the first."""
    world_after: dict[str, int] = {}
    again = 0
    for call in executed:
        again += world_after.get(call.fingerprint) == call.world
        wrote = call.outcome.ok and call.effect != "read"
        world_after[call.fingerprint] = call.world + wrote
    return again


def _step(step: StepState, state: RunState) -> ReportedStep:
    made = {call.id for call in state.settled if call.outcome.ok}
    return ReportedStep(
        id=step.step.id,
        intent=step.step.intent,
        namespace=step.step.namespace,
        status=step.status,
        calls=sum(call in made for call in step.calls),
        note=step.note,
    )


def _renames(state: RunState) -> Iterator[Rename]:
    texts = _texts(state)
    for call in state.settled:
        pair = _old_and_new(call)
        if pair is not None:
            old, new = pair
            yield Rename(
                old=old.name,
                new=new.name,
                folder=str(new.parent),
                because=shared_words(new.stem, texts.get(str(old), "")),
            )


def _old_and_new(call: SettledCall) -> tuple[PurePath, PurePath] | None:
    """The two paths of a call that gave a file another name in its folder."""
    data = call.outcome.data
    if not call.outcome.ok or call.reused or not isinstance(data, dict):
        return None
    moved = (data.get("source"), data.get("destination")) if "move" in call.tool else (None, None)
    old, new = data.get("old_path", moved[0]), data.get("new_path", moved[1])
    if not (isinstance(old, str) and isinstance(new, str)):
        return None
    before, after = PurePath(old), PurePath(new)
    renamed = before.parent == after.parent and before.name != after.name
    return (before, after) if renamed else None


def _texts(state: RunState) -> dict[str, str]:
    """What was read, by the path of the file it was read from."""
    return {
        path: text
        for call in state.settled
        if call.outcome.ok and isinstance(data := call.outcome.data, dict)
        if isinstance(path := data.get("path"), str) and isinstance(text := data.get("text"), str)
    }


def _missing(state: RunState) -> Iterator[str]:
    for step in state.steps:
        if step.status == "open":
            yield f"{step.step.id} ({step.step.intent}): not done."
        elif step.status == "failed" or (step.status == "done" and step.note):
            yield f"{step.step.id} ({step.step.intent}): {step.note or step.status}"


def _distance(happened: Sequence[Happened]) -> Distance | None:
    known = [
        event.distance
        for _, event in happened
        if isinstance(event, ToolsDisclosed) and event.distance is not None
    ]
    return Distance(max=max(known), median=median(known)) if known else None


def _confirmed(rename: Rename, moved: Mapping[str, str]) -> Rename:
    names = {PurePath(old).name: PurePath(new).name for old, new in moved.items()}
    found = names.get(rename.old)
    return rename if found is None else rename.model_copy(update={"confirmed": found == rename.new})


def _not_done(moved: Mapping[str, str], renames: Sequence[Rename]) -> Iterator[str]:
    reasons = {rename.new: rename.because for rename in renames}
    for old, new in moved.items():
        name = PurePath(new).name
        if not new:
            yield f"{old} is gone: no file has its content any more."
        elif new == old:
            yield f"{old} was not renamed."
        elif not reasons.get(name):
            yield f"{old} was renamed to {name}, which has no word of what was read of it."
