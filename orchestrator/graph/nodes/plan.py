"""plan: from the goal to typed steps, or, with a reason, to the steps that are still needed."""

from functools import partial

from langgraph.runtime import Runtime

from orchestrator.core.chat import JsonSchema, Message
from orchestrator.core.errors import InvalidPlan, MalformedReply
from orchestrator.core.events import Event, ModelCalled, PlanMade, PlanRefused, RunEnded, StepClosed
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import RunState
from orchestrator.graph.context import RunContext
from orchestrator.graph.state import GraphState
from orchestrator.graph.thread import plan_opening
from orchestrator.policy.abilities import abilities
from orchestrator.policy.beyond import possible
from orchestrator.policy.budgets import objection
from orchestrator.policy.decomposition import (
    NO_STEP,
    left_out,
    missing_parts,
    undecided,
    under_decomposed,
    with_missing,
)
from orchestrator.policy.handles import handles, shape
from orchestrator.policy.mending import conditions_spoken_of, mended
from orchestrator.policy.planning import (
    CONDITIONS,
    NOTHING_READ,
    done_steps,
    plan_problems,
    plan_schema,
    read_plan,
)
from orchestrator.policy.replanning import (
    changed,
    first_free,
    given_up,
    remaining_steps,
    repeated_writes,
    with_what_is_left,
)
from orchestrator.policy.shortlist import changing_namespace
from orchestrator.policy.soundness import closer, of_another_goal
from orchestrator.policy.verbs import asks_to_act
from orchestrator.prompting.render import compact, step_json

ATTEMPTS = 3


