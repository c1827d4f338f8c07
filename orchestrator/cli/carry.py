"""Drives a run for the command line: shows it, asks for approval, cancels it on Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from rich.console import Console

from orchestrator.bootstrap import open_orchestrator, read_run
from orchestrator.cli.approval import Word, ask, on_a_terminal
from orchestrator.cli.view import View
from orchestrator.core.events import Entry
from orchestrator.core.runs import Approve, Budget, RunRequest, RunState
from orchestrator.journal.fold import fold
from orchestrator.runtime import Orchestrator
from orchestrator.settings import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Errand:
    """What is to be carried: a new request, or the resume of a run.

    `approve` is what a resume says from now on, `granted` the word on what the run waits for,
    `answer` answers the run's question, `budget` are its new limits, `may_ask` is whether a
    person may be asked.
    """

    run_id: str
    request: RunRequest | None = None
    approve: Approve = "ask"
    granted: bool | None = None
    answer: str = ""
    budget: Budget | None = None
    plan_only: bool = False
    may_ask: bool = True


async def carry(errand: Errand, settings: Settings, *, view: View, console: Console) -> list[Entry]:
    """Carry a run until it is over or rests, and give its whole journal.

    Raises:
        OrchestratorError: It could not begin; what happens later ends up in the journal.
    """
    servers = sum(not block.get("disabled") for block in settings.config.mcpServers.values())
    view.doing(f"starting {servers} tool server{'s' if servers != 1 else ''}")
    try:
        async with open_orchestrator(settings) as orchestrator:
            await _carried(errand, orchestrator, view, console)
            view.doing("closing")
    finally:
        view.rest()
    return await read_run(settings, errand.run_id)


async def _carried(
    errand: Errand, orchestrator: Orchestrator, view: View, console: Console
) -> None:
    run_id = errand.run_id
    if errand.request is not None:
        state = await _watched(
            orchestrator.stream(
                errand.request, run_id=run_id, on_delta=view.heard, plan_only=errand.plan_only
            ),
            RunState(),
            view,
        )
    else:
        before = (await orchestrator.result(run_id)).state
        again = orchestrator.resume(
            run_id,
            approve=errand.approve,
            granted=errand.granted,
            answer=errand.answer,
            budget=errand.budget,
            on_delta=view.heard,
        )
        state = await _watched(again, before, view)
    while state.status == "waiting_approval" and errand.may_ask and on_a_terminal():
        view.rest()
        word = ask(console, state)
        if word == "later":
            return
        state = await _watched(_answered(orchestrator, state, word, view), state, view)


def _answered(
    orchestrator: Orchestrator, state: RunState, word: Word, view: View
) -> AsyncGenerator[Entry]:
    """Go on with a person's word; what was said beforehand stays said."""
    said: Approve = state.request.approve if state.request else "ask"
    return orchestrator.resume(
        state.run_id,
        approve="yes" if word == "all" else said,
        granted=word != "no",
        on_delta=view.heard,
    )


async def _watched(entries: AsyncGenerator[Entry], before: RunState, view: View) -> RunState:
    """Show a stream to its end; Ctrl-C cancels the run and nothing else."""
    states = [before]

    async def watch() -> None:
        async with aclosing(entries):
            async for entry in entries:
                after = fold(states[0], entry)
                view.saw(states[0], entry, after)
                states[0] = after

    task = asyncio.create_task(watch())
    with _interrupted_by(task):
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    elif states[0].status == "running":
        # The end of a cancelled run is written after the last entry that was seen.
        return states[0].model_copy(update={"status": "cancelled"})
    return states[0]


@contextmanager
def _interrupted_by(task: asyncio.Task[None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
