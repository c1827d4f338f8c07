"""A client's own tools: the run asks for their calls, rests, and goes on with their results."""

import contextlib
import dataclasses
import itertools

import pytest

from adapters.retrieval.lexical import LexicalRetriever
from orchestrator.core.chat import FunctionTool
from orchestrator.core.errors import RunConflict, ToolNameClash
from orchestrator.core.events import (
    ApprovalAsked,
    CallIntended,
    CallSettled,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
)
from orchestrator.core.tools import ToolOutcome
from orchestrator.policy.client_tools import client_tools
from orchestrator.policy.permissions import DEFAULT_RULES, Rule
from tests.fakes.office import (
    DESKTOP,
    LIST,
    READ,
    Office,
    SteadyPlanner,
    act,
    entries_of,
    events,
    plan,
    screenshots,
    step,
    told,
)
from tests.fakes.stores import MemoryStore
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

WEATHER = FunctionTool(
    name="get_weather",
    description="The weather in a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
)
TICKET = FunctionTool(
    name="create_ticket",
    description="Create a ticket with a title.",
    parameters={
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
    },
)
NOTE = FunctionTool(
    name="create_note",
    description="Create a note with a body of text.",
    parameters={
        "type": "object",
        "properties": {"body": {"type": "string"}},
        "required": ["body"],
    },
)
TOOLS = client_tools([WEATHER, TICKET, NOTE])
ASKS = plan(step("s1", "get the weather in Lisbon", "client"))
CALL = act("client.get_weather", city="Lisbon")
RAIN = ToolOutcome(ok=True, data={"text": "Rain, 14 degrees"})
GOAL = "What is the weather in Lisbon?"


def asking(office, planner=None, **fields):
    orchestrator = office.orchestrator([ASKS, *CALL] if planner is None else planner)
    return orchestrator.stream(office.request(GOAL, tools=TOOLS, **fields))


async def at_rest(**fields):
    office = Office()
    return office, await entries_of(asking(office, **fields))


async def state_of(office, entries):
    return (await office.orchestrator([]).result(entries[0].run_id)).state


async def test_the_run_asks_for_the_call_and_rests():
    office, entries = await at_rest()
    assert (entries[-1].event.status, entries[-1].event.code) == ("waiting_tools", "needs_input")
    assert not events(entries, CallSettled, ApprovalAsked)
    state = await state_of(office, entries)
    [(call_id, call, parent)] = state.awaited
    assert (call.tool, call.arguments, parent) == ("client.get_weather", {"city": "Lisbon"}, -1)
    assert call.key.endswith(call_id)
    assert office.desk.calls == []


async def test_the_result_settles_the_call_and_no_model_decides_again():
    office, entries = await at_rest()
    call_id = (await state_of(office, entries)).awaited[0][0]
    again = office.orchestrator([])
    more = await entries_of(again.resume(entries[0].run_id, results={call_id: RAIN}))
    assert more[-1].event.status == "completed"
    [settled] = events(more, CallSettled)
    assert (settled.id, settled.outcome) == (call_id, RAIN)
    assert office.planner.requests == []
    assert "Rain, 14 degrees" in office.synthesizer.requests[-1].messages[-1].content
    assert (await state_of(office, entries)).awaited == ()


async def test_without_results_it_rests_again_and_asks_for_nothing_twice():
    office, entries = await at_rest()
    more = await entries_of(office.orchestrator([]).resume(entries[0].run_id))
    assert told(more) == ["run_resumed", "run_ended"]
    assert more[-1].event.status == "waiting_tools"
    assert len((await state_of(office, entries)).awaited) == 1


async def test_a_result_for_another_call_is_refused():
    office, entries = await at_rest()
    with pytest.raises(Exception, match=r"p9\.9"):
        await entries_of(office.orchestrator([]).resume(entries[0].run_id, results={"p9.9": RAIN}))
    assert (await state_of(office, entries)).status == "waiting_tools"


async def test_a_run_that_waits_for_nothing_takes_no_results():
    office = Office(files=[f"{DESKTOP}/a.txt"])
    entries = await entries_of(
        office.orchestrator(
            [plan(step("s1", "list it", "filesystem")), *act(LIST, path="x")]
        ).stream(office.request(approve="no", budget={"turns": 1}))
    )
    with pytest.raises(RunConflict):
        await entries_of(office.orchestrator([]).resume(entries[0].run_id, results={"p1.0": RAIN}))


