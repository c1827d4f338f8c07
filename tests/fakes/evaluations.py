"""A suite in memory: cases on a Desktop of fake files, carried out by scripted models.

bench = workbench(planner=script)
suite = FakeSuite([case("one"), case("two")])
await evaluate(evaluation(suite, bench, EvaluationFolder(tmp_path)))
"""

import itertools
from contextlib import asynccontextmanager

from adapters.backends.scripted import ScriptedBackend
from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.core.events import ModelInfo
from orchestrator.evals.arms import ARMS
from orchestrator.evals.cases import Case, Gold
from orchestrator.evals.records import Measured
from orchestrator.evals.runner import Evaluation
from orchestrator.evals.workbench import Workbench
from orchestrator.graph.context import Player
from orchestrator.policy.permissions import DEFAULT_RULES
from orchestrator.prompting.examples import by_words
from tests.fakes.clock import FakeClock
from tests.fakes.office import DESKTOP, LIBRARY, PROFILE, RENAME, Writer
from tests.fakes.stores import MemoryBlobs, MemoryStore
from tests.fakes.tools import InMemoryFiles, InMemoryToolset, filesystem

DRAFT = f"{DESKTOP}/draft.txt"
MODEL = ModelInfo(role="planner", backend="scripted", model="script", record="0001")


def case(case_id, goal="", **fields):
    """Rename the draft: one gold call, unless told."""
    gold = (
        Gold(tool=RENAME, arguments={"path": "{office}/draft.txt", "new_name": f"{case_id}.txt"}),
    )
    goal = goal or f"Rename draft.txt to {case_id}.txt."
    return Case(**{"id": case_id, "goal": goal, "gold": gold, **fields})


def workbench(planner, **fields):
    """A workbench whose planner is scripted; `planner` is its replies, or one that never ends."""
    script = itertools.repeat(planner) if callable(planner) else planner
    values = {
        "roles": {
            "planner": Player(ScriptedBackend(script), PROFILE),
            "synthesizer": Player(ScriptedBackend(itertools.repeat(Writer())), PROFILE),
        },
        "models": (MODEL,),
        "library": LIBRARY,
        "store": MemoryStore(),
        "blobs": MemoryBlobs(),
        "clock": FakeClock(),
        "rules": DEFAULT_RULES,
        "retrievers": (LexicalRetriever(),),
        "similarity": by_words,
        "office_tools": None,
    }
    return Workbench(**{**values, **fields})


class FakeWorld:
    """A Desktop with a draft, fresh for each case; `anew` gives each case a toolset of its own."""

    def __init__(self, *, anew=False, more=()):
        self.begun = []
        self.said = []
        self._anew, self._more = anew, more
        self.files = InMemoryFiles([DRAFT])
        self.toolset = self._tools()

    async def begin(self, case):
        self.begun.append(case.id)
        self.files.content.clear()
        self.files.content[DRAFT] = ""
        if self._anew:
            self.toolset = self._tools()
        return {"Desktop": DESKTOP}

    async def turn_done(self, case, index, trace):
        self.said.append((case.id, index, trace.status))

    async def failures(self, case, trace):
        del trace
        wanted = f"{DESKTOP}/{case.id}.txt"
        return [] if wanted in self.files.content else [f"{wanted} is missing."]

    def _tools(self):
        return InMemoryToolset([*filesystem(self.files), *self._more])


class FakeSuite:
    """Cases, and the worlds that were opened for them."""

    name = "fake"
    digest = "f" * 64

    def __init__(self, cases, world=FakeWorld):
        self.cases = tuple(cases)
        self.worlds = []
        self._world = world

    @asynccontextmanager
    async def world(self, folder):
        del folder
        self.worlds.append(self._world())
        yield self.worlds[-1]


def evaluation(suite, bench, folder, *, arm="ferryman", **fields):
    """The suite under an arm."""
    values = {"suite": suite, "arm": ARMS[arm], "cases": suite.cases, "folder": folder}
    values |= {"workbench": bench, "measured": measuring(arm), "prime": False}
    values |= {"worlds": folder.path / "worlds"}
    return Evaluation(**{**values, **fields})


def measuring(arm, **fields):
    """Says of a measurement only its suite, arm and model."""
    values = {"suite": "fake", "suite_digest": "f" * 64, "arm": arm, "model": MODEL.model}
    return lambda parts: Measured(**{**values, "tool_count": len(parts.toolset.specs), **fields})
