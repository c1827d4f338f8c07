"""A step that none of the tools is for fails at once, instead of the nearest tool being called."""

from dataclasses import replace

import pytest

from orchestrator.core.events import AnswerGiven, StepClosed, ToolsDisclosed
from orchestrator.policy.catalogue import build_catalogue
from orchestrator.runtime import Orchestrator
from tests.fakes.office import Office, Writer, entries_of, events, plan, screenshots, step

pytestmark = pytest.mark.anyio


class Closeness:
    """A sentence embedding to which every tool is as close to every query."""

    name = "minilm"

    def __init__(self, cosine):
        self._cosine = cosine

    def index(self, documents):
        self._count = len(documents)
        return self

    def scores(self, query):
        return [self._cosine] * self._count


async def run_at(cosine, floor):
    office = Office(images=screenshots(1))
    office.profile = office.profile.model_copy(update={"abstain_similarity": floor})
    jazz = plan(step("s1", "play some jazz over the loudspeakers", "ocr"))
    made = office.orchestrator([jazz], Writer("I played some jazz over the loudspeakers."))
    catalogue = build_catalogue(made.parts.toolset.specs, [Closeness(cosine)])
    made = Orchestrator(replace(made.parts, catalogue=catalogue))
    return office, await entries_of(made.stream(office.request("Play some jazz.")))


async def test_nothing_is_called_and_the_answer_says_that_it_was_not_done():
    office, entries = await run_at(0.1, 0.15)
    assert events(entries, ToolsDisclosed) == []
    [closed] = events(entries, StepClosed)
    assert (closed.status, closed.note) == ("failed", "None of the tools does anything like this.")
    assert entries[-1].event.status == "incomplete"
    [answer] = events(entries, AnswerGiven)
    assert "I played" not in answer.text
    assert "play some jazz over the loudspeakers: failed" in answer.text
    assert office.desk.calls == []


@pytest.mark.parametrize(("cosine", "floor"), [(0.2, 0.15), (0.1, 0.0)])
async def test_a_step_that_is_close_enough_is_decided(cosine, floor):
    _, entries = await run_at(cosine, floor)
    assert events(entries, ToolsDisclosed)
