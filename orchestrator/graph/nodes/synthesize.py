"""synthesize: the answer, from what the journal holds and nothing else."""

from langgraph.runtime import Runtime

from orchestrator.core.chat import ChatReply, Message
from orchestrator.core.events import AnswerGiven, ModelCalled, RunEnded
from orchestrator.core.runs import RunState, RunStatus
from orchestrator.graph.context import RunContext
from orchestrator.graph.state import GraphState
from orchestrator.policy.claims import fact_text, not_done, own_words, unsupported
from orchestrator.prompting.conversation import after_goal


async def synthesize(state: GraphState, runtime: Runtime[RunContext]) -> GraphState:
    """Write the answer, take out what is not so, and end the run truthfully."""
    context, run = runtime.context, state["run"]
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
    status, error = outcome(run)
    ended = RunEnded(status=status, error=error, code="incomplete" if error else "")
    return await context.happened(called, _answer(run, reply), ended)


def _words(context: RunContext, run: RunState) -> str:
    request = run.request
    goal = request.goal + after_goal(request.history) if request else ""
    return context.library.prompt("synthesize").render(goal=goal, facts=fact_text(run))


def _answer(run: RunState, reply: ChatReply) -> AnswerGiven:
    refused = unsupported(reply.text, run)
    kept = reply.text.strip()
    for sentence in refused:
        kept = kept.replace(sentence, "").strip()
    if kept and not reply.truncated:
        text = "\n".join([kept, *not_done(run)])
        return AnswerGiven(text=text, refused=tuple(refused))
    return AnswerGiven(text=own_words(run), refused=tuple(refused), by="journal")


def outcome(run: RunState) -> tuple[RunStatus, str]:
    """Whether everything was done, and if not, what is missing."""
    missing = [
        f"{step.step.id} ({step.step.intent}): {step.note or step.status}"
        for step in run.steps
        if step.status == "failed" or (step.status == "done" and step.note)
    ]
    return ("incomplete", " ".join(missing)) if missing else ("completed", "")
