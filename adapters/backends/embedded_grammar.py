"""Constraints as the embedded engine understands them."""

import json

from orchestrator.core.chat import Choice, Constraint


def grammar_for(constraint: Constraint) -> str:
    """Write the grammar that leaves the engine no other reply.

    Both kinds are LLGuidance grammars: its JSON mode keeps the schema's key order and is the
    only one that can forbid the blanks on which a small model otherwise spends its tokens.
    """
    if isinstance(constraint, Choice):
        return _llguidance(" | ".join(_literal(option) for option in constraint.options))
    compact = {**constraint.json_schema, "x-guidance": {"whitespace_flexible": False}}
    return _llguidance(f"%json {json.dumps(compact)}")


def _llguidance(start: str) -> str:
    return f"%llguidance {{}}\nstart: {start}"


def _literal(option: str) -> str:
    # Lark string literals take JSON's escapes, except that an empty one is not a terminal.
    return json.dumps(option, ensure_ascii=False) if option else '""'
