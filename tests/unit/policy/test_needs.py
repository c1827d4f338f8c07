"""What a step says that it needs: asked for only on demand, read, refused where it is unknown."""

import json

from jsonschema import Draft202012Validator

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Budget, RunRequest
from orchestrator.policy.guards import GUARDS, View, first_objection
from orchestrator.policy.permissions import DEFAULT_RULES
from orchestrator.policy.planning import plan_problems, plan_schema, read_plan
from orchestrator.prompting.library import ExampleStep
from orchestrator.prompting.render import plan_json
from tests.fakes.office import plan, step
from tests.fakes.states import plan_step, proposal, state

SAID = plan(
    step("s1", "list the files", "fs") | {"needs": []},
    step("s2", "read the mail", "mail") | {"needs": ["s1"]},
)
UNSAID = plan(step("s1", "list the files", "fs"))


def fits(schema, data):
    return Draft202012Validator(schema).is_valid(data)


def test_the_schema_asks_for_needs_only_where_it_is_told_to():
    asks, silent = plan_schema(["fs", "mail"], needs=True), plan_schema(["fs", "mail"])
    assert (fits(asks, SAID), fits(silent, SAID)) == (True, False)
    assert (fits(asks, UNSAID), fits(silent, UNSAID)) == (False, True)


def test_what_was_said_is_read_and_what_was_not_stays_unsaid():
    assert [each.needs for each in read_plan(json.dumps(SAID)).steps] == [(), ("s1",)]
    assert [each.needs for each in read_plan(json.dumps(UNSAID)).steps] == [None]


def test_a_plan_is_written_as_it_was_read():
    for made in (SAID, UNSAID):
        assert json.loads(plan_json(read_plan(json.dumps(made)))) == made


def test_only_earlier_steps_can_be_needed():
    first = PlanStep(id="s1", intent="list the files", namespace="fs", needs=("s1",))
    second = PlanStep(id="s2", intent="read the mail", namespace="mail", needs=("s1", "s7"))
    assert plan_problems(Plan(steps=(first, second)), ["fs", "mail"]) == [
        "s1 needs itself, which is no earlier step. It is the first step.",
        "s2 needs 's7', which is no earlier step. The earlier steps are: s1.",
    ]


def test_a_worked_step_needs_what_it_goes_over_asks_about_and_refers_to():
    worked = ExampleStep(
        id="s4",
        intent="send it",
        namespace="mail",
        over="s3",
        only_if="s1.count > 0",
        tools=("mail.send",),
        tool="mail.send",
        arguments={"to": "$s2.email", "file": "$s3.path", "subject": "the s9 report"},
    )
    assert worked.needs == ("s3", "s1", "s2")


def test_a_budget_counts_the_calls_that_are_held():
    request = RunRequest(goal="g", budget=Budget(tool_calls=1))
    run = state(plan_step(namespace="fs"), request=request)
    read = proposal("fs.list", {"path": "/d"})
    for held, kind in (((), "allow"), ((proposal("fs.list", {"path": "/e"}),), "stop")):
        view = View(
            state=run.model_copy(update={"held": held}),
            proposal=read,
            scope=frozenset({"fs.list"}),
            rules=DEFAULT_RULES,
        )
        assert first_objection(view, GUARDS).kind == kind
