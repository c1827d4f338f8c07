"""A plan that makes something "for each item" of a text goes over the items that stand in it."""

import pytest

from orchestrator.core.events import PlanMade
from tests.fakes.office import PROFILE, Office, Writer, act, entries_of, events, plan, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

READ, ADD = "paper.read_letter", "task.create_task"
MENDING = PROFILE.model_copy(update={"mends_plans": True})


class Lister(Writer):
    """Lists two items of any text; answers as the writer does."""

    def __call__(self, request):
        wanted = request.constraint.json_schema["properties"] if request.constraint else {}
        if wanted.get("value", {}).get("type") == "array":
            return {"value": ["gas cartridge", "torch"]}
        return super().__call__(request)


async def test_a_task_for_each_item_is_one_for_each_line():
    def create(title):
        return {"title": title}

    papers = [
        tool(READ, "Read a letter.", lambda: {"text": "Missing:\n- gas cartridge\n- torch"}),
        tool(ADD, "Create a task.", create, effect="local_write", title="string"),
    ]
    office = Office(more=papers, profile=MENDING)
    asked = plan(
        step("s1", "read the letter", "paper"),
        step("s2", "create a task for each item", "task", over="s1"),
    )
    lists = act("text.list_items", text="$s1.text", instruction="what is missing")
    script = [asked, *act(READ)[:1], *lists, *act(ADD, title="$s3.value")]
    request = office.request("Read the letter and create a task for each item in it.")
    entries = await entries_of(office.orchestrator(script, Lister()).stream(request))
    made = events(entries, PlanMade)[0].plan
    assert [(s.id, s.namespace, s.over) for s in made.steps][1] == ("s3", "text", "")
    assert [call["title"] for call in office.desk.called(ADD)] == ["gas cartridge", "torch"]
    assert entries[-1].event.status == "completed"
