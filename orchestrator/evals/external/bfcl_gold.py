"""BFCL's gold calls, read from Python source without running it."""

import ast
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.errors import SettingsError
from orchestrator.evals.cases import Gold
from orchestrator.evals.external.reading import snake_case
from orchestrator.evals.external.simulators import Classes


def gold_call(source: str, involved: Sequence[str], classes: Classes) -> Gold:
    """Read a call such as `cd(folder='temp')` as a tool and its named arguments.

    The function belongs to the last class of the task that has it.

    Raises:
        SettingsError: It is not a call of a known function with literal arguments.
    """
    try:
        call = ast.parse(source.strip(), mode="eval").body
        name, positional, named = _parts(call)
    except (SyntaxError, TypeError, ValueError) as error:
        raise _unusable(source) from error
    owner = next((each for each in reversed(involved) if hasattr(classes[each], name)), None)
    if owner is None:
        raise _unusable(source)
    signature = inspect.signature(getattr(classes[owner], name))
    wanted = [each for each in signature.parameters if each != "self"]
    arguments = {**dict(zip(wanted, positional, strict=False)), **named}
    return Gold(tool=f"{snake_case(owner)}.{name}", arguments=arguments)


def _parts(call: ast.expr) -> tuple[str, list[Any], Mapping[str, Any]]:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise TypeError("no plain call")
    positional = [ast.literal_eval(value) for value in call.args]
    named = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    return call.func.id, positional, named


def _unusable(source: str) -> SettingsError:
    return SettingsError(
        f"The gold call {source!r} cannot be read.", hint="Fetch the suite's files anew."
    )
