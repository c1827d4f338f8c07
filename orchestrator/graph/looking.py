"""Looking into the folders that a step speaks of, before its arguments are asked for."""

from orchestrator.core.events import FolderLookedInto
from orchestrator.core.runs import Look
from orchestrator.core.tools import ToolCall
from orchestrator.graph.context import RunContext
from orchestrator.graph.prospect import Prospect
from orchestrator.policy.arguments import parameters
from orchestrator.policy.budgets import objection
from orchestrator.policy.grounding import (
    entries_of,
    folders_spoken_of,
    folders_to_look_in,
    lister,
    seen_files,
    unlooked,
)
from orchestrator.policy.references import resolve


async def looked(context: RunContext, ahead: Prospect, tool: str) -> Prospect:
    """The prospect with the files that the tool may be pointed to, where it needs any.

    The folders are those of the step's intent; those of the goal, or else all of the run, only
    while no earlier step gave a file. A folder is listed once until the run changes something; a
    failed listing offers nothing.
    """
    listing = lister(context.specs.values()) if context.roles["planner"].profile.looks else None
    if listing is None or not _takes_a_file(context, ahead, tool):
        return ahead
    folders = folders_spoken_of(ahead.step.intent, ahead.places)
    if not folders and not _has_files(ahead):
        folders = folders_to_look_in(ahead.goal, list(ahead.places))
    for folder in unlooked(folders, context.state.looks, context.state.writes):
        if not objection(context.state, calls=context.state.held_calls + 1):
            await _look(context, ahead, folder, *listing)
    found = seen_files(folders, context.state.looks)
    return ahead.model_copy(update={"offered": (*ahead.offered, *found)})


def _takes_a_file(context: RunContext, ahead: Prospect, tool: str) -> bool:
    """Whether a parameter is a file that no item of a fan-out gives."""
    wanted = parameters(
        context.specs[tool], ahead.offered, goal=ahead.goal, intent=ahead.step.intent
    )
    items = {reference.text for reference in ahead.offered if reference.each}
    return any(
        (parameter.accepts in {"path", "image"} or parameter.elements)
        and not items & set(parameter.references)
        for parameter in wanted
    )


def _has_files(ahead: Prospect) -> bool:
    """Whether an earlier step gave a file, which may be the one that is meant."""
    return any(r.step and r.kind in {"path", "image path"} for r in ahead.offered)


async def _look(
    context: RunContext, ahead: Prospect, folder: str, tool: str, parameter: str
) -> None:
    path = resolve(folder, step=ahead.step, index=-1, known=ahead.known, places=ahead.places)
    outcome = await context.toolset.call(ToolCall(tool=tool, arguments={parameter: path}))
    data = outcome.data if outcome.ok and isinstance(outcome.data, dict) else {}
    look = Look(folder=folder, entries=entries_of(data), world=context.state.writes)
    await context.happened(
        FolderLookedInto(step=ahead.step.id, tool=tool, look=look, ok=outcome.ok)
    )
