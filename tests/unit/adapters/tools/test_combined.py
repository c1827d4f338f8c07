"""Many toolsets are one, and none of them stands in another's way."""

import pytest

from adapters.tools.combined import CombinedToolset
from orchestrator.core.errors import ToolNameClash, ToolUnavailable
from orchestrator.core.tools import ToolCall
from tests.fakes.tools import InMemoryFiles, InMemoryToolset, filesystem, ocr, tool

pytestmark = pytest.mark.anyio


class Opened(InMemoryToolset):
    """A member with a namespace that is known, and tools that are not, before it is opened."""

    def __init__(self, namespace, journal, failure=None, tools=None):
        super().__init__([])
        self.namespace = namespace
        self._journal = journal
        self._failure = failure
        self._offer = tools or [tool(f"{namespace}.ping", "Ping.", lambda: {"pong": namespace})]

    async def __aenter__(self):
        if self._failure:
            raise self._failure
        self._tools = {spec.id: (spec, answer) for spec, answer in self._offer}
        self._journal.append(f"open {self.namespace}")
        return self

    async def __aexit__(self, *exc):
        self._journal.append(f"close {self.namespace}")


async def test_specs_come_in_the_order_of_the_members():
    journal = []
    members = [Opened(name, journal) for name in "cab"]
    async with CombinedToolset(members) as combined:
        assert [spec.id for spec in combined.specs] == ["c.ping", "a.ping", "b.ping"]
        outcome = await combined.call(ToolCall(tool="a.ping", arguments={}))
        assert outcome.data == {"pong": "a"}
    assert sorted(journal) == [f"{act} {name}" for act in ("close", "open") for name in "abc"]


async def test_a_member_that_cannot_be_opened_is_told_by_its_calls():
    down = Opened("down", [], ToolUnavailable("The scanner is unplugged."))
    async with CombinedToolset([down, Opened("up", [])]) as combined:
        assert list(combined.unavailable) == ["down"]
        outcome = await combined.call(ToolCall(tool="down.ping", arguments={}))
        assert (outcome.code, outcome.error) == ("tool_unavailable", "The scanner is unplugged.")


async def test_any_other_surprise_in_opening_closes_what_was_opened():
    journal = []
    members = [Opened("up", journal), Opened("odd", journal, LookupError("bug"))]
    with pytest.raises(ExceptionGroup, match="unhandled"):
        await CombinedToolset(members).open()
    assert "close up" in journal


async def test_a_member_may_hold_several_namespaces():
    files = InMemoryFiles({"/d/a.png": ""})
    member = InMemoryToolset([*filesystem(files), *ocr({"/d/a.png": "Invoice"})])
    combined = CombinedToolset([member, Opened("up", [])])
    outcome = await combined.call(
        ToolCall(tool="ocr.extract_text_from_image", arguments={"path": "/d/a.png"})
    )
    assert outcome.data == {"text": "Invoice"}


async def test_namespaces_that_clash_are_refused_at_once_or_when_they_show():
    with pytest.raises(ToolNameClash, match="'up'"):
        CombinedToolset([Opened("up", []), Opened("up", [])])
    thief = Opened("other", [], tools=[tool("up.pong", "Pong.", dict)])
    with pytest.raises(ToolNameClash, match="'up'"):
        await CombinedToolset([Opened("up", []), thief]).open()
