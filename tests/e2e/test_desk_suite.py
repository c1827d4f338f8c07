"""Every case of the suite can be solved, and is not solved by doing nothing, on real servers."""

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.tools.combined import CombinedToolset
from desk.suite.cases import DeskCase
from desk.suite.checks import Seen, failures
from desk.suite.loading import load_cases
from desk.suite.replay import replay
from desk.suite.world import furnish_case, snapshot
from orchestrator.bootstrap import mcp_toolsets
from orchestrator.core.tools import ToolCall
from orchestrator.settings import Settings, read_config

pytestmark = [pytest.mark.anyio, pytest.mark.desk]

OFFICE_CONFIG = Path(__file__).parents[2] / "desk" / "office.yaml"
FILE = "Desktop/notes.txt"


class Office:
    """The servers of the sample office, running on one folder for many cases."""

    def __init__(self, root, state, toolset):
        self.root, self.state, self._toolset = root, state, toolset

    def furnish(self, case):
        furnish_case(self.root, case, state=self.state)
        return snapshot(self.root)

    async def call(self, tool, arguments):
        outcome = await self._toolset.call(ToolCall(tool=tool, arguments=arguments))
        return outcome.ok, outcome.data if outcome.ok else outcome.error

    def failures(self, case, before, seen):
        return failures(case, self.root, before, seen, state=self.state)


@asynccontextmanager
async def opened(tmp_path, *namespaces):
    root, state = tmp_path / "office", tmp_path / "state"
    state.mkdir()
    furnish_case(root, DeskCase(id="none", goal="Nothing."))
    variables = {"OFFICE": str(root), "STATE": str(state), "PYTHON": sys.executable}
    config = read_config(OFFICE_CONFIG, variables)
    blocks = {n: b for n, b in config.mcpServers.items() if not namespaces or n in namespaces}
    settings = Settings(
        config=config.model_copy(update={"mcpServers": blocks}),
        state_dir=tmp_path / "own",
        cache_dir=tmp_path / "cache",
        adr_dir=tmp_path,
        prompts_dir=tmp_path,
    )
    async with CombinedToolset(mcp_toolsets(settings)) as toolset:
        yield Office(root, state, toolset)


async def test_the_right_solution_of_every_case_passes_its_checks(tmp_path):
    failed = {}
    async with opened(tmp_path) as office:
        for case in load_cases():
            before = office.furnish(case)
            seen = await replay(case, office.root, office.call)
            wrong = [f"{call.tool} failed" for call in seen.calls if not call.ok]
            if wrong or (wrong := office.failures(case, before, seen)):
                failed[case.id] = wrong
    assert failed == {}


def test_neither_doing_nothing_nor_a_wrong_change_passes_a_case(tmp_path):
    root = tmp_path / "office"
    passed = []
    for case in load_cases():
        furnish_case(root, case, state=tmp_path / "state")
        before = snapshot(root)
        silent = failures(case, root, before, Seen("completed"), state=tmp_path / "state")
        (root / "Projects" / "unasked for.txt").write_text("Nobody wanted this.\n")
        meddled = failures(case, root, before, Seen("completed", "Done?"), state=tmp_path / "state")
        if not meddled or not (silent or case.outcome == "nothing"):
            passed.append(case.id)
    assert passed == []


async def test_running_servers_know_nothing_of_the_case_before(tmp_path):
    first = DeskCase(id="first", goal="The first.")
    second = DeskCase.model_validate(
        {
            "id": "second",
            "goal": "The second.",
            "office": {"records": {"tasks": [{"title": "Call Leila"}]}, "only_records": True},
        }
    )
    async with opened(tmp_path, "filesystem", "clipboard", "task", "git") as office:
        office.furnish(first)
        for tool, arguments in (
            ("filesystem.trash", {"path": FILE}),
            ("filesystem.copy_file", {"source": "Desktop/todo.md", "destination": "Inbox"}),
            ("clipboard.set_clipboard", {"text": "of the first case"}),
            ("task.create_task", {"title": "of the first case"}),
            ("git.git_add", {"repo_path": f"{office.root}/Projects/website", "files": ["."]}),
        ):
            assert (await office.call(tool, arguments))[0], tool
        before = office.furnish(second)

        assert (await office.call("filesystem.list_trash", {}))[1]["count"] == 0
        assert (await office.call("clipboard.get_clipboard", {}))[1]["text"] == ""
        titles = [t["title"] for t in (await office.call("task.list_tasks", {}))[1]["tasks"]]
        assert titles == ["Call Leila"]
        assert (await office.call("filesystem.read_text_file", {"path": FILE}))[0]
        again = {"source": "Desktop/todo.md", "destination": "Inbox"}
        assert (await office.call("filesystem.copy_file", again))[0]
        assert (await office.call("filesystem.trash", {"path": "Inbox/todo.md"}))[0]
        assert snapshot(office.root) == before