async def test_a_result_that_is_an_error_is_a_failed_call():
    office, entries = await at_rest()
    call_id = (await state_of(office, entries)).awaited[0][0]
    failed = ToolOutcome(ok=False, error="no such city", code="tool_failed")
    planner = [CALL[0], {"city": "Lissabon"}]
    again = office.orchestrator(planner)
    more = await entries_of(again.resume(entries[0].run_id, results={call_id: failed}))
    assert more[-1].event.status == "waiting_tools"
    [(other, call, _)] = (await state_of(office, entries)).awaited
    assert other != call_id
    assert call.arguments == {"city": "Lissabon"}
    assert "no such city" not in str(office.planner.requests)


FANS = plan(
    step("s1", "list the files on the Desktop", "filesystem"),
    step("s2", "create a ticket for each file", "client", "s1"),
)
FAN_ACTS = {
    "s1": (LIST, {"path": "$folder.Desktop"}),
    "s2": ("client.create_ticket", {"title": "$s1.name"}),
}


async def fanned_out(files, **fields):
    office = Office(files=[f"{DESKTOP}/{name}" for name in files])
    planner = itertools.repeat(SteadyPlanner(FANS, FAN_ACTS))
    return office, await entries_of(asking(office, planner, **fields))


async def test_a_fan_out_rests_once_with_all_its_calls():
    office, entries = await fanned_out(["a.txt", "b.txt", "c.txt"])
    assert entries[-1].event.status == "waiting_tools"
    state = await state_of(office, entries)
    assert [call.arguments["title"] for _, call, _ in state.awaited] == ["a.txt", "b.txt", "c.txt"]
    results = {
        call_id: ToolOutcome(ok=True, data={"id": call.arguments["title"]})
        for call_id, call, _ in state.awaited
    }
    again = office.orchestrator([])
    more = await entries_of(again.resume(entries[0].run_id, results=results))
    assert more[-1].event.status == "completed"
    assert [event.parent for event in events(more, CallSettled)] == [0, 1, 2]


async def test_a_write_of_the_clients_is_not_asked_about_even_when_the_caller_refuses_writes():
    _, entries = await fanned_out(["a.txt"], approve="no")
    assert entries[-1].event.status == "waiting_tools"
    assert not events(entries, ApprovalAsked)


async def test_the_operator_can_forbid_a_tool_of_the_clients():
    office = Office()
    rules = (Rule(tool="client.get_*", decision="deny"), *DEFAULT_RULES)
    orchestrator = office.orchestrator([ASKS, *CALL, *CALL], rules=rules)
    entries = await entries_of(orchestrator.stream(office.request(GOAL, tools=TOOLS)))
    assert not events(entries, CallIntended)


async def test_more_calls_than_the_budget_has_are_not_asked_for():
    _, entries = await fanned_out(["a.txt", "b.txt", "c.txt"], budget={"tool_calls": 3})
    assert (entries[-1].event.status, entries[-1].event.code) == ("stopped", "budget_exceeded")
    assert [event.call.tool for event in events(entries, CallIntended)] == [LIST]


async def test_waiting_for_the_client_costs_no_working_time():
    office, entries = await at_rest()
    call_id = (await state_of(office, entries)).awaited[0][0]
    office.clock.advance(86_400)
    await entries_of(office.orchestrator([]).resume(entries[0].run_id, results={call_id: RAIN}))
    assert (await state_of(office, entries)).seconds < 3600


async def test_the_tools_are_in_scope_for_their_run_only():
    office, entries = await at_rest()
    assert "client.get_weather" in events(entries, RunStarted)[0].tools
    assert (
        "- client: get weather, create ticket, create note"
        in office.planner.requests[0].messages[0].content
    )
    other = await entries_of(
        office.orchestrator([{"answer": "Nothing to do."}]).stream(office.request("Say hello."))
    )
    assert "client" not in str(events(other, RunStarted)[0].tools)
    assert "- client" not in office.planner.requests[0].messages[0].content


async def test_the_tools_compete_with_all_others_for_a_place_in_the_shortlist():
    _, entries = await at_rest()
    [shown] = events(entries, ToolsDisclosed)
    assert {candidate.tool for candidate in shown.candidates} >= {"client.get_weather"}
    assert any(candidate.score > 0 for candidate in shown.candidates)


async def test_a_server_of_the_same_name_is_no_place_to_hide_them():
    office = Office(more=[tool("client.get_weather", "Not the client's.", lambda city: city)])
    with pytest.raises(ToolNameClash):
        await entries_of(asking(office))
    assert office.store.rows == {}


TOGETHER = plan(
    {**step("s1", "get the weather in Lisbon", "client"), "needs": []},
    {**step("s2", "list the files on the Desktop", "filesystem"), "needs": []},
)
TOGETHER_ACTS = {
    "s1": ("client.get_weather", {"city": "Lisbon"}),
    "s2": (LIST, {"path": "$folder.Desktop"}),
}


