"""Plans of small models, read as what they mean: slips that plain evidence puts right.

A model of one or two thousand million parameters writes "move the PDFs in Kitchen" as one step,
says "for each" where it means "after", uses a date that no step takes out of the text, and plans a
change where it was only asked something. Asked again, it writes the same. A profile says whether
its plans are read this way (`mends_plans`); a larger model's are taken at their word.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator.core.plans import Condition, Plan, PlanStep
from orchestrator.policy.abilities import JOINS, Abilities
from orchestrator.policy.compound import parted, where_it_is_done
from orchestrator.policy.itemising import each_item, read_not_listed, with_its_source
from orchestrator.policy.lookups import looked_up, named_directly
from orchestrator.policy.planning import IDS, with_values
from orchestrator.policy.reading import (
    PICTURES,
    by_its_reader,
    read_before,
    read_first,
)
from orchestrator.policy.selection import parse_where
from orchestrator.policy.soundness import sound
from orchestrator.policy.spoken import names_given
from orchestrator.policy.verbs import MAKES, acts, asks_to_act, reads
from orchestrator.policy.wording import in_its_year, with_a_title, with_words_given

TEXT = "text"

_OF_ITEMS = re.compile(
    r"\b(?:each|every|all|its?|this|that|these|those|them|their|from|found|read)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[\"\u201c][^\"\u201d]*[\"\u201d]")
_WORDS = re.compile(r"[^\W_]{3,}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_QUESTION = re.compile(
    r"\W*(?:how|what|when|where|which|who|whose|why|is|are|was|were|do|does|did|has|have)\b.*\?",
    re.IGNORECASE,
)
_CONDITIONS: Mapping[str, re.Pattern[str]] = {
    "only_if": re.compile(r"\b(?:if|unless|whether|otherwise|in case)\b", re.IGNORECASE),
    "wait_until": re.compile(r"\b(?:wait|until|till|once|as soon as)\b", re.IGNORECASE),
}
_PARTS: Mapping[str, re.Pattern[str]] = {
    "date": re.compile(r"\b(?:that|the|its) (?:day|date)\b", re.IGNORECASE),
    "amount": re.compile(r"\bthe (?:amount|total|sum|price|cost)\b", re.IGNORECASE),
}
_SEVERAL = re.compile(
    r"\b(?:all|every|each|files|pdfs|pictures|photos|images|documents|screenshots|scans)\b"
    r"|(?<!\w)\.[a-z]{2,5}\b",
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:each|every|all (?:of )?(?:the|them|these|those))\b", re.IGNORECASE)
_READS_EACH = re.compile(
    r"\W*(?:read|count|extract|scan|transcribe|summari[sz]e)\b[^,]*\b(?:each|every|all|files|pdfs"
    r"|pictures|photos|images|documents|texts|screenshots|scans)\b",
    re.IGNORECASE,
)
_NEW_FOLDER = re.compile(r"\W*(?:create|make)\b[^,.\"]*\b(?:folder|directory)\b", re.IGNORECASE)
_TITLES = re.compile(r"\b(?:title|subject)s?\b", re.IGNORECASE)
_COMPARES = re.compile(
    r"\W*(?:find|determine|compare|tell|identify|choose|pick)\b.*\b(?:longest|shortest|largest|biggest"
    r"|smallest|most|least|highest|lowest|oldest|newest|latest)\b",
    re.IGNORECASE,
)
_NAMES_THINGS = re.compile(
    r"^(?!.*\b(?:suggest|propose)).*\b(?:(?:re)?nam(?:e|ing)|give)\b", re.IGNORECASE | re.DOTALL
)
_PER = re.compile(r"\b(?:per|each|every)\b", re.IGNORECASE)
_DRAFTS = re.compile(r"(?:^|[,.;:]\s*|\b(?:and|then|please|to)\s+)draft\b", re.IGNORECASE)
_SENDS = re.compile(r"\W*\b(?:send|forward|post)\b", re.IGNORECASE)
_SENDING = re.compile(
    r"\b(?:send|sent|forward|post|reply|answer|respond)\b"
    r"|\b(?:e-?)?mail (?:it|them|that|this|him|her|me)\b|(?:^|\band |\bthen )(?:e-?)?mail\b",
    re.IGNORECASE,
)
_LISTS = re.compile(r"\W*(?:list|find|search|look)\b", re.IGNORECASE)
_IN_A_FIELD = re.compile(
    r"\b(?:have|has|having|with|contain(?:s|ing)?)\s+(?:the word\s+)?[\"\u201c]?([\w-]+)[\"\u201d]?"
    r"\s+in\s+(?:its|their|the)\s+(title|name|subject)s?\b",
    re.IGNORECASE,
)
_BY_SIZE = re.compile(
    r"\b(bigger|larger|smaller|more|less) than (\d+)(?= ?(?:bytes?|b)\b)", re.IGNORECASE
)
_ENDING = re.compile(r"(?<![\w*])\.([a-z]{2,5})\b")
_TYPE = re.compile(
    r"\b(pdf|docx|png|jpg|txt|csv|json|html)s?\b(?! (?:version|copy|table))", re.IGNORECASE
)
_OF_PICTURES = re.compile(r"\.(png|jpe?g|gif|bmp|webp|tiff?|heic)$", re.IGNORECASE)
_LESS = frozenset({"smaller", "less"})


def conditions_spoken_of(goal: str) -> list[str]:
    """The fields of a step that a goal gives a reason for; small models fill in what they see."""
    return [field for field, said in _CONDITIONS.items() if said.search(goal)]


def mended(
    plan: Plan,
    *,
    goal: str,
    kept: Sequence[PlanStep],
    places: Sequence[str],
    can: Abilities,
    shown: Collection[str] = (),
) -> Plan:
    """The plan as it is meant; the `kept` steps at its head stay as they are.

    `places` are the folders of the run, `can` says what its tools do, `shown` are the intents of
    worked examples.
    """
    steps = sound(plan.steps[len(kept) :], {step.id for step in kept})
    steps = in_its_year(goal, _own(steps, goal, shown))
    steps = where_it_is_done(steps, goal, can.changing) if can.changing else steps
    steps = _not_again(steps, kept)
    ids = {step.id for step in (*kept, *steps)}
    free = (name for name in IDS if name not in ids)
    steps = with_its_source(steps, free, can.reading) if can.reading and not kept else steps
    steps = read_not_listed(parted(steps, free), {can.lists, can.reads.documents})
    steps = each_item(steps, free)
    made = {s.id for s in (*kept, *steps) if _NEW_FOLDER.match(s.intent)}
    steps = [_alone(step, made) for step in steps]
    steps = _without_comparing(steps)
    steps = _unsent(steps, goal)
    steps = _harmless(steps) if only_asks(goal) else steps
    steps = named_directly(steps, can.lists) if can.lists and not kept else steps
    steps = _listed_first(steps, free, can.lists, places) if can.lists else steps
    steps = read_first(steps, free, can.reads) if not kept else steps
    steps = _over_each(steps, kept)
    steps = [_joined(step, can.joins) for step in steps]
    steps = [by_its_reader(step, goal, can.reads, files=can.lists) for step in steps]
    naming = _NAMES_THINGS.search(goal) is not None
    steps = read_before(steps, free, can.reads, files=can.lists, naming=naming)
    steps = _over_what_was_made(steps)
    steps = with_words_given(goal, steps, kept)
    steps = looked_up(steps, free, can.finds, kept)
    steps = with_a_title(goal, steps)
    steps = list(with_values(steps, taken={step.id for step in kept}))
    steps = _with_parts(steps, free)
    return plan.model_copy(update={"steps": (*kept, *steps)}) if steps else plan


def only_asks(goal: str) -> bool:
    """Whether a goal asks a question and no sentence of it asks for something to be done."""
    sentences = _SENTENCE.split(goal.strip())
    return (
        any(_QUESTION.match(sentence) for sentence in sentences)
        and not asks_to_act(goal)
        and not any(acts(sentence) for sentence in sentences)
    )


def _changes(step: PlanStep) -> bool:
    """Whether a step is there to change something; the text tools change nothing."""
    return step.namespace != TEXT and acts(step.intent)


def _own(steps: Sequence[PlanStep], goal: str, shown: Collection[str]) -> list[PlanStep]:
    """The steps without those copied from an example: the goal has few of their words or names."""
    said, examples = set(_WORDS.findall(goal.lower())), " ".join(shown).lower()
    found: list[PlanStep] = []
    for step in steps:
        words = _WORDS.findall(step.intent.lower())
        copied = step.intent in shown and 2 * sum(word in said for word in words) < len(words)
        names = [name.lower() for name in names_given(step.intent)]
        copied |= bool(names) and all(n in examples and n not in goal.lower() for n in names)
        gone = {other.id for other in steps} - {other.id for other in found}
        if not copied and not gone & {*step.sources}:
            found.append(step)
    return found or list(steps)


def _not_again(steps: Sequence[PlanStep], kept: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps without those that are done already; what goes over one goes over the one done."""
    done: dict[str, str] = {}
    found: list[PlanStep] = []
    for step in steps:
        own = step.model_copy(update={"over": done.get(step.over, step.over)})
        same = next((k.id for k in kept if k.model_copy(update={"id": own.id}) == own), None)
        if same is None:
            found.append(own)
        else:
            done[step.id] = same
    return found or list(steps)


