"""Run states for tests of pure functions, made as a journal would make them."""

from orchestrator.core.fingerprints import call_fingerprint, call_likeness, result_digest
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Proposal, RunRequest, RunState, SettledCall, StepState
from orchestrator.core.tools import ToolCall, ToolOutcome

REQUEST = RunRequest(goal="Tidy up the Desktop.")


def plan_step(step_id="s1", namespace="filesystem", over="", intent="do it", **fields):
    return PlanStep(id=step_id, intent=intent, namespace=namespace, over=over, **fields)


def state(*steps, request=REQUEST, **fields):
    """A run with a plan of these steps, each a PlanStep or a StepState."""
    states = tuple(s if isinstance(s, StepState) else StepState(step=s) for s in steps)
    planned = {"plan": Plan(steps=tuple(s.step for s in states))} if states else {}
    return RunState(run_id="r", request=request, steps=states, **{**planned, **fields})


def proposal(tool, *arguments, step="s1", effect="read", parents=None, **fields):
    """A proposal of one call for each set of arguments."""
    sets = arguments or ({},)
    return Proposal(
        id="p1",
        step=step,
        tool=tool,
        expressions=fields.pop("expressions", {}),
        calls=tuple(ToolCall(tool=tool, arguments=each) for each in sets),
        parents=parents or tuple(range(len(sets))),
        effect=effect,
        **fields,
    )


def settle(run, tool, arguments=None, data=None, **fields):
    """The state after one more settled call; `error` makes it a failed one."""
    arguments, data = arguments or {}, {"text": "ok"} if data is None else data
    effect, error = fields.pop("effect", "read"), fields.pop("error", "")
    made_by = fields.pop("proposal", f"q{len(run.settled)}")
    outcome = ToolOutcome(ok=not error, data=None if error else data, error=error)
    call = SettledCall(
        id=fields.pop("id", f"{made_by}.{len(run.settled)}"),
        step=fields.pop("step", "s1"),
        parent=fields.pop("parent", -1),
        tool=tool,
        fingerprint=call_fingerprint(tool, arguments),
        effect=effect,
        outcome=outcome,
        result=result_digest(error or data),
        world=run.writes,
        reused=fields.pop("reused", False),
        likeness=call_likeness(tool, arguments),
        plan=run.replans,
    )
    assert not fields, f"unknown: {fields}"
    wrote = outcome.ok and not call.reused and effect != "read"
    return run.model_copy(
        update={
            "settled": (*run.settled, call),
            "steps": tuple(_with_call(step, call) for step in run.steps),
            "writes": run.writes + wrote,
            "executed": run.executed + (not call.reused),
        }
    )


def close(run, step_id, status="done"):
    """The state after a step was closed."""
    steps = tuple(
        step.model_copy(update={"status": status}) if step.step.id == step_id else step
        for step in run.steps
    )
    return run.model_copy(update={"steps": steps})


def _with_call(step, call):
    if step.step.id != call.step or not call.outcome.ok:
        return step
    return step.model_copy(update={"calls": (*step.calls, call.id)})
