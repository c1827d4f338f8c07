"""Whatever a planner says within its forms, the run ends, within its limits, without repeats."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.chat import Choice
from orchestrator.core.events import (
    CallIntended,
    CallProposed,
    CallSettled,
    ModelCalled,
    ToolsDisclosed,
)
from orchestrator.core.fingerprints import call_fingerprint, result_digest
from orchestrator.core.runs import Budget
from tests.fakes.office import Office, entries_of, events, screenshots, step
from tests.fakes.tools import tool

pytestmark = pytest.mark.anyio

LIMITS = Budget(turns=8, replans=2, tool_calls=12, model_calls=40)
SEEDS = st.integers(0, 10**6)
ENDS = {"completed", "incomplete", "stopped", "failed", "needs_input", "waiting_approval"}


class Adversary:
    """Answers every request with anything its form admits; most of its plans can be carried out."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def __call__(self, request):
        if isinstance(request.constraint, Choice):
            return self._random.choice(request.constraint.options)
        schema = request.constraint.json_schema
        steps = next((form for form in _forms(schema) if "steps" in form["properties"]), None)
        if steps and self._random.random() < 0.8:
            return self._sound(steps["properties"]["steps"]["items"]["properties"])
        return self._value(schema)

    def _sound(self, fields):
        steps = []
        for step_id in fields["id"]["enum"][: self._random.randint(1, 3)]:
            over = self._random.choice(["", *(made["id"] for made in steps)])
            where = self._random.choice(["", "name contains shot"]) if over else ""
            intent = f"do {step_id} {self._random.random()}"
            namespace = self._random.choice(fields["namespace"]["enum"])
            steps.append(step(step_id, intent, namespace, over, where))
        return {"steps": steps}

    def _value(self, schema):
        if "anyOf" in schema:
            return self._value(self._random.choice(schema["anyOf"]))
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        return getattr(self, f"_{schema['type']}")(schema)

    def _object(self, schema):
        return {name: self._value(part) for name, part in schema["properties"].items()}

    def _array(self, schema):
        least = schema.get("minItems", 0)
        count = self._random.randint(least, max(least, 3))
        return [self._value(schema["items"]) for _ in range(count)]

    def _string(self, _schema):
        return self._random.choice(["name contains shot", "read the text", "*.png"])

    def _number(self, _schema):
        return 1

    _integer = _number


def _forms(schema):
    return [form for form in schema.get("anyOf", [schema]) if "properties" in form]


def office():
    """Two pictures, and a board with one read and one write that always answer alike."""
    reads = tool("board.count", "Count the notes.", lambda about: {"count": 3}, about="string")
    writes = tool("board.add", "Add a note.", lambda text: {"ok": True}, text="string")
    spec = writes[0].model_copy(update={"effect": "local_write"})
    return Office(images=screenshots(2), more=[reads, (spec, writes[1])])


async def adversarial(seed, approve):
    made = office()
    orchestrator = made.orchestrator(itertools.repeat(Adversary(seed)))
    request = made.request(budget=LIMITS, approve=approve)
    return await entries_of(orchestrator.stream(request))


def repeats(entries):
    """Reads that were executed again, to the same result, with nothing written in between."""
    proposed = {e.proposal.id: e.proposal for e in events(entries, CallProposed)}
    intended = {event.id for event in events(entries, CallIntended)}
    seen, found = set(), []
    for event in events(entries, CallSettled):
        if event.id not in intended or not event.outcome.ok:
            continue
        same = (event.fingerprint, result_digest(event.outcome.data))
        if same in seen:
            found.append(event)
        if proposed[event.id.rpartition(".")[0]].effect != "read":
            seen.clear()
        seen.add(same)
    return found


@settings(max_examples=20)
@given(seed=SEEDS, approve=st.sampled_from(["yes", "no", "ask"]))
async def test_any_planner_is_held_to_its_limits(seed, approve):
    entries = await adversarial(seed, approve)
    assert entries[-1].event.type == "run_ended"
    assert entries[-1].event.status in ENDS
    assert repeats(entries) == []
    assert len(events(entries, CallIntended)) <= LIMITS.tool_calls
    assert len(events(entries, ToolsDisclosed)) <= LIMITS.turns
    assert len(events(entries, ModelCalled)) <= LIMITS.model_calls + 4


@settings(max_examples=8)
@given(seed=SEEDS)
async def test_nothing_is_written_where_a_person_says_no(seed):
    entries = await adversarial(seed, "no")
    proposed = {e.proposal.id: e.proposal for e in events(entries, CallProposed)}
    made = [proposed[e.id.rpartition(".")[0]].effect for e in events(entries, CallIntended)]
    assert set(made) <= {"read"}


def test_the_repeat_counter_sees_a_repeat():
    def settled(call_id):
        return CallSettled.model_validate(
            {
                "id": call_id,
                "step": "s1",
                "parent": -1,
                "tool": "a.b",
                "fingerprint": call_fingerprint("a.b", {}),
                "outcome": {"ok": True, "data": 1},
            }
        )

    class Row:
        def __init__(self, event):
            self.event = event

    rows = []
    for name in ("p1", "p2"):
        proposal = {
            "id": name,
            "step": "s1",
            "tool": "a.b",
            "expressions": {},
            "calls": [],
            "parents": [],
            "effect": "read",
        }
        call = {"tool": "a.b", "arguments": {}}
        rows += [
            Row(CallProposed.model_validate({"proposal": proposal})),
            Row(
                CallIntended.model_validate(
                    {"id": f"{name}.0", "step": "s1", "parent": -1, "call": call}
                )
            ),
            Row(settled(f"{name}.0")),
        ]
    assert len(repeats(rows)) == 1
