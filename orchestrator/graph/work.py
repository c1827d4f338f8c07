"""A run being carried out in this process: the task that drives it, and how it may be stopped."""

import asyncio

from orchestrator.core.errors import JournalError, OrchestratorError
from orchestrator.core.events import Event, RunEnded
from orchestrator.core.runs import RunState
from orchestrator.graph.context import RunContext
from orchestrator.journal.leaving import LeavableJournal

SUPER_STEPS = 100_000
CANCELLED = RunEnded(status="cancelled", error="The run was cancelled.", code="run_cancelled")


class Work:
    """Drives a run through the graph; whatever ends it is written down before it is raised.

    Stopped without having been called off, the run stays as it is in its journal, so that the
    next process goes on with it.
    """

    def __init__(
        self,
        context: RunContext,
        journal: LeavableJournal,
        *first: Event,
        plan_only: bool = False,
    ) -> None:
        self.journal = journal
        self._context = context
        self._first = first
        self._plan_only = plan_only
        self._called_off = False
        self._stopping = False
        self._begun = asyncio.Event()
        self._task = asyncio.create_task(self._drive())
        self._task.add_done_callback(self._ended)

    async def finished(self) -> None:
        """Wait for the end.

        Raises:
            JournalError: The journal cannot grow; the run can be resumed once it can.
        """
        await self._task

    async def call_off(self) -> None:
        """Stop at once, and say in the journal that the run was cancelled."""
        self._called_off = True
        await self._stopped()

    async def leave(self, *, within_s: float) -> None:
        """Stop where the run is easy to go on from: as soon as no call of it is under way.

        Args:
            within_s: So many seconds are waited for that at most.
        """
        self.journal.begin_nothing_more()
        settled = asyncio.create_task(self.journal.nothing_under_way())
        await asyncio.wait(
            [settled, self._task], timeout=within_s, return_when=asyncio.FIRST_COMPLETED
        )
        settled.cancel()
        await self._stopped()

    async def _stopped(self) -> None:
        # A task that is cancelled before it has begun could not write down that it was.
        await self._begun.wait()
        if not self._stopping:
            self._stopping = True
            self._task.cancel()
        await asyncio.wait([self._task])

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._begun.set()
        self.journal.close()

    async def _drive(self) -> None:
        context, journal = self._context, self.journal
        self._begun.set()
        try:
            await journal.append(*self._first)
            await self._through_the_graph()
            if context.state.status == "running":
                await journal.append(_rest(context.state))
        except asyncio.CancelledError:
            if self._called_off and context.state.status == "running":
                await asyncio.shield(journal.append(CANCELLED))
            raise
        except (OrchestratorError, ExceptionGroup) as raised:
            await journal.append(ending_of(raised))

    async def _through_the_graph(self) -> None:
        from orchestrator.graph.build import build_graph
        from orchestrator.graph.nodes.plan import plan_run

        context = self._context
        if not self._plan_only:
            await build_graph().ainvoke(
                {"run": context.state}, context=context, config={"recursion_limit": SUPER_STEPS}
            )
        elif context.state.plan is None:
            await plan_run(context)


def ending_of(raised: Exception) -> RunEnded:
    """What ended a run, written down.

    Raises:
        Exception: What is not ours, or is the journal's own, goes on up.
    """
    error = raised
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, OrchestratorError) or isinstance(error, JournalError):
        raise error
    return RunEnded(status="failed", error=f"{error.message} {error.hint}", code=error.code)


def _rest(state: RunState) -> RunEnded:
    """Where a run rests that is neither over nor at work: before its plan, or on a question."""
    if state.plan and state.plan.question:
        return RunEnded(status="needs_input", error=state.plan.question, code="needs_input")
    if state.proposal is None:
        return RunEnded(status="planned")
    asked = state.verdict.reason if state.verdict else ""
    return RunEnded(status="waiting_approval", error=asked, code="needs_input")
