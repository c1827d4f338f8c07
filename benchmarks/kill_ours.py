"""Ferryman's side of the kill matrix: the real graph over the real journal, and a person."""

import itertools
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from adapters.backends.scripted import ScriptedBackend
from adapters.clock import SystemClock
from adapters.retrieval.lexical import LexicalRetriever
from adapters.stores.blobs import FolderBlobs
from adapters.stores.sqlite import SqliteStore
from benchmarks.kill_effects import WORDS as TOOLS
from benchmarks.kill_effects import Desk, EffectFile, Hooks, spec
from benchmarks.kill_stories import FOLDER, GOAL, SteadyPlanner, Story, answer
from orchestrator.core.chat import ChatRequest, StreamItem
from orchestrator.core.events import CallIntended, CallSettled, Entry
from orchestrator.core.roles import CapabilityCard, Profile
from orchestrator.core.runs import RunRequest, RunState
from orchestrator.core.tools import ToolOutcome
from orchestrator.graph.context import Player
from orchestrator.journal.writer import Journal
from orchestrator.policy.catalogue import Catalogue, build_catalogue
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import OVER
from orchestrator.prompting.library import Library, load_library
from orchestrator.runtime import Orchestrator, Parts

RUN = "matrix"
STATE = "state"
"""The folder of a case that is the service's own; what lies beside it is the world's."""
_ROUNDS = 40
_UNKNOWN = "tool_outcome_unknown"