async def plan(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Make the plan that the run lacks."""
    return await plan_run(runtime.context)


async def plan_run(context: RunContext) -> GraphState:
    """Ask the planner for a plan until one can be carried out, a few times at most."""
    if reason := objection(context.state) or _no_new_plan(context.state):
        return await context.happened(
            RunEnded(status="stopped", error=reason, code="budget_exceeded")
        )
    problems: list[str] = []
    made: Plan | None = None
    for _ in range(ATTEMPTS):
        made, problems = await _attempt(context, problems, made)
        if made is not None and not problems:
            context.warm(dict.fromkeys(step.namespace for step in made.steps))
            given = _given_up(context, made)
            return await context.happened(*_accepted(context.state, made), *given)
    error = "No usable plan: " + " ".join(problems)
    return await context.happened(RunEnded(status="failed", error=error, code="invalid_plan"))


def _no_new_plan(state: RunState) -> str:
    """Why there may be no further plan: the first one is free, each new one is counted."""
    allowed = state.request.budget.replans if state.request else 0
    if state.plan is None or state.plan.question or state.replans < allowed:
        return ""
    return f"The budget of {allowed} new plans is used up. {state.replan_reason}"


async def _attempt(
    context: RunContext, problems: list[str], earlier: Plan | None
) -> tuple[Plan | None, list[str]]:
    """Ask once: the plan, if the reply is one, and what is wrong with it."""
    state = context.state
    kept = done_steps(state.steps)
    appended = _messages(context, problems)
    goal = state.request.goal if state.request else ""
    wordy = any(NOTHING_READ in problem for problem in problems)
    replanning, profile = bool(state.replan_reason), context.roles["planner"].profile
    schema = plan_schema(
        context.namespaces,
        kept=[step.id for step in kept],
        # Steps that cannot be carried out are mended, not given up for a question.
        steps_only=replanning or (bool(problems) and not state.deflected and not wordy),
        needs=profile.parallel_steps,
        conditions=conditions_spoken_of(goal) if profile.mends_plans else CONDITIONS,
    )
    try:
        reply = await context.ask(
            "planner",
            (*state.transcript, *appended),
            constraint=JsonSchema(json_schema=schema),
            max_tokens=profile.plan_tokens,
        )
    except MalformedReply as error:
        await context.happened(PlanRefused(problems=(error.message,)))
        return None, [error.message]
    called = ModelCalled(
        role="planner",
        purpose="replan" if replanning else "plan",
        appended=appended,
        reply=reply.text,
        usage=reply.usage,
        seconds=reply.seconds,
    )
    made, found, deflection = _judged(context, reply.text, earlier, first=not problems)
    refused = (PlanRefused(problems=tuple(found), deflection=deflection),) if found else ()
    await context.happened(called, *refused)
    if made and not found and profile.mends_plans:
        made = possible(made, context.specs.values(), state.plan)
    return made, found


def _judged(
    context: RunContext, text: str, earlier: Plan | None, *, first: bool
) -> tuple[Plan | None, list[str], bool]:
    """Read a reply, and say what is wrong with it; too few steps are objected to only once.

    The `earlier` plan that it was to replace is taken instead where that says more of the goal.
    """
    state = context.state
    mend = context.roles["planner"].profile.mends_plans
    kept = done_steps(state.steps)
    closest = partial(changing_namespace, context.catalogue)
    try:
        made = read_plan(text, kept, mend=mend)
        if mend:
            made = _mended(context, _completed(context, made, earlier, first=first), kept)
        if mend and state.replan_reason and made.steps:
            made = with_what_is_left(state, made)
    except InvalidPlan as error:
        return None, [f"{error.message} {error.hint}".strip()], False
    if made.question and not state.deflected:
        return made, ["Nobody can be asked now: use the tools to find it out."], True
    if made.answer and not state.deflected and state.request and asks_to_act(state.request.goal):
        return made, ["The goal asks for something to be done: give the steps that do it."], True
    problems = plan_problems(made, context.namespaces) + repeated_writes(made, state)
    if mend and first and not kept and state.request:
        problems += of_another_goal(state.request.goal, made)
    if first and not problems and state.plan is None and state.request:
        goal = state.request.goal
        missing = missing_parts(goal, made, closest) if mend else []
        lacking = under_decomposed(goal, made) or left_out(goal, made)
        unplanned = [part.part for part in missing] or [undecided(goal, made)] if mend else []
        lacking = lacking or next((NO_STEP.format(part) for part in unplanned if part), "")
        problems = [lacking] if lacking else []
    return made, problems, False


def _completed(context: RunContext, made: Plan, earlier: Plan | None, *, first: bool) -> Plan:
    """The plan with what it lacks, where it was asked for again: a small model writes the same."""
    state, closest = context.state, partial(changing_namespace, context.catalogue)
    goal = state.request.goal if state.request else ""
    if first or state.plan is not None or not goal:
        return made
    usable = earlier and not plan_problems(earlier, context.namespaces)
    return with_missing(goal, closer(goal, made, earlier if usable else None), closest)


def _given_up(context: RunContext, made: Plan) -> list[StepClosed]:
    mends = context.roles["planner"].profile.mends_plans
    return given_up(context.state, made) if mends and context.state.replan_reason else []


def _mended(context: RunContext, made: Plan, kept: tuple[PlanStep, ...]) -> Plan:
    request = context.state.request
    return mended(
        made,
        goal=request.goal if request else "",
        kept=kept,
        places=tuple(request.places) if request else (),
        can=abilities(context.specs.values(), context.catalogue),
        shown={step.intent for example in context.library.examples for step in example.steps},
    )


def _messages(context: RunContext, problems: list[str]) -> tuple[Message, ...]:
    state, library = context.state, context.library
    if problems:
        words = f"This plan cannot be carried out: {' '.join(problems)} Write it again."
        return (Message(role="user", content=words),)
    request = state.request
    if not state.transcript and request is not None:
        return plan_opening(context, request)
    kept, rest = done_steps(state.steps), remaining_steps(state.steps)
    done = "\n".join(shape(known) for known in handles(state).values()) or "nothing"
    asked = library.prompt("replan").render(
        reason=state.replan_reason or state.note or "the plan is missing.",
        done=done,
        rest="\n".join(compact(step_json(step.model_dump())) for step in rest) or "nothing",
        first=first_free(kept),
    )
    return (Message(role="user", content=asked),)


def _accepted(state: RunState, made: Plan) -> list[Event]:
    kept = tuple(step.id for step in done_steps(state.steps))
    before = [step.step for step in state.steps]
    dropped, added = changed(before, made.steps) if before else ([], [])
    events: list[Event] = [
        PlanMade(
            plan=made,
            kept=kept,
            reason=state.replan_reason,
            dropped=tuple(dropped),
            added=tuple(added),
        )
    ]
    if made.question:
        events.append(RunEnded(status="needs_input", error=made.question, code="needs_input"))
    return events
