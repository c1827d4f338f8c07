"""What the arms of an evaluation share: loaded models, prompts, and a journal of their own."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.core.events import ModelInfo
from orchestrator.core.roles import Role
from orchestrator.evals.arms import Arm
from orchestrator.graph.context import Player
from orchestrator.policy.catalogue import build_catalogue
from orchestrator.policy.guards import GUARDS
from orchestrator.policy.permissions import Rule
from orchestrator.ports.clock import Clock
from orchestrator.ports.retrieval import Retriever
from orchestrator.ports.store import BlobStore, JournalStore
from orchestrator.ports.tools import Toolset
from orchestrator.prompting.examples import Similarity
from orchestrator.prompting.library import Library
from orchestrator.runtime import Parts

OfficeTools = Callable[[Path, Path], AbstractAsyncContextManager[Toolset]]
"""Starts the sample office's servers on a folder, with a folder for their own state."""


@dataclass(frozen=True)
class Workbench:
    """Everything that costs time to set up, once for all cases and arms.

    `office_tools` gives the office's toolset, the built-in tools included.
    """

    roles: Mapping[Role, Player]
    models: tuple[ModelInfo, ...]
    library: Library
    store: JournalStore
    blobs: BlobStore
    clock: Clock
    rules: tuple[Rule, ...]
    retrievers: Sequence[Retriever]
    similarity: Similarity
    office_tools: OfficeTools

    def parts(self, toolset: Toolset) -> Parts:
        """The parts of an orchestrator over a world's tools."""
        return Parts(
            roles=self.roles,
            models=self.models,
            toolset=toolset,
            catalogue=build_catalogue(toolset.specs, self.retrievers),
            library=self.library,
            store=self.store,
            blobs=self.blobs,
            clock=self.clock,
            rules=self.rules,
            similarity=self.similarity,
        )


def under(parts: Parts, arm: Arm) -> Parts:
    """The same parts with what the arm changes."""
    roles = {
        role: Player(player.backend, arm.changed(player.profile))
        for role, player in parts.roles.items()
    }
    return replace(parts, roles=roles, guards=GUARDS if arm.guarded else ())
