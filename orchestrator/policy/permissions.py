"""What may run without asking: rules as data, first match wins, unlisted asks."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from orchestrator.core.chat import Frozen
from orchestrator.core.runs import Approve
from orchestrator.core.tools import Effect

Decision = Literal["allow", "ask", "deny"]


class Rule(Frozen):
    """A permission: tools that match the pattern, of that effect if it names one."""

    tool: str = "*"
    effect: Effect | None = None
    decision: Decision


DEFAULT_RULES: tuple[Rule, ...] = (
    Rule(effect="read", decision="allow"),
    Rule(effect="local_write", decision="ask"),
    Rule(effect="destructive", decision="ask"),
    Rule(effect="egress", decision="ask"),
)


def permission(rules: Sequence[Rule], tool: str, effect: Effect) -> Decision:
    """What the rules say of a call; what no rule names is asked."""
    for rule in rules:
        if fnmatchcase(tool, rule.tool) and rule.effect in {None, effect}:
            return rule.decision
    return "ask"


def standing_word(approve: Approve, effect: Effect) -> bool | None:
    """What the caller said beforehand for a question of that effect; None when a person decides.

    A standing yes covers what stays on this machine; what leaves it waits for a person.
    """
    if approve == "no":
        return False
    return True if approve == "yes" and effect != "egress" else None
