"""The orchestrator: run a goal, watch it, resume it, answer its questions, cancel it."""

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from orchestrator.core.errors import (
    OrchestratorError,
    RunConflict,
)
from orchestrator.core.events import (
    Entry,
    Event,
    RunStarted,
)
from orchestrator.core.runs import (
    Approve,
    Budget,
    RunRequest,
    RunResult,
    RunStatus,
)
from orchestrator.core.tools import ToolOutcome, ToolSpec
from orchestrator.graph.client_tools import scope
from orchestrator.graph.context import DeltaSink, RunContext
from orchestrator.graph.going_on import (
    check_can_go_on,
    definition,
    gone_on_with,
    plans_only,
    started,
)
from orchestrator.graph.parts import Parts
from orchestrator.graph.taking_up import Arguments, Words, taken_up
from orchestrator.graph.work import CANCELLED, Work, ending_of
from orchestrator.journal.leaving import LeavableJournal

__all__ = ["Orchestrator", "Parts", "new_run_id"]

UNFINISHED: frozenset[RunStatus] = frozenset(
    {"running", "planned", "waiting_approval", "waiting_tools", "needs_input"}
)
"""Statuses of a run that is at work or at rest; with every other one it is over."""


class Orchestrator:
    """Carries goals through their runs, each one an entry of the journal before it is a fact.

    Usage:
        async for entry in orchestrator.stream(RunRequest(goal="…")):
            print(entry.event.type)

    What accepts runs and carries them out later uses `enlist` or `take_up`, then `carry_out`.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._working: dict[str, Work] = {}

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
            begun = self._started(asked, plan_only=plan_only)
            work = self._work(journal, begun, on_delta=on_delta, plan_only=plan_only)
            async with aclosing(work) as entries:
                async for entry in entries:
                    yield entry

    async def enlist(
        self, request: RunRequest, *, run_id: str | None = None, plan_only: bool = False
    ) -> str:
        """Make a run durable and do nothing else; `carry_out` begins with it.

        Raises:
            RunConflict: There is a run of that id already.
            JournalError: The run cannot be made durable.
        """
        run_id = run_id or new_run_id()
        with self.parts.lock(run_id):
            if await self.parts.store.read(run_id, limit=1):
                raise RunConflict(f"There is a run {run_id} already.", hint="Choose another id.")
            journal = self._journal(run_id)
            await self._happened(journal, self._started(request, plan_only=plan_only))
        return run_id

    async def take_up(self, run_id: str, words: Words) -> None:
        """Make durable what is said to a run that rests; `carry_out` goes on with it.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It is over, does not wait for what was said, or is being worked on.
            InvalidRequest: What was said does not fit what the run asked.
            ToolUnavailable: The server of the tool it was about to call does not start.
            ToolDefinitionChanged: The tool it was about to call is not the same any more.
        """
        with self.parts.lock(run_id):
            journal = await self._loaded(run_id)
            await self._happened(journal, *self._taken_up(journal, words))

    async def carry_out(
        self, run_id: str, *, on_delta: DeltaSink | None = None
    ) -> AsyncGenerator[Entry]:
        """Go on with a run that was enlisted or taken up, or whose process died.

        Nothing happens to a run that is at rest or over by now. Closing the generator leaves the
        run as it is in its journal; only `cancel` cancels it.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It is being worked on.
            JournalError: Its journal cannot be trusted, or cannot grow.
        """
        with self.parts.lock(run_id):
            journal = await self._loaded(run_id)
            if journal.state.status != "running":
                return
            first = gone_on_with(journal)
            try:
                self._check(journal)
            except OrchestratorError as error:
                first = [ending_of(error)]
            plan_only = plans_only(journal.entries())
            work = self._work(journal, *first, on_delta=on_delta, plan_only=plan_only, leaves=True)
            async with aclosing(work) as more:
                async for entry in more:
                    yield entry

    async def resume(  # noqa: PLR0913 - each is one thing that may be said to a run
        self,
        run_id: str,
        *,
        approve: Approve = "ask",
        granted: bool | None = None,
        digest: str = "",
        by: str = "",
        edited: Sequence[Arguments] | None = None,
        results: Mapping[str, ToolOutcome] | None = None,
        answer: str = "",
        budget: Budget | None = None,
        on_delta: DeltaSink | None = None,
    ) -> AsyncGenerator[Entry]:
        """Go on with a run that rests, stopped, failed, or whose process died.

        Args:
            run_id: The run.
            approve: What happens from now on where the policy asks: ask, yes or no.
            granted: The word on the approval the run rests on, if it does.
            digest: Which calls the word is about; any other ones are left as they are.
            by: Who gave the word.
            edited: The arguments of every call, to be carried out in place of the ones asked about.
            results: What the client's own tools returned, by the id of the call; or what a person
                found that calls came to of whose outcome nobody knew.
            answer: The answer to the question that the plan put, if it did.
            budget: New limits, counted from the run's beginning; the old ones when left out.
            on_delta: Sees text as it is generated.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It is over, does not wait for what was said, or is being worked on.
            InvalidRequest: What was said does not fit what the run asked.
            JournalError: Its journal cannot be trusted, or cannot grow.
            ToolUnavailable: The server of the tool it was about to call does not start.
            ToolDefinitionChanged: The tool it was about to call is not the same any more.
        """
        words = Words(
            approve=approve,
            granted=granted,
            digest=digest,
            by=by,
            edited=edited,
            results=results,
            answer=answer,
            budget=budget,
        )
        with self.parts.lock(run_id):
            journal = await self._loaded(run_id)
            first = self._taken_up(journal, words)
            async with aclosing(self._work(journal, *first, on_delta=on_delta)) as entries:
                async for entry in entries:
                    yield entry

    async def cancel(self, run_id: str) -> bool:
        """Cancel a run that this process works on; say whether it does."""
        work = self._working.get(run_id)
        if work is None:
            return False
        await work.call_off()
        return True

    async def call_off(self, run_id: str) -> bool:
        """Cancel a run that nobody works on; say whether it was not over yet.

        Raises:
            RunNotFound: There is no such run.
            RunConflict: It is being worked on.
        """
        with self.parts.lock(run_id):
            journal = await self._loaded(run_id)
            if journal.state.status not in UNFINISHED:
                return False
            await self._happened(journal, CANCELLED)
        return True

    async def leave(self, run_id: str, *, within_s: float) -> None:
        """Stop working on a run and leave it as it is, once no call of it is under way.

        Args:
            run_id: The run; one that is not worked on is left alone.
            within_s: Seconds that its calls are waited for at most.
        """
        work = self._working.get(run_id)
        if work is not None:
            await work.leave(within_s=within_s)

    def live(self, run_id: str) -> LeavableJournal | None:
        """The journal of a run that this process works on right now."""
        work = self._working.get(run_id)
        return work.journal if work else None

    async def result(self, run_id: str) -> RunResult:
        """What a run has come to, from its journal.

        Raises:
            RunNotFound: There is no such run.
            JournalError: Its journal was changed.
        """
        state = (await self._loaded(run_id)).state
        return RunResult(
            run_id=run_id,
            status=state.status,
            answer=state.answer,
            error=state.error,
            error_code=state.error_code,
            state=state,
        )

    def _journal(self, run_id: str) -> LeavableJournal:
        parts = self.parts
        return LeavableJournal(parts.store, parts.blobs, clock=parts.clock, run_id=run_id)

    async def _loaded(self, run_id: str) -> LeavableJournal:
        parts = self.parts
        return await LeavableJournal.load(
            parts.store, parts.blobs, clock=parts.clock, run_id=run_id
        )

    def _started(self, request: RunRequest, *, plan_only: bool) -> RunStarted:
        parts = self.parts
        return RunStarted(
            request=request,
            models=parts.models,
            tools={spec.id: definition(spec) for spec in self._specs(request)},
            unavailable=dict(parts.unavailable),
            prompts=parts.library.citations,
            plan_only=plan_only,
        )

    def _taken_up(self, journal: LeavableJournal, words: Words) -> list[Event]:
        self._check(journal, refused=words.granted is False)
        return taken_up(self._context(journal, None), words)

    def _check(self, journal: LeavableJournal, *, refused: bool = False) -> None:
        specs = self._specs(started(journal.entries()).request)
        check_can_go_on(journal, specs, self.parts.unavailable, refused=refused)

    def _specs(self, request: RunRequest) -> Sequence[ToolSpec]:
        return scope(self.parts.toolset.specs, request.tools)

    async def _happened(self, journal: LeavableJournal, *events: Event) -> None:
        before = journal.state.last_seq
        await journal.append(*events)
        for entry in journal.since(before, len(events)):
            self._traced(entry)

    def _traced(self, entry: Entry) -> None:
        for trace in self.parts.traces:
            trace.record(entry)

    async def _work(
        self,
        journal: LeavableJournal,
        *first: Event,
        on_delta: DeltaSink | None,
        plan_only: bool = False,
        leaves: bool = False,
    ) -> AsyncGenerator[Entry]:
        run_id = journal.state.run_id
        tail = journal.subscribe()
        context = self._context(journal, on_delta, *first)
        work = Work(context, journal, *first, plan_only=plan_only)
        self._working[run_id] = work
        try:
            async for entry in tail:
                self._traced(entry)
                yield entry
            await work.finished()
        finally:
            self._working.pop(run_id, None)
            await (work.leave(within_s=0.0) if leaves else work.call_off())

    def _context(
        self, journal: LeavableJournal, on_delta: DeltaSink | None, *first: Event
    ) -> RunContext:
        begun = (event.request for event in first if isinstance(event, RunStarted))
        request = journal.state.request or next(begun, None)
        return self.parts.context(journal, request, on_delta)


def new_run_id() -> str:
    """A name for a run: short enough to type, long enough not to be met twice."""
    return secrets.token_hex(6)
