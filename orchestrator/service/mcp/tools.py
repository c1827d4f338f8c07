"""The tools that an MCP client is offered: their words, their scopes, and what is true of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import Forbidden, InvalidRequest
from orchestrator.service.gate.keys import Caller, Scope
from orchestrator.service.mcp import acts, words

_MOST_PROBLEMS = 5


@dataclass(frozen=True)
class Tool:
    """A tool; the last four say what is true of its effects.

    `scope` is what a key needs for it, beyond being known.
    """

    name: str
    title: str
    about: str
    takes: type[Frozen]
    gives: type[Frozen]
    act: Callable[[acts.Request, Any], Awaitable[Frozen]]
    scope: Scope | None = "run"
    reads: bool = False
    destroys: bool = False
    repeatable: bool = False
    reaches_out: bool = False

    def offered_to(self, caller: Caller) -> bool:
        """Whether the caller may use it."""
        return self.scope is None or caller.may(self.scope)


async def call(tool: Tool, request: acts.Request, arguments: Mapping[str, Any]) -> Frozen:
    """Do what a client asks.

    Raises:
        Forbidden: The caller's key has not the scope.
        InvalidRequest: The arguments do not fit the tool's schema.
        RequestError: It cannot be done; the message says why.
    """
    if not tool.offered_to(request.caller):
        raise Forbidden(f"The key {request.caller.name!r} has not the scope {tool.scope!r}.")
    try:
        given = tool.takes.model_validate(arguments)
    except ValidationError as error:
        raise InvalidRequest(
            f"{tool.name}: {_problems(error)}.", hint="Compare the arguments with the inputSchema."
        ) from error
    return await tool.act(request, given)


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the arguments'}: {problem['msg']}"
        for problem in error.errors()[:_MOST_PROBLEMS]
    )


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="run_task",
        title="Run a task",
        about="Have a task carried out: Ferryman plans it, uses its own tools, and answers. "
        "Gives the run when it is over, needs a person, or wait_seconds have passed; then go on "
        "with get_run, approve or answer. The run does not end when this request does.",
        takes=words.RunTask,
        gives=words.RunTold,
        act=acts.run_task,
        destroys=True,
        reaches_out=True,
    ),
    Tool(
        name="get_run",
        title="Look at a run",
        about="A run's status, steps, answer, and what it waits for. With wait_seconds it waits "
        "until the run is over or needs a person.",
        takes=words.GetRun,
        gives=words.RunTold,
        act=acts.get_run,
        scope=None,
        reads=True,
    ),
    Tool(
        name="list_runs",
        title="List the runs",
        about="Your runs, the newest first: find one whose id was lost, or that waits.",
        takes=words.ListRuns,
        gives=words.RunsTold,
        act=acts.list_runs,
        scope=None,
        reads=True,
    ),
    Tool(
        name="approve",
        title="Decide about calls",
        about="Give a person's word on the calls that a run asks about, bound to exactly these "
        "calls by the digest. Never decide in the person's place: show them the calls first.",
        takes=words.Decide,
        gives=words.RunTold,
        act=acts.approve,
        scope="approve",
        destroys=True,
        repeatable=True,
        reaches_out=True,
    ),
    Tool(
        name="answer",
        title="Answer a run's question",
        about="Give a person's answer to the question that a run put; it goes on with it.",
        takes=words.GiveAnswer,
        gives=words.RunTold,
        act=acts.answer,
        destroys=True,
        reaches_out=True,
    ),
    Tool(
        name="resume",
        title="Go on with a run",
        about="Go on with a run that has a plan and rests, was stopped or cancelled, or failed.",
        takes=words.GoOn,
        gives=words.RunTold,
        act=acts.resume,
        destroys=True,
        reaches_out=True,
    ),
    Tool(
        name="cancel",
        title="Cancel a run",
        about="End the work on a run. What was done stays done; resume can go on with the rest.",
        takes=words.Stop,
        gives=words.RunTold,
        act=acts.cancel,
        repeatable=True,
    ),
)
BY_NAME: Mapping[str, Tool] = {tool.name: tool for tool in TOOLS}
