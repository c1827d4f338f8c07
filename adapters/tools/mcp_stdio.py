"""Runs an MCP server as a process of its own and speaks with it over its pipes."""

import logging
import os
import signal
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage

from adapters.tools.mcp_lines import EndlessLine, LineSplitter, Oversized, read_line
from adapters.tools.mcp_secrets import redacted
from adapters.tools.outcomes import legible

STDERR_TAIL_BYTES = 8 * 1024
EXIT_GRACE_S = 1.0
SIGNAL_GRACE_S = 0.5
_POLL_S = 0.01
_SHOWN_LINES = 6
_SHOWN_CHARS = 400

Inbox = MemoryObjectReceiveStream[SessionMessage | Exception]
Outbox = MemoryObjectSendStream[SessionMessage]
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)

log = logging.getLogger(__name__)


class StdioTransport:
    """One run of a server's process, from its start to the death of its whole group.

    The SDK's own transport has no cap on a line and takes quadratic time for a long one, so
    the pipes are read here. `line_limit` is the longest message in bytes; what the process
    prints is repeated without the `secrets`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        line_limit: int,
        secrets: Collection[str] = (),
    ) -> None:
        self._command = list(command)
        self._env = get_default_environment() | dict(env)
        self._cwd = cwd
        self._splitter = LineSplitter(line_limit)
        self._secrets = secrets
        self._stderr = bytearray()
        self._noise = 0
        self._exit_code: int | None = None
        self.ended = False
        self.flooded = False

    def diagnosis(self) -> str:
        """What is known about the process: exit code, noise, and its last words on stderr."""
        facts = []
        if self._exit_code is not None:
            facts.append(f"It exited with code {self._exit_code}.")
        if self._noise:
            facts.append(f"{self._noise} lines on its stdout were not messages (log to stderr).")
        lines = [" ".join(line.split())[:_SHOWN_CHARS] for line in self._words().splitlines()]
        if any(lines):
            facts.append("Its last words: " + " | ".join(filter(None, lines[-_SHOWN_LINES:])))
        return " ".join(facts)

    def _words(self) -> str:
        words = redacted(legible(self._stderr.decode("utf-8", "replace")), self._secrets)
        if len(self._stderr) < STDERR_TAIL_BYTES:
            return words
        # The cut at the front of the tail may have left the end of a secret.
        return words[max(map(len, self._secrets), default=0) :]

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[tuple[Inbox, Outbox]]:
        """Start the process; yield what comes from it and what goes to it; end its group.

        Raises:
            OSError: The command cannot be started.
        """
        to_session, inbox = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outbox, from_session = anyio.create_memory_object_stream[SessionMessage](0)
        with to_session, inbox, outbox, from_session:
            process = await anyio.open_process(
                self._command, env=self._env, cwd=self._cwd, start_new_session=True
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, process, to_session, tasks)
                tasks.start_soon(self._write, process, from_session)
                try:
                    yield inbox, outbox
                finally:
                    inbox.close()
                    with anyio.CancelScope(shield=True):
                        await _stop(process)
                    tasks.cancel_scope.cancel()

    async def _read(
        self,
        process: Process,
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        stdout, stderr = process.stdout, process.stderr
        if stdout is None or stderr is None:
            return
        stderr_ended = anyio.Event()
        tasks.start_soon(self._listen_to_stderr, stderr, stderr_ended)
        with to_session:
            with suppress(*_GONE):
                await self._deliver(stdout, to_session)
            self.ended = True
            with anyio.move_on_after(SIGNAL_GRACE_S):
                await stderr_ended.wait()
                await _exits(process, SIGNAL_GRACE_S)
            self._exit_code = process.returncode
        with suppress(*_GONE):
            while True:
                await stdout.receive()

    async def _deliver(
        self,
        stdout: ByteReceiveStream,
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        try:
            while True:
                for line in self._splitter.feed(await stdout.receive()):
                    message = read_line(line)
                    if message is None:
                        self._hear_noise(line)
                    else:
                        await to_session.send(message)
        except EndlessLine:
            self.flooded = True

    def _hear_noise(self, line: bytes | Oversized) -> None:
        if isinstance(line, bytes) and line and not self._noise:
            text = redacted(line.decode("utf-8", "replace"), self._secrets)
            log.warning("%s prints to stdout what is not a message: %.80r", self._command[0], text)
        self._noise += bool(line)

    async def _listen_to_stderr(self, stderr: ByteReceiveStream, ended: anyio.Event) -> None:
        with suppress(*_GONE):
            while True:
                self._stderr += await stderr.receive()
                del self._stderr[:-STDERR_TAIL_BYTES]
        ended.set()

    async def _write(
        self, process: Process, from_session: MemoryObjectReceiveStream[SessionMessage]
    ) -> None:
        stdin = process.stdin
        if stdin is None:
            return
        with from_session, suppress(*_GONE):
            async for item in from_session:
                text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                await stdin.send(f"{text}\n".encode())


async def _stop(process: Process) -> None:
    """Ask by closing stdin, then by SIGTERM, then kill; the group never outlives this."""
    if process.stdin is not None:
        with suppress(*_GONE):
            await process.stdin.aclose()
    if not await _exits(process, EXIT_GRACE_S):
        _signal(process, signal.SIGTERM)
        await _exits(process, SIGNAL_GRACE_S)
    with anyio.move_on_after(SIGNAL_GRACE_S):
        while _signal(process, signal.SIGKILL):  # noqa: ASYNC110 - nothing tells of a group's end
            await anyio.sleep(_POLL_S)
    _release_pipes(process)


def _signal(process: Process, number: signal.Signals) -> bool:
    """Signal the group; False when nobody is left in it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


async def _exits(process: Process, seconds: float) -> bool:
    """Poll, because asyncio's own wait also waits for pipes that a grandchild may hold."""
    with anyio.move_on_after(seconds):
        while process.returncode is None:  # noqa: ASYNC110 - see above
            await anyio.sleep(_POLL_S)
    return process.returncode is not None


def _release_pipes(process: Process) -> None:
    """Close our pipe ends even when an escaped grandchild still holds the others."""
    transport = getattr(getattr(process, "_process", None), "_transport", None)
    if transport is not None:
        with suppress(PermissionError):
            transport.close()