def _alone(step: PlanStep, folders: Collection[str]) -> PlanStep:
    """The step over nothing where it quotes all that it makes and speaks of nothing found before.

    "After" is not "for each": over the items it would be the same call every time, and a folder
    that one of the `folders` steps has just made has no items.
    """
    rest = _QUOTED.sub(" ", step.intent)
    alone = MAKES.match(step.intent) and rest != step.intent and not _OF_ITEMS.search(rest)
    if not step.over or not (alone or step.over in folders):
        return step
    return step.model_copy(update={"over": "", "where": (), "take": None})


def _harmless(steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps without those that would change something; nothing but those stays as it is."""
    found: list[PlanStep] = []
    for step in steps:
        gone = {other.id for other in steps} - {other.id for other in found}
        if not _changes(step) and not gone & {*step.sources}:
            found.append(step)
    return found or list(steps)


def _listed_first(
    steps: Sequence[PlanStep], free: Iterator[str], lists: str, places: Sequence[str]
) -> list[PlanStep]:
    """The steps, each that acts on several files after one that lists them, and over it."""
    found: list[PlanStep] = []
    for step in steps:
        reading = _READS_EACH.match(step.intent) is not None
        if not _changes(step) and not reading:
            found.append(step)
            continue
        own = (reading or step.namespace == lists) and not step.over
        place = _place(step, places) if own else ""
        listing = next((other for other in found if other.id == step.over), None)
        if place and (listing := _listing(found, lists)) is None and (name := next(free, "")):
            listing = PlanStep(id=name, intent=f"list the files in {place}", namespace=lists)
            found.append(listing)
        found.append(_of_those_meant(step, listing, files=lists))
    return found


def _over_each(steps: Sequence[PlanStep], kept: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps, each that is for each or every item over the one before it that has items.

    Over those whose title has what it or the listing says; an ending may be what is to be made.
    """
    found: list[PlanStep] = []
    for step in steps:
        before = [*kept, *found]
        source = before[-1] if before else None
        each = _EACH.search(_QUOTED.sub(" ", step.intent)) and not _LISTS.match(step.intent)
        if each and not step.over and source and (source.over or _LISTS.match(source.intent)):
            where = step.where or _spoken(step, source, files="")
            found.append(step.model_copy(update={"over": source.id, "where": where}))
        else:
            found.append(step)
    return found


def _unsent(steps: Sequence[PlanStep], goal: str) -> list[PlanStep]:
    """The steps without those that send what the goal asks only to be drafted."""
    if not _DRAFTS.search(goal) or _SENDING.search(_QUOTED.sub(" ", goal)):
        return list(steps)
    sources = {source for step in steps for source in step.sources}
    return [s for s in steps if s.id in sources or not _SENDS.match(s.intent)] or list(steps)


def _joined(step: PlanStep, joiners: Collection[str]) -> PlanStep:
    """The step in the one namespace that joins things, where it is there to join some.

    All of them become one: it is carried out once, not for each.
    """
    if len(joiners) != 1 or step.namespace == TEXT or not JOINS.match(step.intent):
        return step
    several = step.where or step.take or _PER.search(step.intent)
    once = {} if several else {"over": ""}
    return step.model_copy(update={"namespace": next(iter(joiners)), **once})


def _without_comparing(steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps without a last one that only says which of them is the most: the answer does."""
    least = len(steps) > 1 and _COMPARES.match(steps[-1].intent)
    return list(steps[:-1] if least else steps)


def _over_what_was_made(steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps, one that gives a title over the one that made titles for each item before it."""
    found: list[PlanStep] = []
    for step in steps:
        made = [s.id for s in found if s.namespace == TEXT and s.over and _TITLES.search(s.intent)]
        own = _TITLES.search(_QUOTED.sub(" ", step.intent)) and not names_given(step.intent)
        alone = not step.over and step.namespace != TEXT and own
        found.append(step.model_copy(update={"over": made[-1]}) if made and alone else step)
    return found


def _place(step: PlanStep, places: Sequence[str]) -> str:
    """The folder in which a step acts on several files that it does not name, or ""."""
    if not places or not _SEVERAL.search(step.intent) or names_given(step.intent):
        return ""
    names = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    pattern = rf"\b(?:in|from|of|inside)\s+(?:the (?:folder )?)?((?:{names})(?:/[\w()-]+)*)"
    found = re.search(pattern, step.intent)
    return found[1] if found else ""


def _listing(before: Sequence[PlanStep], namespace: str) -> PlanStep | None:
    """The step just before, if it lists."""
    last = before[-1] if before else None
    return last if last and last.namespace == namespace and _LISTS.match(last.intent) else None


def _of_those_meant(step: PlanStep, listing: PlanStep | None, *, files: str) -> PlanStep:
    """The step over the listing, with the condition that it or the listing speaks of."""
    if listing is None:
        return step
    said = step.where or step.take is not None
    where = step.where if said else _spoken(step, listing, files=files)
    return step.model_copy(update={"over": listing.id, "where": where})


def _spoken(step: PlanStep, source: PlanStep, *, files: str) -> tuple[Condition, ...]:
    """Which of the items are meant, as the step says it, else as the one that lists them does."""
    if not _LISTS.match(source.intent):
        return ()
    for intent in (step.intent, source.intent):
        if (inside := _IN_A_FIELD.search(intent)) is not None:
            return parse_where(f"{inside[2].lower()} contains {inside[1]}")
        if source.namespace != files:
            continue
        if (size := _BY_SIZE.search(intent)) is not None:
            return parse_where(f"size {'<' if size[1].lower() in _LESS else '>'} {size[2]}")
        if (ending := _ENDING.search(intent) or _TYPE.search(intent)) is not None:
            return parse_where(f"name ends with .{ending[1].lower()}")
    return ()


def spoken_instead(
    step: PlanStep, said: Sequence[str], names: Sequence[str] = ()
) -> tuple[Condition, ...] | None:
    """Which items are meant where the step's own condition fits none; None where nothing says it.

    "Each receipt" of pictures called img-01.png is no word of their names: the kind of file that
    was spoken of says which are meant; of pictures, the `names` of the items.
    """
    endings = {ending[1].lower() for name in names if (ending := _OF_PICTURES.search(name))}
    # What is changed is said by the step itself: a goal may speak of other pictures, too.
    for words in (step.intent, *(() if acts(step.intent) else said)):
        if PICTURES.search(words) and len(endings) == 1:
            return parse_where(f"name ends with .{endings.pop()}")
        if (ending := _ENDING.search(words) or _TYPE.search(words)) is not None:
            return parse_where(f"name ends with .{ending[1].lower()}")
    return None


def _with_parts(steps: Sequence[PlanStep], free: Iterator[str]) -> list[PlanStep]:
    """The steps, and before each that uses a part of a text the one that takes it out."""
    found: list[PlanStep] = []
    for step in steps:
        source = next((other for other in found if other.id == step.over), None)
        source = source or (found[-1] if found and not step.over else None)
        part = _part(step, source)
        name = next(free, "") if part else ""
        if source is None or not name:
            found.append(step)
            continue
        words = f"extract the {part} from what {source.id} read, to {step.intent}"[:160]
        chosen = {"over": source.id, "where": step.where, "take": step.take}
        found.append(PlanStep(id=name, intent=words, namespace=TEXT, **chosen))
        found.append(step.model_copy(update={"over": name, "where": (), "take": None}))
    return found


def _part(step: PlanStep, source: PlanStep | None) -> str:
    """What a step that changes something needs of the text that another reads, or ""."""
    if source is None or source.namespace == TEXT or not _changes(step) or not reads(source.intent):
        return ""
    return next((part for part, said in _PARTS.items() if said.search(step.intent)), "")
