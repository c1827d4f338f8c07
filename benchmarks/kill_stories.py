"""What the runs of the kill matrix are about: a seed decides the plan, its tools, who is asked."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.kill_effects import FILE, LIST, READ, SEND, SHRED, STAMP, WRITING, effect_name
from orchestrator.core.chat import ChatRequest, Choice
from orchestrator.policy.permissions import DEFAULT_RULES, Rule

FOLDER = "/office/Tray"
GOAL = "Deal with the papers in the Tray."
_INTENTS = {
    READ: "read the text of each paper",
    STAMP: "stamp each paper",
    FILE: "file each paper in the cabinet",
    SHRED: "shred each paper",
    SEND: "send each paper by mail",
}


@dataclass(frozen=True)
class Story:
    """A run: its papers, what is done with each of them in turn, and who is asked.

    `words` is the length of a paper: long ones are kept as blobs beside the journal.
    """

    seed: int
    papers: tuple[str, ...]
    tools: tuple[str, ...]
    approve: Literal["ask", "yes"]
    free: tuple[str, ...]
    parallel: int
    words: int

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The operator's rules: some tools may be used unasked."""
        return (*(Rule(tool=tool, decision="allow") for tool in self.free), *DEFAULT_RULES)

    @property
    def expected(self) -> set[str]:
        """The effects of the whole run, each of which is to happen once."""
        return {
            effect_name(tool, {"path": f"{FOLDER}/{paper}"})
            for tool in self.tools
            if tool in WRITING
            for paper in self.papers
        }

    @property
    def plan(self) -> dict[str, Any]:
        """The plan as a model writes it."""
        steps = [_step("s1", "list the papers in the Tray", LIST, over="")]
        for number, tool in enumerate(self.tools, 2):
            steps.append(_step(f"s{number}", _INTENTS[tool], tool, over="s1"))
        return {"steps": steps}

    @property
    def acts(self) -> Mapping[str, tuple[str, dict[str, str]]]:
        """The tool and the arguments of each step."""
        each = {f"s{n}": (tool, {"path": "$s1.path"}) for n, tool in enumerate(self.tools, 2)}
        return {"s1": (LIST, {"path": "$folder.Tray"}), **each}


def story(seed: int) -> Story:
    """The run of a seed; any two differ in fan-out, tools, their order, and what is asked."""
    drawn = random.Random(seed)  # noqa: S311 - the same story for the same seed, no secret
    writes = drawn.sample(WRITING, drawn.randint(1, 2))
    tools = drawn.sample([*writes, READ], len(writes) + 1) if drawn.random() < 0.7 else writes  # noqa: PLR2004
    return Story(
        seed=seed,
        papers=tuple(f"paper-{number}.txt" for number in range(1, drawn.randint(2, 4) + 1)),
        tools=tuple(tools),
        approve=drawn.choice(("ask", "yes")),
        free=tuple(tool for tool in writes if drawn.random() < 0.3),  # noqa: PLR2004
        parallel=drawn.choice((1, 2, 4)),
        words=drawn.choice((3, 2000)),
    )


def _step(step_id: str, intent: str, tool: str, *, over: str) -> dict[str, str]:
    namespace = tool.partition(".")[0]
    return {"id": step_id, "intent": intent, "namespace": namespace, "over": over, "where": ""}


class SteadyPlanner:
    """Answers every request from what it asks: a run may be cut anywhere and go on."""

    def __init__(self, told: Story) -> None:
        self._plan, self._acts = told.plan, told.acts

    def __call__(self, request: ChatRequest) -> Any:
        """Say what the story says here: the plan, a step's tool, or its arguments."""
        asked = request.messages[-1].content
        if isinstance(request.constraint, Choice):
            return self._acts[re.findall(r"^Step (s\d+)", asked, re.MULTILINE)[-1]][0]
        if asked.startswith("Arguments of "):
            wanted = asked.removeprefix("Arguments of ").partition(":")[0]
            return next(arguments for name, arguments in self._acts.values() if name == wanted)
        return self._plan


def answer(_: ChatRequest) -> str:
    """What the synthesizer says in the end."""
    return "The papers are dealt with."
