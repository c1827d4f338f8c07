"""Which tools a step may choose from: closest to its intent, few, from more than one namespace."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import split_name
from orchestrator.policy.catalogue import (
    Catalogue,
    Order,
    Ranked,
    Ranking,
    build_catalogue,
    producers,
)

__all__ = [
    "MOST",
    "Catalogue",
    "Explained",
    "Ranked",
    "RankedNamespace",
    "Shortlist",
    "build_catalogue",
    "explain",
    "leader",
    "named_closer",
    "namespace_ranking",
    "outside_quota",
    "producers",
    "shortlist",
]

MOST = 12
"""Tools that a decision may offer: longer lists cost small models their accuracy."""

_COMMON_PARAMETERS = frozenset(
    {
        "title",
        "text",
        "name",
        "path",
        "folder",
        "query",
        "content",
        "body",
        "source",
        "file",
        "start",
    }
)
"""Parameters that many tools have, and that say of none what it is for."""
PLAIN = 0.2
"""How far the next namespace is behind where words plainly belong to one: of 72 parts of the goals
of the tuned half of `desk` one that plain was wrong."""
_WORDS = re.compile(r"[a-z]{3,}")
_HOW = frozenset({"list", "get", "find", "search", "read", "show", "from", "all", "the", "file"})
"""What the names of tools and intents say of how, not of what."""

OUTSIDE_SHARE = 4
"""One place in so many is kept for tools outside the plan's namespace: 2 of 8."""


