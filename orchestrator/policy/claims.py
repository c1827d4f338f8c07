"""Answers: the facts they may be made from, and the sentences that those facts do not hold."""

import re
from collections.abc import Sequence

from orchestrator.core.runs import RunState, SettledCall, StepState
from orchestrator.policy.facts import told
from orchestrator.policy.handles import settled_by_id

FACT_CHARACTERS = 3200
LISTED = 8
"""Calls of a fan-out whose results are told; the rest are counted."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NUMBER = re.compile(r"(?<![\w-])\d+(?:[.,:]\d+)*(?![\w-])")
_FILE = re.compile(r"[\w\-]+\.[A-Za-z]{2,5}\b")
_WORD = re.compile(r"[a-z]{4,}")
_NEGATION = re.compile(
    r"\b(not|no|none|nothing|never|without|unable|skipped|failed)\b|n't", re.IGNORECASE
)
CLAIMING_WORDS = 2
"""How many words of an undone step's own make a sentence a claim about it."""
_ACTIONS = {
    "renam": ("rename", "move"),
    "moved": ("move", "rename", "trash", "restore"),
    "copied": ("copy", "clipboard", "set"),
    "delet": ("trash", "delete", "remove"),
    "trash": ("trash",),
    "sent": ("send",),
    "creat": ("create", "add", "write", "make", "draft", "new"),
    "saved": ("write", "save", "export", "create", "draft"),
}


def facts(state: RunState) -> list[str]:
    """What the journal holds of each step, in lines that an answer may be made from."""
    calls = settled_by_id(state)
    lines = [line for step in state.steps for line in _step_facts(step, calls, state)]
    changed = any(call.outcome.ok and call.effect != "read" for call in state.settled)
    if state.steps and not changed:
        lines.append("Nothing was changed, made or sent.")
    if state.plan and state.plan.answer:
        lines.append(f"No tool was needed: {state.plan.answer}")
    return lines


def _step_facts(step: StepState, calls: dict[str, SettledCall], state: RunState) -> list[str]:
    mine = [calls[call_id] for call_id in step.calls if call_id in calls]
    used = any(other.step.over == step.step.id for other in state.steps)
    tried = [call for call in state.settled if call.step == step.step.id]
    head = f"{step.step.intent}: {step.status}"
    if step.step.over and tried:
        head += f" for {len(mine)} of {len({call.parent for call in tried})}"
    if step.note:
        head += f" ({step.note})"
    listed = [] if used else mine[:LISTED]
    more = [f"  and {len(mine) - LISTED} more"] if listed and len(mine) > LISTED else []
    goal = state.request.goal if state.request else ""
    lines = [f"  {line}" for call in listed for line in told(call.outcome.data, goal)]
    return [head, *lines, *more]


def fact_text(state: RunState) -> str:
    """The facts as one text, cut to what a small model reads well."""
    return "\n".join(facts(state))[:FACT_CHARACTERS]


def unsupported(answer: str, state: RunState) -> list[str]:
    """The sentences of an answer that claim what the journal does not hold.

    A sentence is refused when it names a number or a file that is in no fact, or an action
    that no settled call carried out.
    """
    known = "\n".join([*facts(state), state.request.goal if state.request else ""])
    done = {call.tool for call in state.settled if call.outcome.ok and call.effect != "read"}
    return [
        sentence
        for sentence in _SENTENCE.split(answer.strip())
        if _invents(sentence, known) or _boasts(sentence, done) or _claims_undone(sentence, state)
    ]


def _invents(sentence: str, known: str) -> bool:
    named = [*_NUMBER.findall(sentence), *_FILE.findall(sentence)]
    return any(name not in known and not _counts(name, known) for name in named)


def _counts(name: str, known: str) -> bool:
    """Whether a number is how many results there are, which is as good as being named."""
    return name.isdigit() and int(name) == known.count(" is now ")


def _boasts(sentence: str, done: set[str]) -> bool:
    lowered = sentence.lower()
    for claim, verbs in _ACTIONS.items():
        negated = re.search(rf"\b(not|no|nothing|never)\b.*{claim}", lowered)
        if claim in lowered and not negated and not _any_did(done, verbs):
            return True
    return False


def _claims_undone(sentence: str, state: RunState) -> bool:
    """Whether a sentence says, without a not, that a step was done which was not."""
    if _NEGATION.search(sentence):
        return False
    said = _stems(sentence)
    done = set[str]().union(*(_stems(s.step.intent) for s in state.steps if s.status == "done"))
    undone = [_stems(step.step.intent) - done for step in state.steps if _is_undone(step)]
    return any(len(said & intent) >= CLAIMING_WORDS for intent in undone)


def _stems(text: str) -> set[str]:
    return {word[:4] for word in _WORD.findall(text.lower())}


def _is_undone(step: StepState) -> bool:
    return step.status in {"failed", "skipped"}


def not_done(state: RunState) -> list[str]:
    """A line for each step that was not done, and why."""
    return [
        f"Not done: {step.step.intent}. {step.note}".strip()
        for step in state.steps
        if _is_undone(step)
    ]


def _any_did(done: set[str], verbs: Sequence[str]) -> bool:
    return any(verb in tool for tool in done for verb in verbs)


def own_words(state: RunState) -> str:
    """The answer in the journal's own words, for when a model's cannot be used."""
    done = sum(step.status == "done" for step in state.steps)
    return "\n".join([f"{done} of {len(state.steps)} steps were done.", *facts(state)])
