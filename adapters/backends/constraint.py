"""Checks that a reply has the form that was asked for, whatever the engine promised.

Each engine silently ignores the constraint fields of the others, so a backend that does not
check hands free text on as a decision.
"""

import json
from functools import lru_cache

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from adapters.backends.strict_json import UnsafeJsonError, parse, refuse_lone_surrogates
from orchestrator.core.chat import Choice, Constraint, JsonSchema
from orchestrator.core.errors import BackendRejected, ConstraintBroken


def require(text: str, constraint: Constraint | None, *, truncated: bool = False) -> None:
    """Let a reply pass only when it is safe text in the form that was asked for.

    One that `max_tokens` cut cannot have its form and needs to be safe text only: it is handed
    on marked as truncated, so that whoever asked can ask for less.

    Raises:
        ConstraintBroken: The reply breaks the constraint or holds a value that must not
            enter a run's state.
        BackendRejected: The constraint's own schema cannot be used.
    """
    form = None if truncated else constraint
    try:
        refuse_lone_surrogates(text)
        if isinstance(form, JsonSchema):
            _require_schema(text, form)
    except UnsafeJsonError as error:
        raise ConstraintBroken(
            f"The reply cannot be used: {error}. It begins {excerpt(text)}."
        ) from error
    if isinstance(form, Choice) and text not in form.options:
        raise ConstraintBroken(
            f"The reply {excerpt(text)} is none of the {len(form.options)} options "
            f"{', '.join(form.options)}."
        )


def excerpt(text: str, limit: int = 120) -> str:
    """Quote the beginning of a text, so that an error message stays one line."""
    return repr(text if len(text) <= limit else f"{text[:limit]}…")


def _require_schema(text: str, constraint: JsonSchema) -> None:
    value = parse(text)
    validator = _validator(json.dumps(constraint.json_schema))
    try:
        broken = best_match(validator.iter_errors(value))
    except Unresolvable as error:
        raise BackendRejected(f"The request's JSON schema has a dead reference: {error}") from error
    if broken is not None:
        raise ConstraintBroken(
            f"The reply breaks its JSON schema at {broken.json_path}: {broken.message}."
        )


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    """Compile a schema once; an empty registry keeps `$ref` away from the network."""
    loaded = json.loads(schema)
    try:
        Draft202012Validator.check_schema(loaded)
    except SchemaError as error:
        raise BackendRejected(f"The request's JSON schema is wrong: {error.message}") from error
    return Draft202012Validator(loaded, registry=Registry())
