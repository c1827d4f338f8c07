"""Plans to learn from, made from the tools where nobody has written any for them."""

from orchestrator.core.tools import ToolSpec
from orchestrator.prompting.examples import by_words, closest_plans
from orchestrator.prompting.generated import generated_plans
from orchestrator.prompting.library import WorkflowExample

SPECS = [
    ToolSpec(
        id="trading.get_stock_info", description="Get the details of a stock. Needs a symbol."
    ),
    ToolSpec(id="trading.place_order", description="Place an order for a stock"),
    ToolSpec(id="travel.book_flight", description="Book a flight with the given information"),
    ToolSpec(id="posting.comment", description=""),
]
GOAL = "Get me the details of the stock of Zeta and book a flight there."


def made(count):
    return generated_plans(SPECS, GOAL, count, by_words)


def test_each_says_what_a_tool_of_another_namespace_does_and_the_last_two():
    plans = made(3)
    assert [[step.namespace for step in plan.steps] for plan in plans] == [
        ["travel"],
        ["trading"],
        ["trading", "travel"],
    ]
    assert plans[-1].goal == (
        "Get the details of a stock, and then book a flight with the given information."
    )


def test_the_count_is_kept_and_one_namespace_is_enough():
    assert [len(made(count)) for count in (0, 1, 2, 3)] == [0, 1, 2, 3]
    assert len(generated_plans(SPECS[:1], GOAL, 3, by_words)) == 1


def test_a_tool_without_a_description_is_told_by_its_name():
    (plan,) = generated_plans(SPECS[3:], "Comment on it.", 3, by_words)
    assert plan.steps[0].intent == "comment"


def test_giving_up_is_not_all_there_is_to_learn_from():
    refuses = WorkflowExample(name="no", goal="Order pizza.", answer="I cannot order anything.")
    assert closest_plans(GOAL, [refuses], {"trading"}) == []
