"""An MCP client has tasks carried out: what it is offered, what it is told, and who may."""

import asyncio
import dataclasses

import jsonschema
import pytest
from mcp import Client, MCPError

from orchestrator.service.gate.keys import LOCAL, Caller
from orchestrator.service.mcp.face import McpFace
from orchestrator.service.mcp.tools import TOOLS
from tests.fakes.clock import FakeClock
from tests.fakes.office import SteadyPlanner
from tests.fakes.service import LOOKING, LOOKS, Gate, looking, renaming
from tests.fakes.serving import GOAL, service_over

pytestmark = pytest.mark.anyio

ANA = Caller("ana", "acme", frozenset({"run", "approve"}))
BEN = Caller("ben", "other", frozenset({"run", "approve"}))


class Patient(FakeClock):
    """A clock on which no wait ever ends."""

    async def sleep(self, seconds):
        await asyncio.Event().wait()


def patient(service):
    return dataclasses.replace(service, clock=Patient())


@pytest.fixture
def office():
    return renaming()


@pytest.fixture
async def service(office, tmp_path):
    made = patient(service_over(office, tmp_path, planner=[SteadyPlanner()] * 40))
    yield made
    await made.dispatcher.drain(within_s=0)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
async def gated(gate, tmp_path):
    planner = [SteadyPlanner(LOOKING, LOOKS)] * 40
    made = patient(service_over(looking(gate), tmp_path, planner=planner))
    yield made
    gate.open()
    await made.dispatcher.drain(within_s=0)


def client(service, caller=LOCAL, **options):
    return Client(McpFace(service, caller).server, **options)


async def asked_for_approval(server, **arguments):
    run = (await server.call_tool("run_task", {"goal": GOAL, **arguments})).structured_content
    assert run["status"] == "waiting_approval"
    return run


def text_of(result):
    assert result.is_error
    assert result.structured_content is None
    return result.content[0].text


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_task_rests_for_an_approval_and_ends_after_it(service, office, mode):
    async with client(service, mode=mode) as server:
        asked = await asked_for_approval(server)
        assert "approve" in asked["next"]
        assert asked["error"] is None
        approval = asked["approval"]
        assert [call["tool"] for call in approval["calls"]] == ["filesystem.rename_file"] * 2
        assert all(call["arguments"]["new_name"] for call in approval["calls"])
        word = {"run_id": asked["run_id"], "digest": approval["digest"], "granted": True}
        done = (await server.call_tool("approve", word)).structured_content
    assert done["status"] == "completed"
    assert done["answer"]
    assert done["next"] == ""
    assert {step["status"] for step in done["steps"]} == {"done"}


async def test_a_refusal_does_nothing_and_needs_no_edited_arguments(service):
    async with client(service) as server:
        asked = await asked_for_approval(server)
        word = {
            "run_id": asked["run_id"],
            "digest": asked["approval"]["digest"],
            "granted": False,
        }
        edited = await server.call_tool("approve", {**word, "edited": [{}]})
        assert "error[invalid_request]: Edited arguments" in text_of(edited)
        refused = (await server.call_tool("approve", word)).structured_content
    assert refused["status"] != "completed"
    entries = [entry async for entry in service.dispatcher.follow(asked["run_id"])]
    tools = [e.event.tool for e in entries if e.event.type == "call_settled"]
    assert "filesystem.rename_file" not in tools


async def test_what_is_told_fits_the_schemas_that_are_offered(service):
    async with client(service) as server:
        offered = {tool.name: tool for tool in (await server.list_tools()).tools}
        for tool in offered.values():
            for schema in (tool.input_schema, tool.output_schema):
                assert schema["type"] == "object"
                jsonschema.Draft202012Validator.check_schema(schema)
        asked = await asked_for_approval(server)
        run = await server.call_tool("get_run", {"run_id": asked["run_id"]})
        listed = await server.call_tool("list_runs", {})
    for name, result in (("get_run", run), ("list_runs", listed)):
        jsonschema.validate(result.structured_content, offered[name].output_schema)


async def test_the_annotations_tell_which_tools_change_nothing(service):
    async with client(service) as server:
        tools = (await server.list_tools()).tools
    told = {tool.name: tool.annotations for tool in tools}
    assert {name for name, hint in told.items() if hint.read_only_hint} == {"get_run", "list_runs"}
    harmless = {name for name, hint in told.items() if not hint.destructive_hint}
    assert harmless == {"get_run", "list_runs", "cancel"}


async def test_progress_names_the_run_first_and_only_goes_forward(service):
    heard = []

    async def hear(progress, total, message):
        heard.append((progress, message))

    async with client(service, mode="legacy") as server:
        asked = await server.call_tool("run_task", {"goal": GOAL}, progress_callback=hear)
    run_id = asked.structured_content["run_id"]
    assert heard[0][1].startswith(f"run {run_id}: started")
    assert [seq for seq, _ in heard] == sorted({seq for seq, _ in heard})
    assert heard[-1][1].startswith(f"run {run_id}: waiting_approval")


async def test_a_call_waits_no_longer_than_it_says(gate, gated):
    async with client(dataclasses.replace(gated, clock=FakeClock())) as server:
        begun = (await server.call_tool("run_task", {"goal": "Look."})).structured_content
    assert begun["status"] == "running"
    assert "get_run" in begun["next"]
    gate.open()
    async with client(gated) as server:
        waited = {"run_id": begun["run_id"], "wait_seconds": 60}
        ended = (await server.call_tool("get_run", waited)).structured_content
    assert ended["status"] == "completed"


