"""decide: for the step at hand, one tool and its arguments, and what the guard says of it."""

from collections.abc import Mapping, Sequence

from langgraph.runtime import Runtime
from pydantic import JsonValue

from orchestrator.core.errors import InvalidArguments, InvalidPlan, MalformedReply, MissingValue
from orchestrator.core.events import (
    DecisionFailed,
    Event,
    RunEnded,
    StepClosed,
    ToolsSearched,
)
from orchestrator.core.plans import PlanStep
from orchestrator.core.runs import Proposal, RunState, StepState
from orchestrator.core.tools import ToolCall, ToolSpec
from orchestrator.graph.asking import put, which_is_meant
from orchestrator.graph.choice import Chosen, choose_tool
from orchestrator.graph.context import RunContext
from orchestrator.graph.filling import fill_arguments, search_query
from orchestrator.graph.judging import proposed
from orchestrator.graph.prospect import Prospect, prospect
from orchestrator.graph.state import GraphState
from orchestrator.journal.together import current_step
from orchestrator.policy.budgets import objection
from orchestrator.policy.endings import (
    ended_by_sources,
    new_plan_or_failure,
    nothing_to_go_over,
)
from orchestrator.policy.handles import Handle, handle, handles, kind_of, lineage
from orchestrator.policy.lookups import named_among
from orchestrator.policy.mending import spoken_instead
from orchestrator.policy.reading import DOCUMENTS, PICTURES, readers
from orchestrator.policy.replanning import FAILURES_BEFORE_REPLAN
from orchestrator.policy.selection import meant, select
from orchestrator.policy.shortlist import leader
from orchestrator.prompting.transcript import SEARCH

NO_TOOL = "None of the tools does anything like this."


