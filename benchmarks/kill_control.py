"""The control of the kill matrix: the same tools in a plain LangGraph graph with its checkpointer.

Nothing of Ferryman stands beside it: state is kept by `AsyncSqliteSaver` with `durability="sync"`,
the strongest that LangGraph offers, approvals are `interrupt`, and a process that comes after a
dead one goes on with `ainvoke(None)`, as LangGraph's documentation says.
"""

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from typing_extensions import override

from benchmarks.kill_effects import EFFECTS, LIST, Desk, Hooks
from benchmarks.kill_stories import FOLDER, Story
from orchestrator.core.tools import ToolCall
from orchestrator.policy.permissions import permission, standing_word

_ROUNDS = 40
_CONFIG: RunnableConfig = {"configurable": {"thread_id": "matrix"}, "recursion_limit": 1000}


class Turns(TypedDict, total=False):
    """How far the run is: the turn at hand, what was done, and whether that is all."""

    turn: int
    call: dict[str, Any]
    done: Annotated[list[str], operator.add]
    over: bool


class MortalSaver(AsyncSqliteSaver):
    """A checkpointer whose process may die before or after anything is kept."""

    hooks = Hooks()

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint, with a place to die on either side."""
        self.hooks.reach("before put")
        kept = await super().aput(config, checkpoint, metadata, new_versions)
        self.hooks.reach("after put")
        return kept

    @override
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Keep a task's writes, with a place to die on either side."""
        self.hooks.reach("before put_writes")
        await super().aput_writes(config, writes, task_id, task_path)
        self.hooks.reach("after put_writes")


class Control:
    """One life of a process that carries the same run on checkpoints alone."""

    def __init__(self, told: Story, folder: Path, desk: Desk, hooks: Hooks) -> None:
        self._story = told
        self._path = folder / "checkpoints.db"
        self._desk = desk
        self._hooks = hooks
        self._turns = _turns(told)
        self.taken_for_finished = False

    async def live(self) -> str:
        """Carry the run to its end and say what it came to; a killed process never does."""
        async with MortalSaver.from_conn_string(str(self._path)) as saver:
            saver.hooks = self._hooks  # type: ignore[attr-defined]
            graph = self._graph().compile(checkpointer=saver)
            for _ in range(_ROUNDS):
                found = await graph.aget_state(_CONFIG)
                if found.values.get("over"):
                    return "completed"
                begun = found.config["configurable"].get("checkpoint_id") is not None
                waits = any(task.interrupts for task in found.tasks)
                self.taken_for_finished |= begun and not found.next and bool(found.values)
                said: Any = Command(resume=True) if waits else None if begun else {"turn": 0}
                await graph.ainvoke(said, _CONFIG, durability="sync")
        return "never over"

    def _graph(self) -> Any:
        graph = StateGraph(Turns)
        graph.add_node("agent", self._agent)
        graph.add_node("approve", self._approve)
        graph.add_node("tool", self._tool)
        graph.add_node("join", self._join)
        graph.add_edge(START, "agent")
        graph.add_conditional_edges("agent", self._after_agent, ["approve", "tool", END])
        graph.add_conditional_edges("approve", self._fan_out, ["tool"])
        graph.add_edge("tool", "join")
        graph.add_edge("join", "agent")
        return graph

    async def _agent(self, state: Turns) -> Turns:
        self._hooks.reach("agent")
        return {"over": state["turn"] >= len(self._turns)}

    def _after_agent(self, state: Turns) -> Any:
        if state["over"]:
            return END
        calls = self._turns[state["turn"]]
        return "approve" if _asks(self._story, calls[0].tool) else self._fan_out(state)

    async def _approve(self, state: Turns) -> Turns:
        interrupt(f"May I do turn {state['turn']}?")
        return {}

    def _fan_out(self, state: Turns) -> list[Send]:
        calls = self._turns[state["turn"]]
        return [Send("tool", {"call": call.model_dump()}) for call in calls]

    async def _tool(self, state: Turns) -> Turns:
        call = ToolCall.model_validate(state["call"])
        self._desk.carried_out(call)
        return {"done": [call.key]}

    async def _join(self, state: Turns) -> Turns:
        return {"turn": state["turn"] + 1}


def _turns(told: Story) -> list[list[ToolCall]]:
    """The calls of each turn, with a key that stays the same however often one is made."""
    turns = [[(LIST, FOLDER)]]
    turns += [[(tool, f"{FOLDER}/{paper}") for paper in told.papers] for tool in told.tools]
    return [
        [
            ToolCall(tool=tool, arguments={"path": path}, key=f"{at}.{index}")
            for index, (tool, path) in enumerate(turn)
        ]
        for at, turn in enumerate(turns)
    ]


def _asks(told: Story, tool: str) -> bool:
    """Whether a person is asked where Ferryman would ask."""
    if permission(told.rules, tool, EFFECTS[tool]) != "ask":
        return False
    return standing_word(told.approve, EFFECTS[tool]) is None
