"""Every error has a code of its own, a hint, and a place in the tree that says who acts."""

import re

import pytest

from orchestrator.core import errors
from orchestrator.core.errors import (
    BackendError,
    ConfigurationError,
    ModelBehaviorError,
    OrchestratorError,
    RequestError,
    RunStopped,
    ServiceBusy,
    ToolError,
)

TREE = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, OrchestratorError)
]
FAMILIES = (
    ConfigurationError,
    BackendError,
    ModelBehaviorError,
    ToolError,
    RunStopped,
    RequestError,
)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_has_a_code_a_hint_and_a_purpose(kind):
    assert re.fullmatch(r"[a-z_]+", kind.code)
    assert kind.default_hint.endswith((".", "?"))
    assert kind.__doc__


def test_no_two_share_a_code():
    codes = [kind.code for kind in TREE]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_belongs_to_one_family(kind):
    assert kind is OrchestratorError or sum(issubclass(kind, f) for f in FAMILIES) == 1


def test_only_what_a_backend_may_do_better_next_time_is_retried():
    retried = {kind.__name__ for kind in TREE if kind.retryable}
    assert retried == {"BackendUnavailable", "BackendTimeout", "BackendProtocolError"}


def test_the_tree_is_drawn_as_it_is():
    drawn = set(re.findall(r"^ +(\w+)", errors.__doc__, re.MULTILINE))
    assert drawn | {"OrchestratorError"} == {kind.__name__ for kind in TREE}


def test_an_error_says_what_and_what_to_do():
    plain = BackendError("No answer from http://127.0.0.1:1.")
    assert str(plain) == plain.message == "No answer from http://127.0.0.1:1."
    assert plain.hint == BackendError.default_hint
    assert BackendError("x", hint="Start it.").hint == "Start it."


def test_a_busy_service_says_when_to_come_back():
    assert ServiceBusy("Full.", retry_after_s=2.5).retry_after_s == 2.5
    assert ServiceBusy("Full.").retry_after_s > 0
