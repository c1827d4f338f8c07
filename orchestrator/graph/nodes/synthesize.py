"""synthesize: the answer, from what the journal holds and nothing else."""

from collections.abc import Sequence
from functools import partial

from langgraph.runtime import Runtime

from orchestrator.core.chat import ChatReply, Message
from orchestrator.core.events import AnswerGiven, ModelCalled, RunEnded
from orchestrator.core.runs import RunState, RunStatus
from orchestrator.graph.context import RunContext
from orchestrator.graph.state import GraphState
from orchestrator.policy.claims import fact_text, not_done, own_words, unsupported
from orchestrator.policy.completion import parts_not_done
from orchestrator.policy.shortlist import changing_namespace
from orchestrator.prompting.conversation import after_goal


async def synthesize(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Write the answer, take out what is not so, and end the run truthfully."""
    context, run = runtime.context, state["run"]
    mends = context.roles["planner"].profile.mends_plans
    closest = partial(changing_namespace, context.catalogue)
    undone = parts_not_done(run, closest) if mends else []
    messages = (Message(role="user", content=_words(context, run)),)
    reply = await context.ask(
        "synthesizer", messages, max_tokens=context.roles["synthesizer"].profile.answer_tokens
    )
    called = ModelCalled(
        role="synthesizer",
        purpose="answer",
        appended=messages,
        reply=reply.text,
        usage=reply.usage,
        seconds=reply.seconds,
        keep=False,
    )
    status, error = outcome(run, undone)
    ended = RunEnded(status=status, error=error, code="incomplete" if error else "")
    return await context.happened(called, _answer(run, reply, undone), ended)


def _words(context: RunContext, run: RunState) -> str:
    request = run.request
    goal = request.goal + after_goal(request.history) if request else ""
    return context.library.prompt("synthesize").render(goal=goal, facts=fact_text(run))


def _answer(run: RunState, reply: ChatReply, undone: Sequence[str]) -> AnswerGiven:
    refused = unsupported(reply.text, run)
    kept, lines = reply.text.strip(), [f"Not done: {part}." for part in undone]
    for sentence in refused:
        kept = kept.replace(sentence, "").strip()
    if kept and not reply.truncated:
        text = "\n".join([kept, *not_done(run), *lines])
        return AnswerGiven(text=text, refused=tuple(refused))
    text = "\n".join([own_words(run), *lines])
    return AnswerGiven(text=text, refused=tuple(refused), by="journal")


def outcome(run: RunState, undone: Sequence[str] = ()) -> tuple[RunStatus, str]:
    """Whether everything was done, and if not, what is missing; `undone` no step was for."""
    missing = [
        f"{step.step.id} ({step.step.intent}): {step.note or step.status}"
        for step in run.steps
        if step.status == "failed" or (step.status == "done" and step.note)
    ]
    missing += [f"No step was for this part of the goal: {part}." for part in undone]
    return ("incomplete", " ".join(missing)) if missing else ("completed", "")