async def test_what_is_read_here_is_settled_before_the_run_rests():
    office = Office(files=[f"{DESKTOP}/a.txt"])
    office.profile = office.profile.model_copy(update={"parallel_steps": True})
    planner = itertools.repeat(SteadyPlanner(TOGETHER, TOGETHER_ACTS))
    entries = await entries_of(asking(office, planner))
    assert entries[-1].event.status == "waiting_tools"
    assert [event.tool for event in events(entries, CallSettled)] == [LIST]
    call_id = (await state_of(office, entries)).awaited[0][0]
    again = office.orchestrator([])
    more = await entries_of(again.resume(entries[0].run_id, results={call_id: RAIN}))
    assert more[-1].event.status == "completed"
    assert office.desk.called(LIST) == [{"path": DESKTOP}]


async def test_equal_items_are_asked_for_once_and_share_the_result():
    office = Office(
        images=dict.fromkeys(screenshots(2), "Invoice 42"),
    )
    made = plan(
        step("s1", "list the files on the Desktop", "filesystem"),
        step("s2", "read the text in each screenshot", "ocr", "s1"),
        step("s3", "create a note from each text", "client", "s2"),
    )
    acts = {
        "s1": (LIST, {"path": "$folder.Desktop"}),
        "s2": (READ, {"path": "$s1.path"}),
        "s3": ("client.create_note", {"body": "$s2.text"}),
    }
    entries = await entries_of(asking(office, itertools.repeat(SteadyPlanner(made, acts))))
    state = await state_of(office, entries)
    [(call_id, call, _)] = state.awaited
    assert call.arguments == {"body": "Invoice 42"}
    more = await entries_of(
        office.orchestrator([]).resume(entries[0].run_id, results={call_id: RAIN})
    )
    assert more[-1].event.status == "completed"
    assert [bool(event.reused) for event in events(more, CallSettled)] == [False, True]


async def test_a_call_is_not_repeated_to_wait_for_something():
    office = Office()
    waits = plan({**step("s1", "wait until it is dry", "client"), "wait_until": "text is Dry"})
    entries = await entries_of(asking(office, [waits, *CALL]))
    call_id = (await state_of(office, entries)).awaited[0][0]
    more = await entries_of(
        office.orchestrator([]).resume(entries[0].run_id, results={call_id: RAIN})
    )
    [closed] = events(more, StepClosed)
    assert closed.status == "failed"
    assert "only once" in closed.note


class Dying(MemoryStore):
    """A store whose process dies after so many writes."""

    def __init__(self, lives):
        super().__init__()
        self.lives = lives

    async def append(self, entries):
        if self.lives == 0:
            raise ConnectionAbortedError
        self.lives -= 1
        await super().append(entries)


async def lived(office, lives):
    """A run that dies after so many writes and is taken up again; says whether it died."""
    office.store.lives = lives
    stream = office.orchestrator(itertools.repeat(SteadyPlanner(FANS, FAN_ACTS))).stream(
        office.request(GOAL, tools=TOOLS), run_id="mortal"
    )
    with contextlib.suppress(ConnectionAbortedError):
        await entries_of(stream)
    died = office.store.lives == 0
    office.store.lives = 10_000
    again = office.orchestrator(itertools.repeat(SteadyPlanner(FANS, FAN_ACTS)))
    more = await entries_of(again.resume("mortal"))
    assert more[-1].event.status == "waiting_tools"
    return died


async def test_wherever_the_process_dies_every_call_is_asked_for_once():
    for lives in itertools.count(1):
        office = Office(files=[f"{DESKTOP}/a.txt", f"{DESKTOP}/b.txt"], store=Dying(lives))
        died = await lived(office, lives)
        made = [e.event for e in office.store.rows["mortal"] if isinstance(e.event, CallIntended)]
        mine = [event.id for event in made if event.call.tool != LIST]
        assert len(mine) == len(set(mine)) == 2
        if not died:
            break
    assert lives > 10


async def test_a_cancelled_wait_can_be_taken_up_again():
    office, entries = await at_rest()
    orchestrator = office.orchestrator([])
    assert await orchestrator.call_off(entries[0].run_id)
    assert (await state_of(office, entries)).status == "cancelled"
    more = await entries_of(orchestrator.resume(entries[0].run_id))
    assert more[-1].event.status == "waiting_tools"


async def test_tools_are_compared_by_whatever_compares_the_others():
    office = Office()
    orchestrator = office.orchestrator([ASKS, *CALL])
    orchestrator.parts = dataclasses.replace(
        orchestrator.parts, retrievers=(LexicalRetriever(), LexicalRetriever(stems=False))
    )
    entries = await entries_of(orchestrator.stream(office.request(GOAL, tools=TOOLS)))
    assert entries[-1].event.status == "waiting_tools"
