"""Steps that no tool can do are told before anything is done."""

import pytest

from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.beyond import beyond, possible

TOOLS = [
    ToolSpec(id="filesystem.move_file", description="Move a file into another folder"),
    ToolSpec(id="data.query_database", description="Read rows of a database"),
]


def plan(*intents, over=""):
    steps = [PlanStep(id=f"s{n}", intent=i, namespace="data") for n, i in enumerate(intents, 1)]
    if over:
        steps[-1] = steps[-1].model_copy(update={"over": over})
    return Plan(steps=tuple(steps))


PAYS = plan("read the bill", "transfer the amount from my bank account", "move the bill to Paid")


@pytest.mark.parametrize(
    ("intent", "is_beyond"),
    [
        ("pay the plumber", True),
        ("print the contract twice", True),
        ("then phone Priya", True),
        ("transfer 500 euros to Bob", True),
        ("transfer the photos to Archive", False),
        ("transfer the account statements to Archive", False),
        ("print the contents of notes.txt", False),
        ("move the paid bills to Paid", False),
        ("read what the printer costs", False),
    ],
)
def test_what_is_done_outside_of_the_computer_is_beyond_its_tools(intent, is_beyond):
    assert bool(beyond(plan(intent), TOOLS)) is is_beyond


def test_a_tool_that_says_it_does_it_can():
    prints = ToolSpec(id="office.print_file", description="Print a file")
    assert not beyond(plan("print the contract"), [*TOOLS, prints])
    assert not beyond(plan("pay the bill"), [ToolSpec(id="bank.send", description="Pay a bill")])
    others = [ToolSpec(id="a.b", description="A JSON payload, or a phone number")]
    assert beyond(plan("pay the bill", "phone Priya"), others)


def test_a_person_is_asked_before_the_rest_is_done():
    asked = possible(PAYS, TOOLS, None).question
    assert "None of the tools here can do this: transfer the amount" in asked
    assert "rest" in asked


def test_what_cannot_be_done_at_all_is_told():
    assert "cannot be done" in possible(plan("pay the plumber"), TOOLS, None).answer


def test_after_the_answer_the_rest_is_planned_without_it_and_what_goes_over_it():
    asked = possible(PAYS, TOOLS, None)
    rest = possible(PAYS, TOOLS, asked)
    assert [step.id for step in rest.steps] == ["s1", "s3"]
    over = possible(plan("read it", "pay it", "file the receipt", over="s2"), TOOLS, asked)
    assert [step.id for step in over.steps] == ["s1"]
    assert "cannot be done" in possible(plan("pay the bill"), TOOLS, asked).answer


def test_another_question_was_not_about_that():
    asked = Plan(question="Which one is meant: A or B?")
    assert possible(PAYS, TOOLS, asked).question == possible(PAYS, TOOLS, None).question


def test_a_plan_that_can_be_done_stays_and_so_does_a_later_one():
    fine = plan("read the bill", "move it to Paid")
    assert possible(fine, TOOLS, None) == fine
    assert possible(PAYS, TOOLS, fine) == PAYS
