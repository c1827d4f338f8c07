"""What the tools of a run can do, as a plan has to know it: which namespace lists, reads, joins."""

import re
from collections.abc import Callable, Collection
from functools import partial

from orchestrator.core.chat import Frozen
from orchestrator.core.tools import ToolSpec, split_name
from orchestrator.policy.catalogue import Catalogue
from orchestrator.policy.decomposition import Closest
from orchestrator.policy.grounding import lister
from orchestrator.policy.lookups import Lookups, lookups
from orchestrator.policy.reading import Readers, readers
from orchestrator.policy.shortlist import changing_namespace, reading_namespace

JOINS = re.compile(r"\W*(?:join|merge|combine|concat\w*)(?:\b|_)", re.IGNORECASE)
"""How a step begins, or a tool is called, that makes one thing of several."""


class Abilities(Frozen):
    """What some namespaces can do.

    `lists` is the one whose tool lists a folder; `reads` says which read what; those in `joins`
    make one thing of several; `finds` says where addresses and records are looked up. Of any words,
    `changing` gives the namespace that makes the change they ask for, `reading` the one that finds
    what they speak of; they are None where there is no catalogue to ask.
    """

    lists: str = ""
    reads: Readers = Readers()
    joins: frozenset[str] = frozenset()
    finds: Lookups = Lookups()
    changing: Closest | None = None
    reading: Callable[[str], str] | None = None


def abilities(specs: Collection[ToolSpec], catalogue: Catalogue | None = None) -> Abilities:
    """What the tools of a run can do, as their schemas and names say."""
    listing = lister(specs)
    return Abilities(
        lists=split_name(listing[0])[0] if listing else "",
        reads=readers(specs),
        joins=frozenset(spec.namespace for spec in specs if JOINS.match(spec.name)),
        finds=lookups(specs),
        changing=partial(changing_namespace, catalogue) if catalogue else None,
        reading=partial(reading_namespace, catalogue) if catalogue else None,
    )
