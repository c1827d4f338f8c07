"""The orchestrator: run a goal, watch it, resume it, answer its questions, cancel it."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass, field

from orchestrator.core.errors import (
    JournalError,
    OrchestratorError,
    ToolDefinitionChanged,
    ToolUnavailable,
)
from orchestrator.core.events import (
    ApprovalGiven,
    Entry,
    Event,
    ModelInfo,
    QuestionAnswered,
    RunEnded,
    RunResumed,
    RunStarted,
)
from orchestrator.core.fingerprints import digest
from orchestrator.core.roles import Role
from orchestrator.core.runs import FINAL, Approve, Budget, RunRequest, RunResult, RunState
from orchestrator.core.tools import ToolSpec
from orchestrator.graph.context import DeltaSink, Player, RunContext, Warm
from orchestrator.journal.writer import Journal
from orchestrator.policy.catalogue import Catalogue
from orchestrator.policy.guards import GUARDS, Guard
from orchestrator.policy.permissions import DEFAULT_RULES, Rule, standing_word
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import BlobStore, JournalStore
from orchestrator.ports.tools import Toolset
from orchestrator.ports.traces import TraceSink
from orchestrator.prompting.examples import Similarity, by_words
from orchestrator.prompting.library import Library

SUPER_STEPS = 100_000
CANCELLED = RunEnded(status="cancelled", error="The run was cancelled.", code="run_cancelled")
Lock = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Parts:
    """What an orchestrator is made of; `lock` keeps a run to one process at a time.

    `similarity` finds the worked decision that is closest to a step. `guards` are only ever
    changed to measure what they are worth.
    """

    roles: Mapping[Role, Player]
    models: tuple[ModelInfo, ...]
    toolset: Toolset
    catalogue: Catalogue
    library: Library
    store: JournalStore
    blobs: BlobStore
    clock: Clock
    rules: tuple[Rule, ...] = DEFAULT_RULES
    guards: tuple[Guard, ...] = GUARDS
    similarity: Similarity = by_words
    parallel_calls: int = 4
    unavailable: Mapping[str, str] = field(default_factory=dict)
    lock: Lock = lambda _run_id: nullcontext()
    warm: Warm = lambda _namespaces: None
    traces: tuple[TraceSink, ...] = ()


class Orchestrator:
    """Carries goals through their runs, each one an entry of the journal before it is a fact.

    Usage:
        async for entry in orchestrator.stream(RunRequest(goal="…")):
            print(entry.event.type)
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._working: dict[str, asyncio.Task[None]] = {}

    async def run(self, request: RunRequest | str, *, run_id: str | None = None) -> RunResult:
        """Carry out a goal and give what it came to.

        Raises:
            JournalError: The run cannot be made durable; nothing was done.
        """
        run_id = run_id or new_run_id()
        async with aclosing(self.stream(request, run_id=run_id)) as entries:
            async for _ in entries:
                pass
        return await self.result(run_id)

    async def stream(
        self,
        request: RunRequest | str,
        *,
        run_id: str | None = None,
        on_delta: DeltaSink | None = None,
        plan_only: bool = False,
    ) -> AsyncGenerator[Entry]:
        """Carry out a goal, entry by entry, each one durable before it is seen.

        With `plan_only` the run rests as `planned` once it has a plan; a resume carries it out.
        Closing the generator cancels the run.
        """
        asked = RunRequest(goal=request) if isinstance(request, str) else request
        run_id = run_id or new_run_id()
        with self.parts.lock(run_id):
            journal = self._journal(run_id)
            work = self._work(journal, self._started(asked), on_delta=on_delta, plan_only=plan_only)
            async with aclosing(work) as entries:
                async for entry in entries:
                    yield entry

    async def resume(
        self,
        run_id: str,
        *,
        approve: Approve = "ask",
        granted: bool | None = None,
        answer: str = "",
        budget: Budget | None = None,
        on_delta: DeltaSink | None = None,
    ) -> AsyncGenerator[Entry]:
        """Go on with a run that rests, stopped, failed, or whose process died.

        Args:
            run_id: The run.
            approve: What happens from now on where the policy asks: ask, yes or no.
            granted: The word on the approval the run rests on, if it does.
            answer: The answer to the question that the plan put, if it did.
            budget: New limits, counted from the run's beginning; the old ones when left out.
            on_delta: Sees text as it is generated.

        Raises:
            JournalError: There is no such run, it is over, it asked nothing that could be
                answered, or another process works on it.
            ToolUnavailable: The server of the tool it was about to call does not start.
            ToolDefinitionChanged: The tool it was about to call is not the same any more.
        """
        with self.parts.lock(run_id):
            journal = await Journal.load(
                self.parts.store, self.parts.blobs, clock=self.parts.clock, run_id=run_id
            )
            self._refuse_what_cannot_go_on(journal)
            resumed = RunResumed(approve=approve, budget=budget)
            first = _taken_up(journal.state, resumed, granted=granted, answer=answer)
            async with aclosing(self._work(journal, *first, on_delta=on_delta)) as entries:
                async for entry in entries:
                    yield entry

    async def cancel(self, run_id: str) -> bool:
        """Cancel a run of this process; say whether it was running."""
        task = self._working.get(run_id)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait([task])
        return True

    async def result(self, run_id: str) -> RunResult:
        """What a run has come to, from its journal.

        Raises:
            JournalError: There is no such run, or its journal was changed.
        """
        journal = await Journal.load(
            self.parts.store, self.parts.blobs, clock=self.parts.clock, run_id=run_id
        )
        state = journal.state
        return RunResult(
            run_id=run_id,
            status=state.status,
            answer=state.answer,
            error=state.error,
            error_code=state.error_code,
            state=state,
        )

    def _journal(self, run_id: str) -> Journal:
        parts = self.parts
        return Journal(parts.store, parts.blobs, clock=parts.clock, run_id=run_id)

    def _started(self, request: RunRequest) -> RunStarted:
        parts = self.parts
        return RunStarted(
            request=request,
            models=parts.models,
            tools={spec.id: definition(spec) for spec in parts.toolset.specs},
            unavailable=dict(parts.unavailable),
            prompts=parts.library.citations,
        )

    def _refuse_what_cannot_go_on(self, journal: Journal) -> None:
        state = journal.state
        if state.status in FINAL:
            raise JournalError(
                f"Run {state.run_id} is over: {state.status}.", hint="Start a new run instead."
            )
        started = next(e.event for e in journal.entries() if isinstance(e.event, RunStarted))
        decided = state.held if state.proposal is None else (*state.held, state.proposal)
        if not decided:
            return
        now = {spec.id: definition(spec) for spec in self.parts.toolset.specs}
        for tool in (proposal.tool for proposal in decided):
            why = self.parts.unavailable.get(tool.partition(".")[0])
            if tool not in now and why:
                raise ToolUnavailable(why, hint="Start the server, then resume the run.")
            if now.get(tool) != started.tools.get(tool):
                raise ToolDefinitionChanged(f"{tool} is not what it was when the run began.")

    async def _work(
        self,
        journal: Journal,
        *first: Event,
        on_delta: DeltaSink | None,
        plan_only: bool = False,
    ) -> AsyncGenerator[Entry]:
        tail = journal.subscribe()
        context = self._context(journal, on_delta)
        task = asyncio.create_task(_drive(context, first, plan_only=plan_only))
        self._working[journal.state.run_id] = task
        try:
            async for entry in tail:
                for trace in self.parts.traces:
                    trace.record(entry)
                yield entry
            await task
        finally:
            self._working.pop(journal.state.run_id, None)
            task.cancel()
            await asyncio.wait([task])

    def _context(self, journal: Journal, on_delta: DeltaSink | None) -> RunContext:
        parts = self.parts
        return RunContext(
            roles=dict(parts.roles),
            toolset=parts.toolset,
            catalogue=parts.catalogue,
            library=parts.library,
            journal=journal,
            clock=parts.clock,
            rules=parts.rules,
            guards=parts.guards,
            similarity=parts.similarity,
            parallel_calls=parts.parallel_calls,
            warm=parts.warm,
            on_delta=on_delta or (lambda _role, _text: None),
        )


