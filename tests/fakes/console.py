"""The console for tests: a real server on loopback over an office, and a real browser before it.

async with at_the_console(office, tmp_path, planner=[…]) as (desk, page):
    await page.click("text=New run")
"""

import asyncio
import dataclasses
import os
import shutil
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from orchestrator.core.runs import Budget
from orchestrator.graph.context import Player
from orchestrator.policy.permissions import DEFAULT_RULES
from orchestrator.runtime import Orchestrator
from orchestrator.service.app import gated
from orchestrator.service.context import Service
from orchestrator.service.dispatch.dispatcher import Dispatcher
from orchestrator.service.gate.keys import Keyring
from tests.fakes.office import DESKTOP

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]
PATIENCE_MS = 90_000
"""A browser that shares two processors with the other tests is slow, and not wrong."""
MISSING = "Chromium is not on this machine: `apt-get install chromium` brings it."


class Gate:
    """Holds every reply of a model back until it is opened, or lets so many through."""

    def __init__(self, *, is_open=True):
        self._left = None if is_open else 0
        self._changed = asyncio.Event()
        self.waiting = 0
        self.arrived = asyncio.Event()

    def open(self):
        self._left = None
        self._changed.set()

    def close(self):
        self._left = 0

    def let(self, count):
        self._left = (self._left or 0) + count
        self._changed.set()

    async def through(self):
        self.arrived.set()
        while self._left == 0:
            self._changed.clear()
            await self._changed.wait()
        if self._left is not None:
            self._left -= 1


class GatedBackend:
    """A backend that answers when the test lets it."""

    def __init__(self, backend, gate):
        self._backend = backend
        self._gate = gate
        self.card = backend.card

    def identity(self):
        return self._backend.identity()

    async def stream(self, request):
        await self._gate.through()
        async for item in self._backend.stream(request):
            yield item


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config):
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.listens.set()


class ServedOffice:
    """An office behind the real application; it can go down and come back at the same address."""

    def __init__(self, office, folder, *, planner=None, writer=None, rules=DEFAULT_RULES):
        self.office = office
        self.gate = Gate()
        self.keyring = Keyring(folder / "keys.json")
        self._making = {"planner": planner, "writer": writer, "rules": rules}
        self._port = 0
        self._server = None
        self._task = None
        self.service = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}/"

    async def up(self, **making):
        """Start, with what is left of the script unless another one is given."""
        self.service = self._service({**self._making, **making})
        self._server = _Server(
            uvicorn.Config(
                gated(self.service),
                log_config=None,
                lifespan="on",
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        listening = self._listening()
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        await self._server.listens.wait()

    async def down(self):
        """Stop as SIGTERM would: streams end, runs at work are left to be taken up."""
        self.service.draining.set()
        await self.service.dispatcher.drain(within_s=0)
        self._server.should_exit = True
        await self._task

    def _listening(self):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", self._port))
        self._port = made.getsockname()[1]
        return made

    def _service(self, making):
        planner = making["planner"]
        orchestrator = self.office.orchestrator(planner, making["writer"], rules=making["rules"])
        parts = orchestrator.parts
        roles = {
            role: Player(GatedBackend(player.backend, self.gate), player.profile)
            for role, player in parts.roles.items()
        }
        orchestrator = Orchestrator(dataclasses.replace(parts, roles=roles))
        return Service(
            orchestrator=orchestrator,
            dispatcher=Dispatcher(orchestrator, running=4, waiting=100),
            directory=self.office.store,
            keyring=self.keyring,
            clock=self.office.clock,
            places={"Desktop": DESKTOP},
            budget=Budget(),
        )


@asynccontextmanager
async def served(office, folder, **making):
    """An office that is served until the end of the block."""
    desk = ServedOffice(office, Path(folder), **making)
    await desk.up()
    try:
        yield desk
    finally:
        desk.gate.open()
        await desk.down()


@asynccontextmanager
async def browsing():
    """Chromium without a window, for as long as the block lasts."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(browser, url, **settings):
    """A page in a window of its own; whatever its console complains about fails the test."""
    # A mark that turns would keep a processor busy that draws it in software.
    calm = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    settings = {**calm, **settings}
    context = await browser.new_context(**settings)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.complaints = []
    page.on("console", lambda said: _note(page, said.type, said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    await page.goto(url)
    try:
        yield page
    finally:
        await context.close()


def _note(page, kind, text):
    if kind in {"error", "warning"}:
        page.complaints.append(text)


@asynccontextmanager
async def at_the_console(office, folder, *, window=None, **making):
    """A served office and a page of its console, as (desk, page)."""
    async with (
        served(office, folder, **making) as desk,
        browsing() as browser,
        visit(browser, desk.url, **(window or {})) as page,
    ):
        yield desk, page