class Shortlist(Frozen):
    """The tools a step may choose from, best first; `notes` say what could not be honoured."""

    entries: tuple[Ranked, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        """The ids, best first."""
        return tuple(entry.tool for entry in self.entries)


class Explained(Frozen):
    """One row of the table that explains a shortlist to a person."""

    rank: int
    tool: str
    namespace: str
    score: float
    parts: dict[str, float]
    reason: str


class RankedNamespace(Frozen):
    """A namespace, and the tool that speaks for it."""

    namespace: str
    score: float
    best: str


def shortlist(
    catalogue: Catalogue,
    *,
    query: str,
    namespace: str | None = None,
    k: int | None = 8,
    last_namespace: str | None = None,
    exclude: frozenset[str] = frozenset(),
    pinned: Sequence[str] = (),
) -> Shortlist:
    """Choose the tools that one step may choose from.

    The plan's namespace gives half of the places if it has as many tools, and its best one in
    any case; a quarter goes to tools outside it (and outside the namespace of the last call),
    so that a wrong plan and a fixated model both have a way out. The rest goes by rank.

    Args:
        catalogue: The tools in scope.
        query: What the step intends, in words.
        namespace: The namespace that the plan gave the step.
        k: How many tools; up to `MOST` when the pinned ones need the room. None: no filter.
        last_namespace: The namespace of the call before, also for the catalogue's priors; None at
            the start of a run.
        exclude: Masked tools; never in the result, not even when pinned.
        pinned: Tools that the worked example uses or that produce a missing argument: always in
            the result when they are in scope, as far as `MOST` allows.
    """
    ranking = _nudged(catalogue, catalogue.compare(query), last_namespace)
    masked = [catalogue.position[tool] for tool in exclude if tool in catalogue.position]
    draft = _Draft(catalogue, ranking.order[~np.isin(ranking.order, masked)])
    notes = _notes(catalogue, namespace, exclude, pinned)
    if k is None:
        draft.take(draft.order, draft.order.size, "no filter")
    else:
        _fill(draft, min(k, MOST), (namespace, last_namespace), pinned)
    return Shortlist(entries=tuple(_entries(draft, ranking)), notes=tuple(notes))


def outside_quota(k: int) -> int:
    """Count the places of `k` that are kept for tools outside the plan's namespace."""
    return k // OUTSIDE_SHARE


def namespace_ranking(catalogue: Catalogue, query: str) -> list[RankedNamespace]:
    """Rank the namespaces by their best tool: their own descriptions find them less often."""
    found: dict[str, RankedNamespace] = {}
    for entry in catalogue.rank(query):
        name = split_name(entry.tool)[0]
        if name not in found:
            found[name] = RankedNamespace(namespace=name, score=entry.score, best=entry.tool)
    return list(found.values())


TEXT = "text"
"""The built-in namespace, whose tools find nothing: they work on what was found."""


def leader(catalogue: Catalogue, query: str) -> str:
    """The tool that is the closest of all for these words; "" where there is none.

    A small plan may well say `filesystem` where a document is to be read; the tool that is the
    closest of all then does what the step is for.
    """
    ranked = catalogue.compare(query).order
    return catalogue.specs[int(ranked[0])].id if ranked.size else ""


def changing_namespace(catalogue: Catalogue, words: str) -> tuple[str, bool]:
    """The namespace that words which ask for a change belong to, and whether that is plain.

    It is the one with the closest tool that changes something, closer by `PLAIN` where they name
    one of its parameters; plain where the next one's is `PLAIN` behind. ("", False) where nothing
    changes anything.
    """
    effects = {spec.id: spec.effect for spec in catalogue.specs}
    best: dict[str, float] = {}
    for entry in catalogue.rank(words):
        if effects[entry.tool] != "read":
            own = split_name(entry.tool)[0]
            best[own] = max(
                best.get(own, 0.0), entry.score + _spoken_of(catalogue, entry.tool, words)
            )
    if not best:
        return "", False
    (first, score), *others = sorted(best.items(), key=lambda found: -found[1])
    return first, not others or score - others[0][1] >= PLAIN


def _spoken_of(catalogue: Catalogue, tool: str, words: str) -> float:
    """What it adds to a tool's score that some words name one of its parameters: "due that day"."""
    spec = next(spec for spec in catalogue.specs if spec.id == tool)
    named = {*re.findall(r"[a-z]{3,}", words.lower())} - _COMMON_PARAMETERS
    return PLAIN if named & {*spec.input_schema.get("properties", {})} else 0.0


def reading_namespace(catalogue: Catalogue, words: str) -> str:
    """The namespace of the closest tool that reads, for words that ask to find something; or ""."""
    effects = {spec.id: spec.effect for spec in catalogue.specs}
    ranked = (entry.tool for entry in catalogue.rank(words) if effects[entry.tool] == "read")
    spaces = (split_name(tool)[0] for tool in ranked)
    return next((space for space in spaces if space != TEXT), "")


def named_closer(catalogue: Catalogue, tool: str, among: Sequence[str], words: str) -> str:
    """The tool whose name says all that another's says of some words, and more; "" if none does.

    Of "list the overdue tasks" `list_tasks` says the tasks, `get_overdue_tasks` that they are
    overdue too. How a tool gets at things says nothing, but what else it does has to be said:
    "read each Word file" does not mean `count_words`. Only readers are compared: a writer's name
    says what is done, and the words may say that of something else.
    """
    specs = {spec.id: spec for spec in catalogue.specs}
    if tool not in specs or specs[tool].effect != "read":
        return ""
    said = _stems(words) - _stems(specs[tool].namespace)
    own = _stems(specs[tool].name) & said
    for other in among:
        spec = specs.get(other)
        same = spec is not None and (spec.effect, spec.namespace) == ("read", specs[tool].namespace)
        if spec and same and own < _stems(spec.name) & said and _verb(spec.name) <= said:
            return other
    return ""


def _verb(name: str) -> set[str]:
    return _stems(name.partition("_")[0])


def _stems(words: str) -> set[str]:
    found = _WORDS.findall(words.replace("_", " ").lower())
    return {word.rstrip("s") for word in found} - _HOW


def explain(chosen: Shortlist) -> list[Explained]:
    """Lay a shortlist out as rows for people."""
    return [
        Explained(
            rank=rank,
            tool=entry.tool,
            namespace=split_name(entry.tool)[0],
            score=entry.score,
            parts=entry.parts,
            reason=entry.why,
        )
        for rank, entry in enumerate(chosen.entries, start=1)
    ]


def _nudged(catalogue: Catalogue, ranking: Ranking, after: str | None) -> Ranking:
    """Add the bonus of what the user's own runs have taught; without any nothing changes."""
    if not catalogue.priors.uses:
        return ranking
    bonus = catalogue.priors.bonus(tuple(catalogue.position), after)
    score = ranking.score + bonus
    parts = {**ranking.parts, "priors": bonus}
    return Ranking(score, parts, np.argsort(-score, kind="stable"))


@dataclass
class _Draft:
    """A shortlist in the making: positions chosen so far, each with its reason."""

    catalogue: Catalogue
    order: Order
    chosen: dict[int, str] = field(default_factory=dict)

    def inside(self, namespace: str | None) -> Order:
        """List what may be chosen of a namespace, best first."""
        return self.order[np.isin(self.order, self.catalogue.namespaces.get(namespace or "", ()))]

    def outside(self, namespace: str) -> Order:
        """List what may be chosen of all other namespaces, best first."""
        members = self.catalogue.namespaces.get(namespace, ())
        return self.order[np.isin(self.order, members, invert=True)]

    def count(self, candidates: Order) -> int:
        """Count the candidates that are chosen already."""
        return int(np.isin(candidates, list(self.chosen)).sum())

    def take(self, candidates: Order, count: int, why: str) -> None:
        """Choose the first candidates until `count` of them are in, those already in included."""
        already = np.isin(candidates, list(self.chosen))
        room = max(0, count - int(already.sum()))
        self.chosen.update((int(at), why) for at in candidates[~already][:room])

    def pin(self, tools: Sequence[str]) -> None:
        """Choose tools by name, as far as they may be chosen and there is room."""
        for at in (self.catalogue.position.get(tool, -1) for tool in tools):
            if len(self.chosen) < MOST and at in self.order:
                self.chosen.setdefault(at, "pinned for this step")


def _fill(
    draft: _Draft, k: int, anchors: tuple[str | None, str | None], pinned: Sequence[str]
) -> None:
    """Choose by claim: the plan's namespace, what is pinned, the way out, then rank."""
    inside = draft.inside(anchors[0])
    draft.take(inside, min(1, k), "best of the plan's namespace")
    draft.pin(pinned)
    half = min(ceil(k / 2), k - len(draft.chosen) + draft.count(inside))
    draft.take(inside, half, "in the plan's namespace")
    for anchor in anchors:
        if anchor in draft.catalogue.namespaces:
            outside = draft.outside(anchor)
            room = MOST - len(draft.chosen) + draft.count(outside)
            draft.take(outside, min(outside_quota(k), room), f"best outside {anchor}")
    draft.take(draft.order, max(k, len(draft.chosen)), "closest to the step")


def _notes(
    catalogue: Catalogue, namespace: str | None, exclude: frozenset[str], pinned: Sequence[str]
) -> list[str]:
    """Say which wishes could not be honoured."""
    notes = [
        f"{tool} is pinned for this step but not in scope."
        for tool in dict.fromkeys(pinned)
        if tool not in catalogue.position
    ]
    if namespace is None:
        return notes
    members = catalogue.namespaces.get(namespace)
    if members is None:
        notes.append(f"The plan names the namespace {namespace!r}, which is not in scope.")
    elif all(catalogue.specs[at].id in exclude for at in members):
        notes.append(f"Every tool of the plan's namespace {namespace!r} is masked.")
    return notes


def _entries(draft: _Draft, ranking: Ranking) -> Iterator[Ranked]:
    """Name what was chosen, best first, each with its reason and its rank among all tools."""
    total = ranking.order.size
    for place in np.flatnonzero(np.isin(ranking.order, list(draft.chosen))):
        at = int(ranking.order[place])
        why = f"{draft.chosen[at]}; rank {place + 1} of {total}"
        yield draft.catalogue.entry(ranking, at, why)
