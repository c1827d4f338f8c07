"""A server whose tools are remembered is started when it is first needed, and not before."""

import json
import sys
import uuid
from pathlib import Path

import anyio
import pytest

from adapters.tools.combined import CombinedToolset
from adapters.tools.mcp import McpServerConfig, McpToolset
from adapters.tools.mcp_lazy import START_AGAIN_AFTER_S, LazyMcpToolset
from adapters.tools.mcp_manifest import ManifestCache
from orchestrator.core.errors import ToolUnavailable
from orchestrator.core.tools import ToolCall
from orchestrator.graph.going_on import definition
from tests.fakes.clock import FakeClock
from tests.fakes.processes import MARK, living

pytestmark = pytest.mark.anyio

BAD = Path(__file__).parents[1] / "fakes" / "bad_server.py"
PATIENCE_S = 30


class Bench:
    """Makes toolsets of one server that behaves as each test wants, over one cache."""

    def __init__(self, folder, mark):
        self.cache = folder / "manifests"
        self.diary = folder / "diary"
        self.mark = mark
        self.clock = FakeClock()

    def config(self, mode="fine"):
        return McpServerConfig(
            command=sys.executable,
            args=["-I", "-S", str(BAD), mode, str(self.diary)],
            env={MARK: self.mark},
            timeout_s=PATIENCE_S,
            start_timeout_s=PATIENCE_S,
        )

    def toolset(self, mode="fine", **options):
        """One block, whatever the mode: as a server that changes behind its command line."""
        manifests = ManifestCache(self.cache)
        options = {"block": "b10c", "clock": self.clock, **options}
        return LazyMcpToolset("bad", self.config(mode), manifests=manifests, **options)

    @property
    def starts(self):
        return self.diary.read_text().splitlines().count("start") if self.diary.exists() else 0

    @property
    def manifest(self):
        (path,) = self.cache.glob("*.json")
        return path

    def remember_another_definition_of_look(self):
        """Leave the manifest as it was before an upgrade that nothing told of."""
        data = json.loads(self.manifest.read_text())
        data["specs"][0]["description"] = "To look away."
        self.manifest.write_text(json.dumps(data))


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path, uuid.uuid4().hex)
    with anyio.fail_after(PATIENCE_S):
        yield bench
    assert living(bench.mark) == []


@pytest.fixture
async def known(bench):
    """A bench whose server has been asked once and has ended."""
    async with bench.toolset():
        pass
    bench.diary.unlink()
    return bench


async def ask(toolset, name="look"):
    return await toolset.call(ToolCall(tool=f"bad.{name}", arguments={}))


async def until(condition):
    while not condition():
        await anyio.lowlevel.checkpoint()


async def test_a_server_nobody_knows_is_started_asked_and_kept(bench):
    async with bench.toolset() as toolset:
        assert bench.starts == 1
        assert (await ask(toolset)).ok
    assert bench.starts == 1


async def test_a_known_server_is_not_started_for_its_tools(known):
    async with known.toolset() as toolset:
        assert [spec.id for spec in toolset.specs] == ["bad.look", "bad.act"]
    assert known.starts == 0


async def test_definitions_are_the_same_from_the_cache_and_from_the_wire(known):
    async with known.toolset() as cached, McpToolset("bad", known.config()) as asked:
        assert cached.specs == asked.specs
        assert [definition(spec) for spec in cached.specs] == [
            definition(spec) for spec in asked.specs
        ]


async def test_what_is_not_offered_is_remembered_with_its_reason(bench):
    async with bench.toolset("bad_schema") as asked:
        pass
    async with bench.toolset("bad_schema") as cached:
        assert "another document" in cached.rejected["look"]
        assert cached.rejected == asked.rejected
        assert (await ask(cached)).code == "unknown_tool"
    assert bench.starts == 1


async def test_the_first_call_starts_the_server_and_the_second_does_not(known):
    async with known.toolset() as toolset:
        assert (await ask(toolset)).data == {"text": "fine"}
        assert (await ask(toolset, "act")).ok
    assert known.starts == 1


async def test_two_calls_at_once_start_one_server(known):
    outcomes = []

    async def call(toolset, name):
        outcomes.append(await ask(toolset, name))

    async with known.toolset() as toolset, anyio.create_task_group() as tasks:
        tasks.start_soon(call, toolset, "look")
        tasks.start_soon(call, toolset, "act")
    assert [outcome.ok for outcome in outcomes] == [True, True]
    assert known.starts == 1


async def test_a_changed_tool_is_not_called_and_the_others_are(known):
    known.remember_another_definition_of_look()
    async with known.toolset() as toolset:
        before = list(toolset.specs)
        assert (await ask(toolset)).code == "tool_definition_changed"
        assert (await ask(toolset, "act")).ok
        assert list(toolset.specs) == before
    assert known.diary.read_text().splitlines().count("call") == 1


