"""A request that attends to a run: starts it or goes on with it, and hears it out."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from starlette.requests import Request

from orchestrator.core.errors import RunNotFound, ServiceBusy
from orchestrator.core.events import CallSettled, Entry, RunEnded
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.core.tools import ToolOutcome
from orchestrator.journal.fold import fold_entries
from orchestrator.journal.writer import Journal
from orchestrator.service.context import Service
from orchestrator.service.errors import ErrorBody, failure
from orchestrator.service.gate.keys import Caller
from orchestrator.service.openai.client_calls import call_ids, run_of, settled_by
from orchestrator.service.openai.narration import Narration

RUN_HEADER = "x-ferryman-run"
NEVER_AGAIN = {"x-should-retry": "false"}
"""The clients of OpenAI's API send a failed request again by themselves; a run has effects."""
_BACKEND_CODES = ("backend", "context_")
_log = logging.getLogger("ferryman.service")
_leaving: set[asyncio.Task[bool]] = set()


@dataclass
class Attended:
    """A run that a request attends to, from a state on.

    Unless it is `detached`, the run is cancelled when its client leaves before the end.
    """

    service: Service
    run_id: str
    told: Narration = field(default_factory=Narration)
    detached: bool = False

    def __post_init__(self) -> None:
        self.since = self.told.state.last_seq

    async def entries(self) -> AsyncGenerator[tuple[Entry, str]]:
        """Each entry with what there is to tell of it, until the run is over or rests.

        Raises:
            ServiceBusy: The service goes down; the run goes on when it is back.
        """
        items = self.service.dispatcher.follow(self.run_id, after=self.since)
        over = False
        try:
            async with aclosing(items):
                async for item in items:
                    # The run is free to be gone on with only once there is nothing to follow.
                    if over:
                        return
                    if isinstance(item, Entry):
                        yield item, self.told.take(item)
                        over = asks_caller(item)
        except (asyncio.CancelledError, GeneratorExit):
            if not self.detached and not self.service.draining.is_set():
                _leave(self.service, self.run_id)
            raise
        except ServiceBusy as error:
            raise self.going_down from error

    async def heard_out(self) -> list[str]:
        """Every line, once the run is over or rests."""
        async with aclosing(self.entries()) as entries:
            return [line async for _, line in entries if line]

    async def heard_out_for(self, request: Request) -> list[str] | None:
        """Every line, or None when the client left before the end.

        Raises:
            ServiceBusy: The service goes down; the run goes on when it is back.
        """
        work = asyncio.create_task(self.heard_out())
        gone = asyncio.create_task(_gone(request))
        down = asyncio.ensure_future(self.service.draining.wait())
        try:
            await asyncio.wait({work, gone, down}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if down.done():
                raise self.going_down
            return None
        finally:
            for task in (work, gone, down):
                task.cancel()
            await asyncio.wait({work, gone, down})

    @property
    def going_down(self) -> ServiceBusy:
        """What is told to a client whose run is not over when the service goes down."""
        return ServiceBusy(
            f"The service goes down. Run {self.run_id} goes on when it is back.",
            hint=f"Do not send the task again; GET /v1/runs/{self.run_id} tells its result.",
            retry_after_s=30.0,
        )

    @property
    def failed(self) -> tuple[int, ErrorBody] | None:
        """The status and body that tell a failed run; None unless it failed."""
        state = self.told.state
        if state.status != "failed":
            return None
        status = 502 if state.error_code.startswith(_BACKEND_CODES) else 500
        hint = f"GET /v1/runs/{state.run_id} shows what was done; POST …/resume goes on from there."
        return status, failure(status, state.error_code, state.error, hint)


async def begun(service: Service, request: RunRequest, *, detached: bool = False) -> Attended:
    """Start a run; it is durable when this returns."""
    run_id = await service.dispatcher.start(request)
    return Attended(service, run_id, detached=detached)


async def gone_on(
    service: Service,
    caller: Caller,
    results: Mapping[str, ToolOutcome],
    *,
    param: str,
    detached: bool = False,
) -> Attended:
    """Go on with the run that waits for these results.

    Results that the run has had already change nothing, so that a request may be sent again.

    Raises:
        InvalidRequest: They are not exactly what the run waits for.
        RunNotFound: The caller has no such run.
    """
    run_id = run_of(results, param=param)
    state = await own_state(service, caller, run_id)
    if settled := settled_by(state, results, param=param):
        await service.dispatcher.settle(run_id, settled)
    else:
        state = await _before(service, run_id, call_ids(results))
    return Attended(service, run_id, Narration(state), detached=detached)


async def own_state(service: Service, caller: Caller, run_id: str) -> RunState:
    """The state of a run of the caller; a foreign run is as good as none.

    Raises:
        RunNotFound: The caller has no such run.
    """
    head = await service.directory.head(run_id)
    if head is None or head.tenant != caller.tenant:
        raise RunNotFound(f"There is no run {run_id[:80]}.")
    return await service.dispatcher.state(run_id)


async def entries_of(service: Service, run_id: str) -> list[Entry]:
    """The journal of a run as it is now.

    Raises:
        JournalError: It cannot be read or trusted.
    """
    parts = service.orchestrator.parts
    journal = await Journal.load(parts.store, parts.blobs, clock=parts.clock, run_id=run_id)
    return journal.entries()


async def _before(service: Service, run_id: str, calls: set[str]) -> RunState:
    """The state that a run was in before it got the results of these calls."""
    entries = await entries_of(service, run_id)
    later = (e.seq for e in entries if isinstance(e.event, CallSettled) and e.event.id in calls)
    first = min(later)
    return fold_entries(entry for entry in entries if entry.seq < first)


def _leave(service: Service, run_id: str) -> None:
    """Cancel a run that nobody attends to any more, without waiting for it."""
    task = asyncio.ensure_future(service.dispatcher.cancel(run_id))
    _leaving.add(task)
    task.add_done_callback(_left)


def asks_caller(entry: Entry) -> bool:
    """Whether a request is over with this entry: what comes after it is another request's."""
    return isinstance(entry.event, RunEnded) and entry.event.status == "waiting_tools"


def _left(task: asyncio.Task[bool]) -> None:
    _leaving.discard(task)
    if not task.cancelled() and (error := task.exception()):
        _log.warning("A run that was left could not be cancelled: %s", error)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