def new_run_id() -> str:
    """A name for a run: short enough to type, long enough not to be met twice."""
    return secrets.token_hex(6)


def definition(spec: ToolSpec) -> str:
    """The digest of a tool's definition, by which a change is noticed."""
    return digest(spec.model_dump(mode="json"))[:16]


def _taken_up(
    state: RunState, resumed: RunResumed, *, granted: bool | None, answer: str
) -> list[Event]:
    """The events that a resume begins with: the word on an open approval comes first."""
    events: list[Event] = [resumed]
    if answer:
        if state.plan is None or not state.plan.question:
            raise JournalError(
                f"Run {state.run_id} has asked no question.", hint="Resume it without an answer."
            )
        events.append(QuestionAnswered(text=answer))
    asked = state.approval
    if asked is None or asked.granted is not None:
        return events
    word = granted
    if word is None and state.proposal and not _about_an_unknown_outcome(state):
        word = standing_word(resumed.approve, state.proposal.effect)
    if word is None:
        return events
    given = ApprovalGiven(digest=asked.digest, granted=word, by="the person who resumed the run")
    return [given, *events]


def _about_an_unknown_outcome(state: RunState) -> bool:
    return state.verdict is not None and state.verdict.code == "tool_outcome_unknown"


async def _drive(context: RunContext, first: tuple[Event, ...], *, plan_only: bool) -> None:
    """Carry the run through the graph; whatever ends it is written down before it is raised."""
    journal = context.journal
    try:
        from orchestrator.graph.build import build_graph
        from orchestrator.graph.nodes.plan import plan_run

        await journal.append(*first)
        if plan_only:
            await plan_run(context)
        else:
            await build_graph().ainvoke(
                {"run": context.state},
                context=context,
                config={"recursion_limit": SUPER_STEPS},
            )
        if context.state.status == "running":
            await journal.append(_rest(context.state))
    except asyncio.CancelledError:
        if context.state.status == "running":
            await asyncio.shield(journal.append(CANCELLED))
        raise
    except (OrchestratorError, ExceptionGroup) as raised:
        await journal.append(_failure(raised))
    finally:
        journal.close()


def _rest(state: RunState) -> RunEnded:
    """Where a run rests that is neither over nor at work: before its plan, or on a question."""
    if state.plan and state.plan.question:
        return RunEnded(status="needs_input", error=state.plan.question, code="needs_input")
    if state.proposal is None:
        return RunEnded(status="planned")
    asked = state.verdict.reason if state.verdict else ""
    return RunEnded(status="waiting_approval", error=asked, code="needs_input")


def _failure(raised: Exception) -> RunEnded:
    """What ended a run, written down; what is not ours, or is the journal's own, goes on up."""
    error = raised
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, OrchestratorError) or isinstance(error, JournalError):
        raise error
    return RunEnded(status="failed", error=f"{error.message} {error.hint}", code=error.code)
