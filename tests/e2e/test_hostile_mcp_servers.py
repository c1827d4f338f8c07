"""Whatever a server does, its call ends in time, with a name for what went wrong."""

import json
import os
import sys
import uuid
from pathlib import Path

import anyio
import pytest

from adapters.tools.combined import CombinedToolset
from adapters.tools.mcp import McpServerConfig, McpToolset
from orchestrator.core.errors import ToolNameClash, ToolUnavailable
from orchestrator.core.tools import ToolCall
from tests.fakes.processes import MARK, living

pytestmark = pytest.mark.anyio

BAD = Path(__file__).parents[1] / "fakes" / "bad_server.py"
PATIENCE_S = 30
"""Never reached: what is tested ends by itself, and this says so if it does not."""


@pytest.fixture
def mark():
    """A word in the environment of every process that a test starts, to find them by."""
    return uuid.uuid4().hex


@pytest.fixture
def diary(tmp_path):
    return tmp_path / "diary"


@pytest.fixture
def bad(mark, diary):
    def toolset(mode, **limits):
        limits = {"timeout_s": PATIENCE_S, "start_timeout_s": PATIENCE_S, **limits}
        config = McpServerConfig(
            command=sys.executable,
            args=["-I", "-S", str(BAD), mode, str(diary)],
            env={MARK: mark},
            **limits,
        )
        return McpToolset("bad", config)

    return toolset


@pytest.fixture(autouse=True)
async def _no_orphans_and_no_hanging(mark):
    with anyio.fail_after(PATIENCE_S):
        yield
    assert living(mark) == []


async def ask(toolset, name="look", key=""):
    return await toolset.call(ToolCall(tool=f"bad.{name}", arguments={}, key=key))


async def asked(toolset, name="look", key=""):
    async with toolset:
        return await ask(toolset, name, key)


async def test_a_server_that_exits_at_start_is_unavailable_with_its_last_words(bad):
    with pytest.raises(ToolUnavailable, match="the licence has expired") as caught:
        await bad("exit").open()
    assert "'bad'" in caught.value.message
    assert Path(sys.executable).name in caught.value.message
    assert "code 1" in caught.value.message


async def test_a_command_that_does_not_exist_is_unavailable(mark):
    config = McpServerConfig(command="/nonexistent/server", args=["--fast"])
    with pytest.raises(ToolUnavailable, match=r"did not start \(server\): .*/nonexistent/server"):
        await McpToolset("gone", config).open()


async def test_a_folder_that_does_not_exist_is_unavailable():
    config = McpServerConfig(command=sys.executable, cwd="/nonexistent/folder")
    with pytest.raises(ToolUnavailable, match="/nonexistent/folder"):
        await McpToolset("gone", config).open()


async def test_a_server_that_hangs_at_start_is_given_up(bad):
    with pytest.raises(ToolUnavailable, match=r"did not answer within 0\.3 s"):
        await bad("hang_start", start_timeout_s=0.3).open()


async def test_a_server_of_another_age_is_named_with_its_version(bad):
    with pytest.raises(ToolUnavailable, match="1999-01-01"):
        await bad("old_version").open()


async def test_a_call_that_hangs_times_out_and_the_next_one_gets_a_new_server(bad, diary):
    async with bad("hang_call", timeout_s=0.5) as toolset:
        first, second = await ask(toolset), await ask(toolset)
    assert (first.code, second.code) == ("tool_timeout", "tool_timeout")
    assert diary.read_text().splitlines().count("start") == 2


async def test_nobody_knows_whether_an_effect_that_ran_out_of_time_took_place(bad):
    outcome = await asked(bad("hang_call", timeout_s=0.5), "act")
    assert outcome.code == "tool_outcome_unknown"
    assert "did not answer within 0.5 s" in outcome.error


async def test_a_crash_in_a_read_is_tried_again_once(bad, diary):
    outcome = await asked(bad("crash_once"))
    assert outcome.data == {"text": "second time lucky"}
    assert diary.read_text().splitlines().count("start") == 2


async def test_a_crash_in_every_read_makes_the_tool_unavailable(bad, diary):
    outcome = await asked(bad("crash"))
    assert outcome.code == "tool_unavailable"
    assert "Segmentation fault, of a kind" in outcome.error
    assert diary.read_text().splitlines().count("call") == 2


async def test_a_crash_in_an_effect_is_unknown_and_never_tried_again(bad, diary):
    outcome = await asked(bad("crash_once"), "act")
    assert outcome.code == "tool_outcome_unknown"
    assert "code 11" in outcome.error
    assert diary.read_text().splitlines().count("call") == 1


async def test_a_server_that_died_between_calls_is_started_again_for_any_call(bad, diary):
    async with bad("crash_once") as toolset:
        assert (await ask(toolset, "act")).code == "tool_outcome_unknown"
        assert (await ask(toolset, "act")).ok
    assert diary.read_text().splitlines().count("call") == 2


async def test_noise_on_stdout_is_passed_over(bad, caplog):
    outcome = await asked(bad("noise"))
    assert outcome.data == {"text": "fine"}
    assert "request received" in caplog.text


@pytest.mark.parametrize(
    ("mode", "data"),
    [
        ("invalid_utf8", {"text": "caf\ufffd", "lossy": True}),
        ("surrogate", {"text": "a\ufffdb", "lossy": True}),
        ("stderr_flood", {"text": "done"}),
        ("structure_as_text", {"number": 7}),
    ],
)
async def test_a_result_with_small_faults_is_taken_in(bad, mode, data):
    outcome = await asked(bad(mode))
    assert outcome.data == data


