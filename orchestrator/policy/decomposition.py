"""Plans with too few steps: one step for several kinds of action, or none for a part of the goal.

An alarm costs a model call, so only plain evidence counts: verbs that the tools of different
namespaces carry out, and a plan that cannot have a step for each.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from orchestrator.core.chat import Frozen
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.policy.planning import IDS
from orchestrator.policy.spoken import files_named, names_given, quoted
from orchestrator.policy.verbs import CHANGES, acts, looks

TEXT = "text"
Closest = Callable[[str], tuple[str, bool]]
"""The namespace whose tools come closest to some words that ask for a change, and whether no other
comes near; "" where none does."""

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")
_REFUSED = re.compile(r"\b(?:do not|don't|never|without)\s+\w+", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|every|all)\b", re.IGNORECASE)
_OF_IT = re.compile(r"\b(?:it|them|these|those|each|every|all)\b", re.IGNORECASE)
_KINDS: dict[str, re.Pattern[str]] = {
    kind: re.compile(rf"\b(?:{verbs})\b", re.IGNORECASE)
    for kind, verbs in {
        "read": r"(?<!as )read|extract|transcribe|ocr",
        "rename": r"rename|move|delete|(?<!a )(?<!the )copy(?! of)",
        "summarise": r"summari[sz]e|translate",
        "send": r"send|forward",
        "schedule": r"(?<!my )(?<!the )(?<!a )(?<!on )schedule",
        "convert": r"convert|merge|compress|resize",
        "create": r"create|write",
    }.items()
}
_ADDRESS = re.compile(r"\S+@\S+|\b(?:https?://|www\.)\S+")
_SOME_FILE = re.compile(r"\b(?:the|that|this|its|each) (?:file|document|picture|image|letter)s?\b")
_TO_BE_MADE = re.compile(r"\b(?:to|as|into|it|called|named)\s+(?:[\w -]+/)*$")
"""What stands before the name that something gets: arguments are made from the goal as well."""
_CONDITIONAL = re.compile(r"\b(?:if|unless|whether|otherwise|in case)\b", re.IGNORECASE)
_VERBS = (
    "rename|move|copy|delete|trash|create|make|write|save|draft|add|put|book|schedule|convert|merge"
    "|join|mark|update|cancel|commit|stage|tick|file|give|keep|enter|prepare|replace|postpone"
)
_LOOKING = "list|read|tell|show|count|look|find"
_PART = re.compile(
    rf"(?:,\s+|\s+and\s+|\s+then\s+)(?:and\s+|then\s+)*(?=(?:{_VERBS}|{_LOOKING})\b)", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_TELLING = re.compile(r"[^\W_]{3,}")
_FOLDER_OF = re.compile(r"([\w-]+)/$")
_DONE_BY: dict[str, re.Pattern[str]] = {
    verb: re.compile(rf"\b(?:{said})", re.IGNORECASE)
    for verb, said in {
        "move": r"mov(?:e|ing)\b|put\b|archive|file (?:it|them|each)\b|update|reschedul"
        r"|postpone|change|trash|delete|bin\b",
        "copy": r"cop(?:y|ies)|duplicate|back",
        "rename": r"rename|name|call|give",
        "delete": r"delete|trash|remove|discard|throw|clear|cancel|call off",
        "convert": r"convert|turn|export|save|make|create",
        "draft": r"draft|mail|e-mail|write|message|compose|reply|answer|respond",
    }.items()
}
"""Verbs that no other kind of step carries out, and the words of those that do."""
NO_STEP = "No step does this part of the goal: {} Give each thing that it asks for its own step."
FEW = 2
"""How many steps a plan may lack, by the evidence, before it is asked for again."""


def under_decomposed(goal: str, plan: Plan) -> str:
    """Why a plan has plainly too few steps for its goal; "" where that is not plain.

    A plan with as many steps as the goal has action verbs is never objected to.
    """
    verbs = action_verbs(goal)
    each = _EACH.search(goal) is not None
    steps = len(plan.steps)
    if not steps or len(verbs) < FEW or steps >= len(verbs):
        return ""
    if steps > 1 and len(verbs) + each - steps < FEW:
        return ""
    first = " Begin with a step that finds the items, and go over it." if each else ""
    return (
        f"The goal asks to {', '.join(verbs[:-1])} and {verbs[-1]}, and the plan has"
        f" {steps} {'step' if steps == 1 else 'steps'}. Give each action its own step.{first}"
    )


def left_out(goal: str, plan: Plan) -> str:
    """Which file of the goal no step of a plan speaks of; "" where each is spoken of.

    A file counts as spoken of by its name, with or without its ending, by its folder, or as "the
    file".
    """
    said = " ".join(step.intent for step in plan.steps).lower()
    if _SOME_FILE.search(said):
        return ""
    for name in files_named(_ADDRESS.sub(" ", goal)) if plan.steps else ():
        path = PurePosixPath(name.rpartition(" ")[2].lower())
        before = goal[: goal.find(name)]
        if _TO_BE_MADE.search(before):
            continue
        folder = _FOLDER_OF.search(before)
        named = re.search(rf"\b{re.escape(path.stem)}\b", said)
        if named or (folder and re.search(rf"\b{folder[1].lower()}\b(?!/)", said)):
            continue
        return (
            f"The goal speaks of {name} and no step does. Give each thing that the goal asks for"
            " its own step."
        )
    return ""


class Missing(Frozen):
    """A part of a goal that no step of a plan carries out, and the namespace that would."""

    part: str
    namespace: str


def missing_parts(goal: str, plan: Plan, closest: Closest) -> list[Missing]:
    """The parts of a goal that ask for a change which no step of a plan makes.

    A part is missing where it plainly belongs to a namespace that no step is in, where it names a
    file or quotes words that no step speaks of, and where the steps of its namespace do
    something else.
    """
    said = " ".join(step.intent for step in plan.steps).lower()
    there = {step.namespace for step in plan.steps}
    changing = {step.namespace for step in plan.steps if not looks(step.intent)}
    found: list[Missing] = []
    for part in parts(goal):
        if not acts(part) or any(_same_act(step, part) for step in plan.steps):
            continue
        namespace, clear = closest(part)
        names = names_given(_ADDRESS.sub(" ", part))
        unsaid = bool(names) and not any(_spoken_of(name, said) for name in names)
        if CHANGES.match(part) and (titles := quoted(part)):
            # What a step of another namespace says in passing is not added by it.
            doers = [s for s in plan.steps if acts(s.intent) or s.namespace in {namespace, TEXT}]
            by_them = " ".join(step.intent for step in doers).lower()
            unsaid = not any(_spoken_of(title, by_them) for title in titles)
        only_seen = CHANGES.match(part) and namespace not in changing
        undone = namespace in there and (_undone(part, plan) or only_seen)
        if namespace and ((clear and namespace not in there) or unsaid or undone):
            found.append(Missing(part=part, namespace=namespace))
    return found


def undecided(goal: str, plan: Plan) -> str:
    """The sentence of a goal that asks, under a condition, for what it quotes and no step says.

    Whether it is to be done nobody has found out; "" where there is none.
    """
    said = " ".join(_all_said(step) for step in plan.steps).lower()
    for sentence in _sentences(goal):
        asked = [part for part in _parted(sentence) if acts(part) and quoted(part)]
        unsaid = [p for p in asked if not any(_spoken_of(name, said) for name in quoted(p))]
        if unsaid and _CONDITIONAL.search(_QUOTED.sub(" ", sentence)):
            return sentence.strip()
    return ""


def _all_said(step: PlanStep) -> str:
    """What a step says, its conditions too."""
    facts = [*step.where, *(fact.condition for fact in step.only_if), *step.wait_until]
    return " ".join([step.intent, *(fact.value for fact in facts)])


def with_missing(goal: str, plan: Plan, closest: Closest, *, kept: int = 0) -> Plan:
    """The plan with a step for each part of the goal that it lacks.

    It comes last, but before those that only look at what was made, and after those that are `kept`
    at its head. Of a part about "it" or "each"
    that names nothing the step goes over what the last step goes over, or over that step where it
    changes what is to be changed again: where nothing was found nothing is changed.
    """
    if not plan.steps:
        return plan
    looking = len(plan.steps)
    while looking > max(1, kept) and _only_looks(plan.steps[looking - 1]):
        looking -= 1
    steps, last = list(plan.steps[:looking]), plan.steps[looking:]
    used = {step.id for step in plan.steps}
    free = (name for name in IDS if name not in used)
    texts = [step.id for step in steps if step.namespace == TEXT and step.over]
    for lacking, name in zip(missing_parts(goal, plan, closest), free, strict=False):
        over = _changed_by(steps[-1], lacking) or (texts or [steps[-1].over])[-1]
        over = over if _OF_IT.search(lacking.part) and not names_given(lacking.part) else ""
        intent = (lacking.part[0].lower() + lacking.part[1:]).rstrip(".")[:160]
        step = PlanStep(id=name, intent=intent, namespace=lacking.namespace, over=over)
        steps.append(step)
    return plan.model_copy(update={"steps": (*steps, *last)})


def _only_looks(step: PlanStep) -> bool:
    return not step.sources and looks(step.intent)


def _changed_by(step: PlanStep, lacking: Missing) -> str:
    """The step itself, where it changes items that the missing part is to change again."""
    again = step.over and step.namespace == lacking.namespace and acts(step.intent)
    return step.id if again else ""


def _undone(part: str, plan: Plan) -> bool:
    """Whether no step speaks of doing what a part of the goal begins with."""
    verb = part.split(maxsplit=1)[0].lower()
    done = _DONE_BY.get(verb)
    said = (_QUOTED.sub(" ", step.intent) for step in plan.steps)
    return done is not None and not any(done.search(intent) for intent in said)


def parts(goal: str) -> list[str]:
    """The sentences of a goal, parted before each verb that asks for something else to be done.

    Sentences with a condition are left out: what is to be done under it no plain evidence says.
    """
    free = [sentence for sentence in _sentences(goal) if not _CONDITIONAL.search(sentence)]
    return [part.strip() for sentence in free for part in _parted(sentence) if part.strip()]


def _sentences(goal: str) -> list[str]:
    """The sentences of a goal; one that is quoted is no sentence of its own."""
    rest = iter(_QUOTED.findall(goal))
    bare = _SENTENCE.split(_QUOTED.sub("\0", goal))
    return [re.sub("\0", lambda _: next(rest), sentence) for sentence in bare]


def _parted(sentence: str) -> list[str]:
    rest = iter(_QUOTED.findall(sentence))
    bare = _QUOTED.sub("\0", sentence)
    return [re.sub("\0", lambda _: next(rest), part) for part in _PART.split(bare)]


def _spoken_of(name: str, said: str) -> bool:
    """Whether all words of a file's name or a title are said, in whatever order."""
    stem = PurePosixPath(name.lower()).stem if "." in name else name.lower()
    return all(word in said for word in _TELLING.findall(stem))


def _same_act(step: PlanStep, part: str) -> bool:
    """Whether a step does with half of the words of a part what that part asks for.

    Steps on text make words and add nothing to a list, whatever they say.
    """
    if step.namespace == TEXT and CHANGES.match(part):
        return False
    (verb, *words), said = _TELLING.findall(part.lower()) or [""], step.intent.lower()
    return said.startswith(verb) and 2 * sum(word in said for word in words) >= len(words)


def action_verbs(goal: str) -> list[str]:
    """The verbs of a goal by which it asks for different kinds of action, one for each kind."""
    asked = _REFUSED.sub(" ", _QUOTED.sub(" ", goal))
    found = {
        kind: match[0].lower() for kind, verbs in _KINDS.items() if (match := verbs.search(asked))
    }
    if {"send", "schedule"} & found.keys():
        # What is written to be sent, and what is made to be scheduled, is one act.
        found.pop("create", None)
    return list(found.values())