async def test_a_cancelled_request_lets_go_of_its_run_and_does_not_end_it(gate, gated):
    async with client(gated, mode="legacy") as server:
        waiting = asyncio.create_task(server.call_tool("run_task", {"goal": "Look."}))
        await gate.calls(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        found = (await server.call_tool("list_runs", {})).structured_content["runs"]
        assert [run["status"] for run in found] == ["running"]
        gate.open()
        waited = {"run_id": found[0]["id"], "wait_seconds": 60}
        ended = (await server.call_tool("get_run", waited)).structured_content
    assert ended["status"] == "completed"


async def test_cancel_ends_a_run_and_resume_goes_on_with_it(gate, gated):
    async with client(dataclasses.replace(gated, clock=FakeClock())) as server:
        begun = (await server.call_tool("run_task", {"goal": "Look."})).structured_content
        await gate.calls(1)
        ended = await server.call_tool("cancel", {"run_id": begun["run_id"]})
        assert ended.structured_content["status"] == "cancelled"
    gate.open()
    async with client(gated) as server:
        resumed = await server.call_tool("resume", {"run_id": begun["run_id"]})
    assert resumed.structured_content["status"] == "completed"


async def test_a_service_that_goes_down_ends_the_wait_and_not_the_run(gate, gated):
    async with client(gated) as server:
        waiting = asyncio.create_task(server.call_tool("run_task", {"goal": "Look."}))
        await gate.calls(1)
        gated.draining.set()
        assert (await waiting).structured_content["status"] == "running"


async def test_the_same_key_gives_the_same_run(service):
    async with client(service) as server:
        first = await asked_for_approval(server, once="job-1")
        again = await server.call_tool("run_task", {"goal": GOAL, "once": "job-1"})
        assert again.structured_content["run_id"] == first["run_id"]
        other = await server.call_tool("run_task", {"goal": "Another goal.", "once": "job-1"})
    assert "error[run_conflict]" in text_of(other)


async def test_a_run_of_another_tenant_does_not_exist(service):
    async with client(service, ANA) as server:
        run = await asked_for_approval(server)
    word = {"run_id": run["run_id"], "digest": run["approval"]["digest"], "granted": True}
    asked = {"run_id": run["run_id"]}
    async with client(service, BEN) as server:
        listed = (await server.call_tool("list_runs", {})).structured_content
        assert listed == {"runs": [], "has_more": False}
        answers = [
            await server.call_tool("get_run", asked),
            await server.call_tool("cancel", asked),
            await server.call_tool("resume", asked),
            await server.call_tool("answer", {**asked, "text": "Yes."}),
            await server.call_tool("approve", word),
        ]
    for answer in answers:
        assert "error[run_not_found]: There is no run" in text_of(answer)
        assert "hint: list_runs" in text_of(answer)
    state = await service.dispatcher.state(run["run_id"])
    assert state.status == "waiting_approval"


async def test_a_key_that_may_only_read_is_offered_only_that(service):
    async with client(service, Caller("eve", "", frozenset())) as server:
        names = [tool.name for tool in (await server.list_tools()).tools]
        assert names == ["get_run", "list_runs"]
        refused = await server.call_tool("run_task", {"goal": GOAL})
    assert "error[forbidden]: The key 'eve' has not the scope 'run'." in text_of(refused)


async def test_approving_beforehand_needs_the_scope_too(service):
    async with client(service, Caller("bot", "", frozenset({"run"}))) as server:
        assert "approve" not in [tool.name for tool in (await server.list_tools()).tools]
        refused = await server.call_tool("run_task", {"goal": GOAL, "approve": "yes"})
        listed = (await server.call_tool("list_runs", {})).structured_content
    assert "error[forbidden]" in text_of(refused)
    assert listed["runs"] == []


async def test_arguments_that_do_not_fit_are_named_with_what_is_wrong(service):
    async with client(service) as server:
        unfit = await server.call_tool("get_run", {"id": "x", "wait_seconds": -1})
    told = text_of(unfit)
    assert told.startswith("error[invalid_request]: get_run: run_id: Field required")
    assert "wait_seconds" in told
    assert "id: Extra inputs are not permitted" in told


async def test_an_unknown_tool_is_an_error_of_the_protocol(service):
    async with client(service, mode="legacy") as server:
        with pytest.raises(MCPError, match="no tool 'format_disk'"):
            await server.call_tool("format_disk", {})


async def test_a_fault_of_the_service_is_told_without_its_words(service):
    class Broken:
        async def heads(self, *_, **__):
            raise RuntimeError("password=hunter2")

    async with client(dataclasses.replace(service, directory=Broken())) as server:
        failed = await server.call_tool("list_runs", {})
    assert text_of(failed).startswith("error[internal]")
    assert "hunter2" not in text_of(failed)


async def test_a_full_service_says_when_to_come_back(gate, tmp_path):
    planner = [SteadyPlanner(LOOKING, LOOKS)] * 40
    few = {"running": 1, "waiting": 0}
    full = service_over(looking(gate), tmp_path, planner=planner, limits=few)
    async with client(full) as server:
        await server.call_tool("run_task", {"goal": "Look."})
        refused = await server.call_tool("run_task", {"goal": "Look."})
    gate.open()
    await full.dispatcher.drain(within_s=0)
    assert "error[service_busy]" in text_of(refused)
    assert "hint: Try again in" in text_of(refused)


def test_every_tool_says_what_each_of_its_arguments_is():
    for tool in TOOLS:
        for name, schema in tool.takes.model_json_schema()["properties"].items():
            assert schema.get("description"), f"{tool.name}.{name}"