async def test_after_a_change_the_next_run_knows_the_new_definition(known):
    known.remember_another_definition_of_look()
    async with known.toolset() as toolset:
        await ask(toolset)
    async with known.toolset() as toolset:
        assert toolset.specs[0].description == "To look."
        assert known.starts == 1
        assert (await ask(toolset)).ok


async def test_a_refresh_asks_the_server_whatever_is_known(known):
    known.remember_another_definition_of_look()
    async with known.toolset(refresh=True) as toolset:
        assert known.starts == 1
        assert toolset.specs[0].description == "To look."
        assert (await ask(toolset)).ok
    assert "To look away." not in known.manifest.read_text()


async def test_a_damaged_manifest_is_written_again(known):
    whole = json.loads(known.manifest.read_text())
    known.manifest.write_bytes(b'{"form": 1, "specs": [')
    async with known.toolset() as toolset:
        assert known.starts == 1
        assert len(toolset.specs) == 2
    assert json.loads(known.manifest.read_text()) == whole


async def test_a_server_that_dies_at_its_first_start_is_unavailable_with_its_last_words(known):
    async with known.toolset("exit") as toolset:
        first, second = await ask(toolset), await ask(toolset, "act")
    assert (first.code, second.code) == ("tool_unavailable", "tool_unavailable")
    assert "the licence has expired" in first.error
    assert first.error == second.error
    assert known.starts == 1


async def test_a_server_that_did_not_start_may_be_tried_again_later(known):
    async with known.toolset("exit") as toolset:
        await ask(toolset)
        known.clock.advance(START_AGAIN_AFTER_S)
        assert (await ask(toolset)).code == "tool_unavailable"
    assert known.starts == 2


async def test_the_run_after_a_failed_start_knows_from_the_beginning(known):
    async with known.toolset("exit") as toolset:
        await ask(toolset)
    with pytest.raises(ToolUnavailable, match="the licence has expired"):
        await known.toolset("exit").open()


async def test_a_server_that_does_not_start_leaves_other_namespaces_alone(known):
    other = LazyMcpToolset("fine", known.config(), manifests=ManifestCache(known.cache))
    async with CombinedToolset([known.toolset("exit"), other]) as toolset:
        assert (await ask(toolset)).code == "tool_unavailable"
        assert (await toolset.call(ToolCall(tool="fine.look", arguments={}))).ok
        assert toolset.unavailable == {}


async def test_a_server_that_nobody_needs_is_closed_without_a_start(known):
    toolset = known.toolset()
    await toolset.close()
    await toolset.open()
    await toolset.close()
    await toolset.close()
    assert known.starts == 0
    assert (await ask(toolset)).code == "tool_unavailable"


async def test_a_cancelled_call_leaves_the_start_to_the_others(known):
    outcomes = []

    async def call(toolset):
        outcomes.append(await ask(toolset))

    async with (
        known.toolset() as toolset,
        anyio.create_task_group() as all_calls,
        anyio.create_task_group() as first,
    ):
        first.start_soon(call, toolset)
        await anyio.lowlevel.checkpoint()
        all_calls.start_soon(call, toolset)
        first.cancel_scope.cancel()
    assert [outcome.ok for outcome in outcomes] == [True]
    assert known.starts == 1


async def test_a_start_that_hangs_ends_with_the_toolset(known):
    outcomes = []

    async def call(toolset):
        outcomes.append(await ask(toolset))

    async with anyio.create_task_group() as tasks:
        async with known.toolset("hang_start") as toolset:
            tasks.start_soon(call, toolset)
            await until(lambda: known.starts)
        assert living(known.mark) == []
    assert outcomes[0].code == "tool_unavailable"
    assert "closed while starting" in outcomes[0].error
    assert known.manifest.exists()


async def test_cancelling_the_first_opening_leaves_nothing_behind(bench):
    toolset = bench.toolset("hang_start")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(toolset.open)
        await until(lambda: bench.starts)
        tasks.cancel_scope.cancel()
    assert living(bench.mark) == []


async def test_closing_before_the_start_began_starts_nothing(known):
    async with known.toolset() as toolset:
        toolset.warm()
    assert known.starts == 0


async def test_a_warmed_server_starts_in_the_background_and_answers_the_first_call(known):
    async with CombinedToolset([known.toolset()]) as toolset:
        toolset.warm(["bad", "unheard-of"])
        await until(lambda: known.starts)
        assert (await ask(toolset)).ok
    assert known.starts == 1


async def test_warming_a_server_that_does_not_start_is_told_by_the_call(known):
    async with known.toolset("exit") as toolset:
        toolset.warm()
        await until(lambda: known.starts)
        assert "the licence has expired" in (await ask(toolset)).error
    assert known.starts == 1


async def test_a_closed_or_disabled_toolset_warms_nothing(known):
    known.toolset().warm()
    config = known.config().model_copy(update={"disabled": True})
    async with LazyMcpToolset("off", config, manifests=ManifestCache(known.cache)) as off:
        off.warm()
        assert list(off.specs) == []
    assert known.starts == 0
