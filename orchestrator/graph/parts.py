"""What an orchestrator is made of, and what a run of it may use."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from orchestrator.core.events import ModelInfo
from orchestrator.core.roles import Role
from orchestrator.core.runs import RunRequest
from orchestrator.graph.client_tools import with_client_tools
from orchestrator.graph.context import DeltaSink, Player, RunContext, Warm
from orchestrator.journal.writer import Journal
from orchestrator.policy.catalogue import Catalogue
from orchestrator.policy.guards import GUARDS, Guard
from orchestrator.policy.permissions import DEFAULT_RULES, Rule
from orchestrator.ports.clock import Clock
from orchestrator.ports.retrieval import Retriever
from orchestrator.ports.store import BlobStore, JournalStore
from orchestrator.ports.tools import Toolset
from orchestrator.ports.traces import TraceSink
from orchestrator.prompting.examples import Similarity, by_words
from orchestrator.prompting.library import Library

Lock = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Parts:
    """What an orchestrator is made of; `lock` keeps a run to one process at a time.

    `similarity` finds the worked decision that is closest to a step, `retrievers` are the ways of
    comparing tools, for a run that has some of its own. An approval can be given for
    `approval_s` seconds; 0 is for ever. `guards` are only ever changed to measure what they are
    worth.
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
    retrievers: tuple[Retriever, ...] = ()
    parallel_calls: int = 4
    approval_s: float = 0.0
    unavailable: Mapping[str, str] = field(default_factory=dict)
    lock: Lock = lambda _run_id: nullcontext()
    warm: Warm = lambda _namespaces: None
    traces: tuple[TraceSink, ...] = ()

    def context(
        self, journal: Journal, request: RunRequest | None, on_delta: DeltaSink | None
    ) -> RunContext:
        """What a run may use: the shared parts, its journal, and its client's own tools."""
        context = RunContext(
            roles=dict(self.roles),
            toolset=self.toolset,
            catalogue=self.catalogue,
            library=self.library,
            journal=journal,
            clock=self.clock,
            rules=self.rules,
            guards=self.guards,
            similarity=self.similarity,
            parallel_calls=self.parallel_calls,
            approval_s=self.approval_s,
            warm=self.warm,
            on_delta=on_delta or (lambda _role, _text: None),
        )
        return with_client_tools(context, request.tools if request else (), self.retrievers)