@pytest.mark.parametrize(
    ("mode", "code", "words"),
    [
        ("long_line", "tool_output_too_large", "longer than may be taken in"),
        ("endless", "tool_output_too_large", "longer than may be taken in"),
        ("is_error", "tool_failed", "no such file"),
        ("rpc_error", "tool_failed", "bad argument"),
        ("breaks_schema", "tool_failed", "at $.number: 'seven' is not of type 'integer'"),
        ("no_structure", "tool_failed", "promises a structured result"),
        ("wrong_content", "tool_failed", "not a tool result"),
        ("garbage", "tool_failed", "cannot be read"),
        ("big_int", "tool_failed", "integer of more than 63 bits"),
        ("deep", "tool_failed", "nested more than 64 levels"),
        ("very_deep", "tool_failed", "nested too deeply"),
        ("asks", "tool_failed", "not a tool result"),
    ],
)
async def test_a_result_that_cannot_be_used_is_a_named_failure(bad, mode, code, words):
    async with bad(mode) as toolset:
        for name in ("look", "act"):
            outcome = await ask(toolset, name)
            assert not outcome.ok
            assert outcome.code == code
            assert words in outcome.error
            assert outcome.data is None


async def test_a_result_over_the_limit_is_too_large_and_the_server_lives_on(bad, diary):
    async with bad("huge", max_output_bytes=200_000) as toolset:
        outcomes = [await ask(toolset), await ask(toolset, "act")]
    assert [outcome.code for outcome in outcomes] == ["tool_output_too_large"] * 2
    assert "300,0" in outcomes[0].error
    assert diary.read_text().splitlines().count("start") == 1


async def test_a_reply_to_somebody_else_is_not_taken_for_an_answer(bad):
    outcome = await asked(bad("wrong_id", timeout_s=0.3))
    assert outcome.code == "tool_timeout"


async def test_a_tool_that_changes_in_mid_run_is_not_called_any_more(bad, diary):
    async with bad("changes") as toolset:
        before = list(toolset.specs)
        assert (await ask(toolset)).ok
        assert (await ask(toolset)).code == "tool_definition_changed"
        assert list(toolset.specs) == before
    assert diary.read_text().splitlines().count("call") == 1


async def test_a_schema_that_reaches_outside_itself_is_left_out(bad):
    async with bad("bad_schema") as toolset:
        assert [spec.id for spec in toolset.specs] == ["bad.act"]
        assert "another document" in toolset.rejected["look"]
        assert (await ask(toolset)).code == "unknown_tool"


async def test_the_idempotency_key_reaches_the_server(bad, diary):
    await asked(bad("fine"), key="run-7/s1/0")
    metas = [line for line in diary.read_text().splitlines() if line.startswith("meta ")]
    assert json.loads(metas[0].removeprefix("meta "))["ferryman/idempotency-key"] == "run-7/s1/0"


async def test_a_child_that_a_server_left_behind_goes_with_it(bad, diary, mark):
    async with bad("grandchild") as toolset:
        assert (await ask(toolset)).ok
        (child,) = [line.split()[1] for line in diary.read_text().splitlines() if "child" in line]
        assert os.getpgid(int(child)) != os.getpgrp()
    assert living(mark) == []


async def test_a_server_that_ignores_every_request_to_go_is_killed(bad, mark):
    toolset = bad("stubborn")
    assert (await asked(toolset)).ok
    assert living(mark) == []


async def test_closing_ends_a_call_under_way(bad, diary):
    outcomes = []

    async def call(toolset):
        outcomes.append(await ask(toolset, "act"))

    async with anyio.create_task_group() as tasks, bad("hang_call") as toolset:
        tasks.start_soon(call, toolset)
        while "call" not in diary.read_text():
            await anyio.lowlevel.checkpoint()
    assert outcomes[0].code == "tool_outcome_unknown"


async def test_a_toolset_may_be_closed_by_another_task_and_twice(bad):
    toolset = bad("fine")
    await toolset.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(toolset.close)
        tasks.start_soon(toolset.close)
    outcome = await ask(toolset)
    assert outcome.code == "tool_unavailable"


async def test_closing_ends_an_opening_under_way(bad, diary):
    toolset = bad("hang_start")

    async def close():
        while not diary.exists():
            await anyio.lowlevel.checkpoint()
        await toolset.close()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(close)
        with pytest.raises(ToolUnavailable, match="closed while starting"):
            await toolset.open()


async def test_cancelling_the_opening_leaves_nothing_behind(bad, diary, mark):
    toolset = bad("hang_start")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(toolset.open)
        while not diary.exists():
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert living(mark) == []


async def test_one_bad_server_does_not_keep_the_others_from_working(bad, mark):
    good = McpToolset("fine", bad("fine")._config)
    other = McpToolset("gone", McpServerConfig(command="/nonexistent/server"))
    async with CombinedToolset([bad("exit"), good, other]) as toolset:
        assert [spec.id for spec in toolset.specs] == ["fine.look", "fine.act"]
        assert list(toolset.unavailable) == ["bad", "gone"]
        assert "licence" in toolset.unavailable["bad"].message
        outcome = await toolset.call(ToolCall(tool="fine.look", arguments={}))
        assert outcome.data == {"text": "fine"}
        outcome = await toolset.call(ToolCall(tool="bad.look", arguments={}))
        assert outcome.code == "tool_unavailable"


async def test_two_servers_of_one_name_are_refused(bad):
    with pytest.raises(ToolNameClash, match="'bad'"):
        CombinedToolset([bad("fine"), bad("fine")])
