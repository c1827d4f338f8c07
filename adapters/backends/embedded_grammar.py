"""Constraints as the embedded engine understands them.

The engine drops a grammar that it cannot compile without a word and generates freely, so what
is sent must compile: schemas are checked first, and keywords beyond the engine are taken out.
What the grammar does not enforce, the check of the finished reply does.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from orchestrator.core.chat import Choice, Constraint
from orchestrator.core.errors import BackendRejected

# Without blanks a small model cannot fill its tokens with newlines. Lenient: unknown formats and
# keywords such as `uniqueItems` are ignored here instead of voiding the whole grammar.
_GUIDANCE = {"whitespace_flexible": False, "lenient": True, "coerce_one_of": True}
# The largest integers that every JSON reader keeps exact; without bounds a small model writes
# digits until its tokens are spent.
_INTEGERS = {"minimum": -(2**53), "maximum": 2**53}
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
# Look-around and back-references do not exist in the engine's regular expressions.
_BEYOND_THE_ENGINE = re.compile(r"\(\?[=!<]|\\[1-9]")
_SCHEMAS = ("items", "additionalProperties", "contains", "propertyNames", "not")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions")
# An object that is combined with others must stay open for their keys.
_COMBINED = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties", "additionalProperties")


def grammar_for(constraint: Constraint) -> str:
    """Write the grammar that leaves the engine no other reply.

    Raises:
        BackendRejected: The constraint's schema is not a usable JSON schema.
    """
    if isinstance(constraint, Choice):
        literals = (json.dumps(option, ensure_ascii=False) for option in constraint.options)
        return _llguidance(" | ".join(literals))
    return _json_grammar(json.dumps(constraint.json_schema))


@lru_cache(maxsize=256)
def _json_grammar(schema: str) -> str:
    loaded = json.loads(schema)
    try:
        Draft202012Validator.check_schema(loaded)
    except SchemaError as error:
        raise BackendRejected(f"The request's JSON schema is wrong: {error.message}") from error
    tamed = _tamed(loaded, closing='"allOf"' not in schema)
    return _llguidance("%json " + json.dumps({**tamed, "x-guidance": _GUIDANCE}))


def _llguidance(start: str) -> str:
    return f"%llguidance {{}}\nstart: {start}"


def _tamed(schema: Any, *, closing: bool) -> Any:
    """Copy a schema without what the engine cannot compile, closed where it only looks open."""
    if not isinstance(schema, Mapping):
        return schema
    _refuse_outside(schema.get("$ref", "#"))
    tamed = {key: _tamed_value(key, value, closing=closing) for key, value in schema.items()}
    if _BEYOND_THE_ENGINE.search(str(schema.get("pattern", ""))):
        del tamed["pattern"]
    if schema.get("type") == "integer" and not any(key in schema for key in _BOUNDS):
        tamed.update(_INTEGERS)
    if closing and "properties" in schema and not any(key in schema for key in _COMBINED):
        tamed["additionalProperties"] = False
    return tamed


def _tamed_value(key: str, value: Any, *, closing: bool) -> Any:
    if key in _SCHEMA_MAPS and isinstance(value, Mapping):
        return {name: _tamed(each, closing=closing) for name, each in value.items()}
    if key in _SCHEMA_LISTS:
        return [_tamed(each, closing=closing) for each in value]
    return _tamed(value, closing=closing) if key in _SCHEMAS else value


def _refuse_outside(reference: str) -> None:
    if not reference.startswith("#"):
        raise BackendRejected(
            f"The request's JSON schema refers to {reference!r}, outside of itself.",
            hint="Put the definition into the schema's own $defs.",
        )