async def decide(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Decide about the first open step, or close it where there is nothing to decide."""
    context, run = runtime.context, state["run"]
    step = current_step(run)
    if step is None:
        return state
    try:
        if obstacle := _obstacle(run, step):
            return await context.happened(obstacle)
        indices = _indices(context, step)
    except InvalidPlan as error:
        reason = f"{step.step.id}: {error.message} {error.hint}"
        return await context.happened(new_plan_or_failure(run, step, reason))
    if step.step.over and not indices:
        source = _source(run, step)
        count = len(source.items) if source else 0
        return await context.happened(nothing_to_go_over(run, step, count))
    floor = context.roles["planner"].profile.abstain_similarity
    if context.catalogue.nearest(step.step.intent) < floor:
        nothing = StepClosed(step=step.step.id, status="failed", note=NO_TOOL)
        return await context.happened(nothing)
    return await _decide(context, prospect(run, step.step, indices))


async def _decide(context: RunContext, ahead: Prospect) -> GraphState:
    chosen = Chosen(tool="")
    if question := which_is_meant(context, ahead):
        return await context.happened(*put(question))
    try:
        chosen = await choose_tool(context, ahead)
        if chosen.tool == SEARCH:
            query = await search_query(context, ahead, chosen.arguments)
            return await context.happened(ToolsSearched(step=ahead.step.id, query=query))
        _refuse_waiting_by_writing(ahead.step, context.specs[chosen.tool])
        expressions, calls = await fill_arguments(context, ahead, chosen.tool, chosen.arguments)
    except (InvalidArguments, MalformedReply) as error:
        failed = DecisionFailed(
            step=ahead.step.id, code=error.code, reason=error.message, tool=chosen.tool
        )
        return await context.happened(failed, *_asked_for(context, ahead, chosen.tool, error))
    proposal = _proposal(context, ahead, chosen, calls).model_copy(
        update={"expressions": expressions}
    )
    return await context.happened(*proposed(context, proposal))


def _asked_for(
    context: RunContext, ahead: Prospect, tool: str, error: Exception
) -> tuple[Event, ...]:
    """The question for a value that nobody gave, where the step changes something.

    Only before anything is done: a question takes the place of the plan.
    """
    run = context.state
    given = run.deflected or any(step.status == "done" for step in run.steps)
    if not isinstance(error, MissingValue) or given or context.specs[tool].effect == "read":
        return ()
    question = f"What is the {error.parameter.replace('_', ' ')} to be? ({ahead.step.intent})"
    return put(question, reason=error.message)


def _refuse_waiting_by_writing(step: PlanStep, tool: ToolSpec) -> None:
    """Keep a step that waits to tools whose calls may be repeated at will."""
    if step.wait_until and tool.effect != "read":
        raise InvalidArguments(
            f"{step.id} waits for something, and {tool.id} changes something: a tool that reads"
            " is needed."
        )


def _proposal(
    context: RunContext, ahead: Prospect, chosen: Chosen, calls: tuple[ToolCall, ...]
) -> Proposal:
    run = context.state
    proposal_id = _new_id(run)
    return Proposal(
        id=proposal_id,
        step=ahead.step.id,
        tool=chosen.tool,
        expressions={},
        calls=tuple(
            call.model_copy(update={"key": f"{run.run_id}:{proposal_id}.{index}"})
            for index, call in enumerate(calls)
        ),
        parents=ahead.indices if len(calls) == len(ahead.indices) else (-1,),
        effect=context.specs[chosen.tool].effect,
        margin=chosen.margin,
        serves=_serves(context, ahead.step, chosen.tool),
    )


def _new_id(run: RunState) -> str:
    """An id that no call has: the turn, and how many are settled where no model was asked."""
    plain = f"p{run.turns}"
    used = any(call.id.rpartition(".")[0] == plain for call in run.settled)
    return f"{plain}-{len(run.settled)}" if used else plain


def _serves(context: RunContext, step: PlanStep, tool: str) -> bool:
    """Whether what a tool of another namespace reads is what the step is for."""
    spec = context.specs[tool]
    if spec.effect != "read" or spec.namespace == step.namespace:
        return False
    return leader(context.catalogue, step.intent) == tool


def _obstacle(run: RunState, step: StepState) -> Event | None:
    """Why the step cannot be decided about, as the event that says so."""
    if reason := objection(run):
        return RunEnded(status="stopped", error=reason, code="budget_exceeded")
    if step.failures >= FAILURES_BEFORE_REPLAN:
        reason = f"{step.step.id} ({step.step.intent}) failed {step.failures} times. {run.note}"
        return new_plan_or_failure(run, step, reason)
    return ended_by_sources(run, step)


def _indices(context: RunContext, step: StepState) -> tuple[int, ...]:
    """The ids of the items that the step is still to be carried out for."""
    run, mend = context.state, context.roles["planner"].profile.mends_plans
    source = _source(run, step)
    if source is None:
        return ()
    known = handles(run)
    items = [_with_origin(known, source, item.id) for item in source.items]
    where = meant(step.step.where, items) if mend else step.step.where
    places = select(items, where, step.step.take)
    if mend and where and not places:
        names = [str(item.get("name", "")) for item in items]
        instead = spoken_instead(step.step, _intents(run, step), names)
        places = () if instead is None else select(items, meant(instead, items), step.step.take)
    if mend:
        listed = next(s.step for s in run.steps if s.step.id == step.step.over)
        named = named_among(step.step, listed, [items[place] for place in places])
        places = _of_pictures(context, step.step, items, tuple(places[at] for at in named))
    chosen = [source.items[place].id for place in places]
    left = [item for item in chosen if item not in handle(run, step).by_id]
    return tuple(left or chosen)


def _of_pictures(
    context: RunContext,
    step: PlanStep,
    items: Sequence[Mapping[str, JsonValue]],
    places: tuple[int, ...],
) -> tuple[int, ...]:
    """Of the files of which a step reads the pictures, those that are some.

    All of them where the step or the goal speaks of scans or documents: those are read as well.
    """
    said = f"{step.intent} {context.state.request.goal if context.state.request else ''}"
    shown = PICTURES.search(said) and not DOCUMENTS.search(said)
    if not shown or step.namespace != readers(context.specs.values()).pictures:
        return places
    kinds = {place: kind_of("path", items[place].get("path", ""), items[place]) for place in places}
    return tuple(place for place in places if kinds[place] == "image path") or places


def _with_origin(known: Mapping[str, Handle], source: Handle, item: int) -> dict[str, JsonValue]:
    """An item with the fields of what it was made from: which are meant may be said of those."""
    records = reversed(lineage(known, source.step, item).values())
    return {field: value for record in records for field, value in record.items()}


def _intents(run: RunState, step: StepState) -> list[str]:
    """What is said of a step's items: by the step that finds them, and by the goal."""
    source = next((s.step.intent for s in run.steps if s.step.id == step.step.over), "")
    return [source, run.request.goal if run.request else ""]


def _source(run: RunState, step: StepState) -> Handle | None:
    return handles(run).get(step.step.over) if step.step.over else None
