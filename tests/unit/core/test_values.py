"""The vocabulary's values refuse what cannot be, and never change."""

import pytest
from pydantic import TypeAdapter, ValidationError

from orchestrator.core.chat import ChatRequest, Choice, JsonSchema, Message, Usage
from orchestrator.core.errors import SettingsError
from orchestrator.core.events import Event, RunEnded
from orchestrator.core.plans import OPERATORS, Condition, Plan, PlanStep
from orchestrator.core.roles import Profile
from orchestrator.core.runs import FINAL, Budget, RunRequest
from orchestrator.core.tools import EFFECT_ORDER, ToolSpec, split_name
from orchestrator.core.verdicts import ALLOW, Verdict

LISTS = PlanStep(id="s1", intent="list", namespace="fs")


def test_usage_adds_up():
    total = sum([Usage(prompt=3, cached=1, generated=2), Usage(prompt=4)], Usage())
    assert total == Usage(prompt=7, cached=1, generated=2)


@pytest.mark.parametrize("name", ["fs.list", "a.b.c", "fs__x.y_z"])
def test_a_tool_id_has_a_namespace_and_a_name(name):
    namespace, rest = split_name(name)
    assert f"{namespace}.{rest}" == name
    spec = ToolSpec(id=name)
    assert (spec.namespace, spec.name) == (namespace, rest)


@pytest.mark.parametrize("name", ["", "list", ".list", "fs."])
def test_what_is_no_tool_id_is_refused(name):
    with pytest.raises(SettingsError, match="is not a tool id"):
        split_name(name)


def test_an_unknown_tool_is_assumed_to_do_the_worst():
    assert ToolSpec(id="a.b").effect == EFFECT_ORDER[-1] == "egress"
    assert not ToolSpec(id="a.b").retry_safe


@pytest.mark.parametrize(
    ("effect", "idempotent", "safe"),
    [("read", False, True), ("local_write", True, True), ("local_write", False, False)],
)
def test_reads_and_idempotent_tools_may_be_sent_again(effect, idempotent, safe):
    assert ToolSpec(id="a.b", effect=effect, idempotent=idempotent).retry_safe is safe


@pytest.mark.parametrize(
    "fields",
    [{}, {"answer": "a", "question": "b"}, {"steps": (LISTS,), "answer": "a"}],
)
def test_a_plan_is_exactly_one_thing(fields):
    with pytest.raises(ValidationError, match="A plan has steps, or an answer, or a question"):
        Plan(**fields)


def test_a_plan_finds_its_steps():
    plan = Plan(steps=(LISTS,))
    assert plan.step("s1") is LISTS
    assert plan.step("s2") is None


@pytest.mark.parametrize("step_id", ["", "1", "s", "s123", "step1", "s1 "])
def test_a_step_has_a_short_id(step_id):
    with pytest.raises(ValidationError):
        PlanStep(id=step_id, intent="x", namespace="fs")


@pytest.mark.parametrize("op", OPERATORS)
def test_a_condition_is_written_as_it_is_read(op):
    assert Condition(field="name", op=op, value="x").written() == f"name {op} x"


def test_a_longer_operator_is_tried_before_its_beginning():
    for at, op in enumerate(OPERATORS):
        assert not any(later.startswith(op) for later in OPERATORS[at + 1 :])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Budget, {"turns": 0}),
        (Budget, {"seconds": -1}),
        (RunRequest, {"goal": ""}),
        (RunRequest, {"goal": "x", "approve": "maybe"}),
        (RunRequest, {"goal": "x", "colour": "red"}),
        (Profile, {"name": "x", "shortlist_k": 13}),
        (Choice, {"options": ()}),
        (ChatRequest, {"messages": ()}),
        (Verdict, {"kind": "perhaps"}),
    ],
)
def test_what_cannot_be_is_refused(kind, fields):
    with pytest.raises(ValidationError):
        kind(**fields)


def test_values_never_change():
    with pytest.raises(ValidationError):
        ALLOW.kind = "stop"


def test_a_request_survives_its_journal_form():
    for constraint in (Choice(options=("a",)), JsonSchema(json_schema={"type": "object"}), None):
        request = ChatRequest(messages=(Message(role="user", content="hi"),), constraint=constraint)
        assert ChatRequest.model_validate_json(request.model_dump_json()) == request


def test_an_event_is_told_by_its_type():
    adapter = TypeAdapter(Event)
    event = adapter.validate_python({"type": "run_ended", "status": "stopped"})
    assert event == RunEnded(status="stopped")
    with pytest.raises(ValidationError):
        adapter.validate_python({"type": "run_exploded"})


def test_only_what_was_wholly_carried_out_is_final():
    assert frozenset({"completed"}) == FINAL
