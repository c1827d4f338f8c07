"""A run asks for a yes: what would be done is told line by line, and where every value is from."""

import pytest

from orchestrator.policy.preview import preview
from orchestrator.policy.provenance import origins, summary
from tests.fakes.office import Office, entries_of, screenshot_script, screenshots

pytestmark = pytest.mark.anyio


async def waiting():
    office = Office(images=screenshots(3))
    orchestrator = office.orchestrator(screenshot_script())
    entries = await entries_of(orchestrator.stream(office.request(approve="ask")))
    assert entries[-1].event.status == "waiting_approval"
    return (await orchestrator.result(entries[0].run_id)).state


async def test_one_yes_is_for_a_whole_fan_out_and_every_call_has_its_line():
    state = await waiting()
    shown = preview(state, state.proposal)
    assert shown.title.startswith("filesystem.rename_file: 3 calls")
    assert [line.rpartition(" -> ")[0] for line in shown.lines] == [
        "rename screenshot 1.png",
        "rename screenshot 2.png",
        "rename screenshot 3.png",
    ]
    assert all(line.endswith(" in Desktop") for line in shown.lines)


async def test_each_value_is_traced_to_the_calls_of_its_own_item():
    state = await waiting()
    assert summary(state, state.proposal) == {
        "path": "returned by filesystem.list_dir ($s1.path)",
        "new_name": "made by text.write from what ocr.extract_text_from_image read ($s3.value)",
    }
    made = [call["new_name"].calls for call in origins(state, state.proposal)]
    assert len(set(made)) == 3
    settled = {call.id: call for call in state.settled}
    assert [settled[call_id].parent for (call_id,) in made] == [0, 1, 2]
