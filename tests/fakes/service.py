"""A dispatcher over an office, and the tools that let a test stop its runs where it wants."""

import asyncio
import dataclasses

from orchestrator.service.dispatch.dispatcher import Delta, Dispatcher
from tests.fakes.office import Office, plan, screenshots, step
from tests.fakes.tools import tool

LOOKING = plan(step("s1", "look at the world", "world"))
LOOK = "world.look"
LOOKS = {"s1": (LOOK, {})}
SEND = "mail.send"
MAILING = plan(step("s1", "send the report to Ana", "mail"))


class Gate:
    """A tool that answers when it is let; `begun` are its calls so far."""

    def __init__(self, *, effect="read"):
        self.begun = 0
        self._effect = effect
        self._open = asyncio.Event()
        self._news = asyncio.Event()

    def open(self):
        self._open.set()

    async def calls(self, count):
        """Wait until so many calls were begun."""
        while self.begun < count:
            self._news.clear()
            await self._news.wait()

    @property
    def tool(self):
        return tool(LOOK, "Look at the world.", self._look, effect=self._effect)

    async def _look(self):
        self.begun += 1
        self._news.set()
        await self._open.wait()
        return {"seen": "everything"}


def looking(gate, **fields):
    """An office whose only job is to look through a gate."""
    return Office(more=[gate.tool], **fields)


class Sent:
    """A tool that sends mail, which is always asked for; `to` are those who got one."""

    def __init__(self):
        self.to = []

    @property
    def tool(self):
        return tool(SEND, "Send a mail.", self._send, effect="egress", to="string")

    def _send(self, to):
        self.to.append(to)
        return {"sent_to": to}


def with_locks(orchestrator, store):
    """Have the orchestrator lock its runs in the store, as a process beside others does."""
    orchestrator.parts = dataclasses.replace(orchestrator.parts, lock=store.run_lock)
    return orchestrator


def dispatching(office, *script, **limits):
    """A dispatcher in a fresh process over the office's store."""
    planner = list(script) or None
    return Dispatcher(office.orchestrator(planner), **limits)


def renaming(count=2, **fields):
    """An office with screenshots to rename."""
    return Office(images=screenshots(count), **fields)


async def followed(dispatcher, run_id, after=0):
    """Every entry until the run is over or at rest."""
    return [entry async for entry in dispatcher.follow(run_id, after=after)]


async def status_of(dispatcher, run_id):
    """What the run came to, once nobody works on it."""
    await followed(dispatcher, run_id)
    return (await dispatcher.state(run_id)).status


def entries_in(items):
    """The entries among followed items."""
    return [item for item in items if not isinstance(item, Delta)]
