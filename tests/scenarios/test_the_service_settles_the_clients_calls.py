"""A client's own tools over the service: results by the id of the call, all of them, once."""

import asyncio

import pytest

from orchestrator.core.chat import FunctionTool
from orchestrator.core.errors import InvalidRequest, RunConflict
from orchestrator.core.events import CallSettled
from orchestrator.core.tools import ToolOutcome
from orchestrator.policy.client_tools import client_tools
from tests.fakes.office import Office, act, events, plan, step
from tests.fakes.service import dispatching, followed, status_of

pytestmark = pytest.mark.anyio

TOOLS = client_tools(
    [
        FunctionTool(
            name="get_weather",
            description="The weather in a city.",
            parameters={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        )
    ]
)
ASKS = plan(step("s1", "get the weather in Lisbon", "client"))
RAIN = ToolOutcome(ok=True, data={"text": "Rain, 14 degrees"})


async def waiting():
    """A run that waits for its client, and the id of the call."""
    office = Office()
    dispatcher = dispatching(office, ASKS, *act("client.get_weather", city="Lisbon"))
    request = office.request("What is the weather in Lisbon?", tools=TOOLS)
    run_id = await dispatcher.start(request)
    assert await status_of(dispatcher, run_id) == "waiting_tools"
    [(call_id, _, _)] = (await dispatcher.state(run_id)).awaited
    return dispatcher, run_id, call_id


async def test_the_run_goes_on_with_the_result():
    dispatcher, run_id, call_id = await waiting()
    await dispatcher.settle(run_id, {call_id: RAIN})
    assert await status_of(dispatcher, run_id) == "completed"
    [settled] = events(await followed(dispatcher, run_id), CallSettled)
    assert (settled.id, settled.outcome) == (call_id, RAIN)


async def test_of_two_results_of_one_call_one_counts():
    dispatcher, run_id, call_id = await waiting()
    both = [dispatcher.settle(run_id, {call_id: RAIN}) for _ in range(2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "RunConflict"]
    assert await status_of(dispatcher, run_id) == "completed"
    with pytest.raises(RunConflict):
        await dispatcher.settle(run_id, {call_id: RAIN})


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ({}, "also waits for the result"),
        ({"p9.9": RAIN}, "'p9.9' is no call that waits for one"),
    ],
)
async def test_results_of_other_calls_and_none_are_refused(results, why):
    dispatcher, run_id, _ = await waiting()
    with pytest.raises(InvalidRequest, match=why):
        await dispatcher.settle(run_id, results)
    assert await status_of(dispatcher, run_id) == "waiting_tools"


@pytest.mark.parametrize("value", ["\ud800", float("nan"), 2**70])
async def test_a_result_that_no_journal_can_carry_is_refused(value):
    dispatcher, run_id, call_id = await waiting()
    with pytest.raises(InvalidRequest, match="cannot be used"):
        await dispatcher.settle(run_id, {call_id: ToolOutcome(ok=True, data={"text": value})})
    await dispatcher.settle(run_id, {call_id: RAIN})
    assert await status_of(dispatcher, run_id) == "completed"


async def test_a_run_that_waits_for_its_client_is_not_simply_resumed():
    dispatcher, run_id, _ = await waiting()
    with pytest.raises(RunConflict, match="waiting tools"):
        await dispatcher.resume(run_id)
