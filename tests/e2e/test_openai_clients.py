"""Clients that we did not write do their job over a real socket: openai, its npm package, more."""

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from tests.fakes.office import Office, Writer, act, plan, screenshots, step
from tests.fakes.serving import GOAL, served, service_over

pytestmark = pytest.mark.anyio

RENAMED = ["error-disk-full-1002", "flight-lisbon-boarding-1001", "pancake-recipe-1003-more"]
WEATHER = "What is the weather in Lisbon?"
ASKS = [
    plan(step("s1", "get the weather in Lisbon", "client")),
    *act("client.get_weather", city="Lisbon"),
]
PYTHONS = ["openai", "langchain"]
SCRIPT = Path(__file__).parents[2] / "scripts" / "clients.py"


def loaded(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLIENTS = loaded(SCRIPT)


async def spoken(argv):
    """What a client program told, line by line; its own complaints when it failed."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "LANGSMITH_TRACING": "false"}
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()[-3000:]
    return [json.loads(line) for line in out.decode().splitlines()]


def command(client):
    """The command of a client's program, or a skip where the client cannot be had."""
    try:
        return CLIENTS.command_of(client)
    except CLIENTS.Missing as why:
        pytest.skip(f"{client}: {why}")


def told(lines, what):
    return [line for line in lines if line["what"] == what]


def text(lines, what="content"):
    return "".join(line["text"] for line in told(lines, what))


async def doing(argv, what, office, tmp_path, task=GOAL, model="ferryman-auto", **fields):
    service = service_over(office, tmp_path, **fields)
    async with served(service) as client:
        return await spoken([*argv, what, str(client.base_url).rstrip("/"), model, task])


def check_the_job(lines, office, *, reasoning=True):
    assert text(lines) == "It is done."
    assert [line["reason"] for line in told(lines, "finish")] == ["stop"]
    assert office.names == RENAMED
    if reasoning:
        assert "plan of 4 steps" in text(lines, "reasoning")
        assert "s4 filesystem.rename_file 3/3" in text(lines, "reasoning")


@pytest.mark.parametrize("name", PYTHONS)
async def test_a_python_client_streams_the_job(name, tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command(name), "job", office, tmp_path)
    check_the_job(lines, office, reasoning=name == "openai")
    assert len(told(lines, "usage")) == 1


async def test_the_npm_client_streams_the_job(tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command("npm"), "job", office, tmp_path)
    check_the_job(lines, office)
    assert told(lines, "models")[0]["names"] == ["ferryman", "ferryman-auto"]


async def test_a_chat_page_streams_the_job_and_its_own_questions_start_nothing(tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command("webui"), "job", office, tmp_path, writer=Writer("It is done."))
    check_the_job(lines, office)
    assert [
        each["run"] for key in ("title", "tags", "follow_ups") for each in told(lines, key)
    ] == [False] * 3
    assert len(office.store.rows) == 1


@pytest.mark.parametrize("name", PYTHONS)
async def test_a_python_client_waits_for_the_whole_reply(name, tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command(name), "whole", office, tmp_path)
    check_the_job(lines, office, reasoning=False)


async def test_the_npm_client_waits_for_the_whole_reply(tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command("npm"), "whole", office, tmp_path)
    check_the_job(lines, office, reasoning=False)
    assert told(lines, "header")[0]["run"] == told(lines, "finish")[0]["ferryman"]["run_id"]


def asking():
    return {"planner": list(ASKS), "writer": Writer("Rain, 14 degrees in Lisbon."), "task": WEATHER}


@pytest.mark.parametrize("name", PYTHONS)
async def test_a_python_client_carries_out_its_own_tools(name, tmp_path):
    lines = await doing(command(name), "tools", Office(), tmp_path, **asking())
    assert [(call["name"], call["city"]) for call in told(lines, "call")] == [
        ("get_weather", "Lisbon")
    ]
    assert text(lines) == "Rain, 14 degrees in Lisbon."


async def test_the_npm_client_carries_out_its_own_tools(tmp_path):
    lines = await doing(command("npm"), "tools", Office(), tmp_path, **asking())
    assert [call["city"] for call in told(lines, "call")] == ["Lisbon"]
    assert text(lines) == "Rain, 14 degrees in Lisbon."


async def test_the_openai_client_streams_responses_and_gives_results(tmp_path):
    lines = await doing(command("openai"), "responses", Office(), tmp_path, **asking())
    assert told(lines, "content")[0]["text"] == "Rain, 14 degrees in Lisbon."
    assert told(lines, "retrieved")[0]["text"] == "Rain, 14 degrees in Lisbon."
    kinds = [line["type"] for line in told(lines, "event")]
    assert kinds.count("response.completed") == 2
    assert "response.function_call_arguments.done" in kinds


async def test_the_openai_client_comes_back_to_a_response(tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command("openai"), "background", office, tmp_path)
    assert told(lines, "started")[0]["status"] == "queued"
    numbers = [line["number"] for line in told(lines, "event")]
    assert numbers == list(range(len(numbers)))
    assert told(lines, "content")[0] == {
        "what": "content",
        "text": "It is done.",
        "status": "completed",
    }


async def test_the_npm_client_streams_a_response(tmp_path):
    office = Office(images=screenshots(3))
    lines = await doing(command("npm"), "responses", office, tmp_path)
    assert told(lines, "content")[0]["text"] == "It is done."
    assert told(lines, "event")[-1]["type"] == "response.completed"


ERRORS = [
    {"what": "model", "kind": "NotFoundError", "code": "model_not_found", "param": "model"},
    {"what": "parameter", "kind": "BadRequestError", "code": "invalid_request", "param": "n"},
]


async def test_the_openai_client_raises_the_error_that_was_meant(tmp_path):
    lines = await doing(command("openai"), "errors", Office(), tmp_path)
    assert lines[:2] == ERRORS
    assert lines[2]["param"] == "messages[0].content[0]"


async def test_the_npm_client_raises_the_error_that_was_meant(tmp_path):
    lines = await doing(command("npm"), "errors", Office(), tmp_path)
    assert lines == ERRORS


async def test_the_script_prints_what_a_client_saw(tmp_path):
    command("openai")
    service = service_over(Office(images=screenshots(3)), tmp_path)
    async with served(service) as client:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(SCRIPT), "--only", "openai", "--task", GOAL),
            *("--url", str(client.base_url).rstrip("/")),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert "plan of 4 steps" in out.decode()
    assert "answer: It is done." in out.decode()
