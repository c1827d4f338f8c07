"""Telling siblings apart: what a tool is not for, said beside what it is for."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from orchestrator.core.runs import Candidate
from orchestrator.core.tools import ToolSpec, split_name

NEAR = 0.1
MOST_WORDS = 12
_CLAUSE = re.compile(r"[.,;:(]\s|\s[-\u2013\u2014]\s|\.$")


def first_clause(text: str) -> str:
    """The first clause of a description, in twelve words at most, to follow "not for"."""
    words = _CLAUSE.split(" ".join(text.split()), maxsplit=1)[0].split()[:MOST_WORDS]
    if words and not words[0].isupper():
        words[0] = words[0][:1].lower() + words[0][1:]
    return " ".join(words)


def contrasts(entries: Sequence[Candidate], specs: Mapping[str, ToolSpec]) -> dict[str, str]:
    """What to add to the lines of tools: the purpose of the closest sibling near in the ranking.

    Siblings are tools of one namespace; near are scores that differ by no more than `NEAR`.
    """
    found: dict[str, tuple[float, str]] = {}
    for one, other in combinations(entries, 2):
        apart = abs(one.score - other.score)
        if split_name(one.tool)[0] != split_name(other.tool)[0] or apart > NEAR:
            continue
        for tool, sibling in ((one.tool, other.tool), (other.tool, one.tool)):
            found[tool] = min(found.get(tool, (apart, sibling)), (apart, sibling))
    clauses = {
        tool: first_clause(specs[sibling].description) for tool, (_, sibling) in found.items()
    }
    return {tool: f"; not for: {clause}" for tool, clause in clauses.items() if clause}