class MortalStore:
    """A store whose process may die before or after any append."""

    def __init__(self, store: SqliteStore, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    async def append(self, entries: Sequence[Entry]) -> None:
        """Append, with a place to die on either side."""
        what = "+".join(dict.fromkeys(entry.event.type for entry in entries))
        self._hooks.reach(f"before append {what}")
        await self._store.append(entries)
        self._hooks.reach(f"after append {what}")

    async def read(self, run_id: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Read; nothing dies of that."""
        return await self._store.read(run_id, after, limit)


class MortalBlobs:
    """A blob store whose process may die before or after a payload is kept."""

    def __init__(self, blobs: FolderBlobs, hooks: Hooks) -> None:
        self._blobs = blobs
        self._hooks = hooks
        self.get = blobs.get

    def put(self, data: bytes) -> str:
        """Keep, with a place to die on either side."""
        self._hooks.reach("before blob")
        digest = self._blobs.put(data)
        self._hooks.reach("after blob")
        return digest


class MortalBackend:
    """A model whose process may die before it answers, amid the answer, and when it is whole."""

    card = CapabilityCard(logprobs=True, cached_tokens=True)

    def __init__(self, backend: ScriptedBackend, hooks: Hooks, role: str) -> None:
        self._backend = backend
        self._hooks = hooks
        self._role = role
        self.identity = backend.identity

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer, a few characters at a time."""
        self._hooks.reach(f"before {self._role}'s reply")
        async with aclosing(self._backend.stream(request)) as items:
            first = True
            async for item in items:
                yield item
                if first:
                    self._hooks.reach(f"amid {self._role}'s reply")
                first = False
        self._hooks.reach(f"after {self._role}'s reply")


class Warm:
    """What every process of the matrix shares: made once, before any of them is forked."""

    def __init__(self, prompts: Path) -> None:
        from orchestrator.graph.build import build_graph

        build_graph()
        self.library: Library = load_library(prompts)
        self.catalogue: Catalogue = build_catalogue(
            tuple(spec(tool) for tool in TOOLS), [LexicalRetriever()]
        )


class Process:
    """One life of the service: it starts or takes up the run and asks the person what it must."""

    def __init__(
        self,
        told: Story,
        folder: Path,
        hooks: Hooks,
        warm: Warm,
        *,
        clock: Clock | None = None,
        busy_s: float = 5.0,
    ) -> None:
        self._clock = clock or SystemClock()
        self._story = told
        self._hooks = hooks
        self._effects = EffectFile(folder / "effects")
        self._folder = folder
        self._store = SqliteStore(folder / STATE / "journal.db", busy_s=busy_s)
        self._blobs = FolderBlobs(folder / STATE / "blobs")
        self._orchestrator = self._built(warm)

    async def told(self) -> dict[str, Any]:
        """Live, and tell what there is to tell of it."""
        await self._note_what_is_unknown()
        status = await self.live()
        return {
            "status": status,
            "passed": self._hooks.passed,
            "unwritten": await self.unwritten(),
        }

    async def live(self) -> str:
        """Carry the run to its end and say what it came to; a killed process never does."""
        for _ in range(_ROUNDS):
            head = await self._store.head(RUN)
            if head is not None and head.status in OVER:
                return head.status
            await self._go_on(head.status if head else "")
        return "never over"

    async def _note_what_is_unknown(self) -> None:
        """Write down which calls an earlier life began and told no outcome of."""
        events = [entry.event for entry in await self._store.read(RUN)]
        settled = {event.id for event in events if isinstance(event, CallSettled)}
        begun = {event.id: event for event in events if isinstance(event, CallIntended)}
        left = [
            e for e in begun.values() if e.id not in settled and not spec(e.call.tool).retry_safe
        ]
        self._noted("unknown", [event.id for event in left])

    async def unwritten(self) -> int:
        """Count the effects that no intent in the journal stands before."""
        events = [entry.event for entry in await self._store.read(RUN)]
        intended = {event.call.key for event in events if isinstance(event, CallIntended)}
        return sum(line["key"] not in intended for line in self._effects.lines())

    def _noted(self, name: str, lines: Sequence[str]) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)

    async def _go_on(self, status: str) -> None:
        if not status:
            request = RunRequest(goal=GOAL, places={"Tray": FOLDER}, approve=self._story.approve)
            await _to_the_end(self._orchestrator.stream(request, run_id=RUN))
            return
        words: dict[str, Any] = {}
        if status == "waiting_approval":
            self._hooks.reach("while it waits")
            words = await self._answers()
        resumed = self._orchestrator.resume(RUN, approve=self._story.approve, **words)
        await _to_the_end(resumed)

    async def _answers(self) -> dict[str, Any]:
        """A person's word: yes; of a call nobody knows of, what the world shows of it."""
        journal = await Journal.load(self._store, self._blobs, clock=self._clock, run_id=RUN)
        state = journal.state
        if state.verdict is None or state.verdict.code != _UNKNOWN:
            return {"granted": True}
        done = {}
        for call_id, call, _ in _open_calls(state):
            self._noted("asked", [call_id])
            if self._effects.has_key(call.key):
                done[call_id] = ToolOutcome(ok=True, data={"done": str(call.arguments["path"])})
        return {"granted": True, "results": done} if done else {"granted": True}

    def _built(self, warm: Warm) -> Orchestrator:
        planner = ScriptedBackend(itertools.repeat(SteadyPlanner(self._story)))
        synthesizer = ScriptedBackend(itertools.repeat(answer))
        profile = Profile(name="scripted", context_tokens=32_000)
        desk = Desk(self._story.papers, self._effects, self._hooks, words=self._story.words)
        return Orchestrator(
            Parts(
                roles={
                    "planner": Player(MortalBackend(planner, self._hooks, "planner"), profile),
                    "synthesizer": Player(
                        MortalBackend(synthesizer, self._hooks, "synthesizer"), profile
                    ),
                },
                models=(),
                toolset=desk,
                catalogue=warm.catalogue,
                library=warm.library,
                store=MortalStore(self._store, self._hooks),
                blobs=MortalBlobs(self._blobs, self._hooks),
                clock=self._clock,
                rules=self._story.rules,
                parallel_calls=self._story.parallel,
                lock=self._store.run_lock,
            )
        )


def _open_calls(state: RunState) -> list[tuple[str, Any, int]]:
    """The calls of the proposal at hand that were begun and of whose outcome nothing is known."""
    proposal = state.proposal
    return [i for i in state.intended if proposal and i[0].rpartition(".")[0] == proposal.id]


async def _to_the_end(entries: AsyncGenerator[Entry]) -> None:
    async with aclosing(entries) as following:
        async for _ in following:
            pass
