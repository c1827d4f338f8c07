"""What the package offers is exactly what it says, and all of it is there."""

import inspect

import pytest

import orchestrator

OFFERED = {
    "Budget",
    "Entry",
    "Orchestrator",
    "OrchestratorError",
    "RunRequest",
    "RunResult",
    "RunStatus",
    "Settings",
    "open_orchestrator",
}


def test_all_is_exact_and_in_order():
    assert set(orchestrator.__all__) == OFFERED
    assert orchestrator.__all__ == sorted(orchestrator.__all__)


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_each_name_is_there_and_documented(name):
    found = getattr(orchestrator, name)
    assert name == "RunStatus" or inspect.getdoc(found)


def test_a_name_that_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Ferry'"):
        _ = orchestrator.Ferry


def test_the_orchestrator_has_the_verbs_of_a_run():
    verbs = {name for name, _ in inspect.getmembers(orchestrator.Orchestrator, inspect.isfunction)}
    assert {"run", "stream", "resume", "cancel", "result"} <= verbs


def test_every_public_verb_says_what_it_is_for():
    members = inspect.getmembers(orchestrator.Orchestrator, inspect.isfunction)
    public = [member for name, member in members if not name.startswith("_")]
    assert all(inspect.getdoc(member) for member in public)
