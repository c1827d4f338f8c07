"""Plays a script through the real graph: a scripted planner, and tools that answer from it.

The planner takes up the script's next turn at each decision, and where the script is a loop it
begins again at its end. It is stubborn: where its tool is not offered, it takes what is.
"""

import itertools
import re
from collections import Counter

import anyio.lowlevel

from adapters.tools.outcomes import failed, succeeded
from orchestrator.core.chat import Choice
from orchestrator.core.errors import ToolFailed
from orchestrator.core.events import (
    CallIntended,
    CallProposed,
    CallSettled,
    ToolsDisclosed,
    VerdictGiven,
)
from orchestrator.core.fingerprints import call_fingerprint, result_digest
from orchestrator.core.runs import Budget
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.permissions import Rule
from orchestrator.prompting.transcript import SEARCH
from tests.fakes.office import Office, entries_of, events, plan, step
from tests.fakes.scripts import Turn

MOST_STEPS = 12
BATCH = "items.list"
LIMITS = Budget(turns=40, replans=3, tool_calls=300, model_calls=160)
ALLOWED = tuple(
    Rule(tool="*", effect=effect, decision="allow")
    for effect in ("read", "local_write", "destructive", "egress")
)


class ScriptedRun:
    """What came of a script: its entries, and the calls of its own tools that were made."""

    def __init__(self, entries, made):
        self.entries = entries
        self.made = [call for call in made if call.tool != BATCH]
        self.end = entries[-1].event
        self.verdicts = [event.verdict for event in events(entries, VerdictGiven)]
        self.repeats = repeats(entries)

    @property
    def objections(self):
        return [v for v in self.verdicts if v.kind not in {"allow", "ask"}]

    @property
    def turns(self):
        return len(events(self.entries, ToolsDisclosed))


async def run_script(script, *, limits=LIMITS):
    """Carry a script out for as long as the run lasts."""
    model = ScriptedModel(script)
    tools = ScriptedTools(script, model)
    office = Office()
    made = office.orchestrator(itertools.repeat(model), toolset=tools, rules=ALLOWED)
    request = office.request(goal="Do what is to be done.", budget=limits)
    return ScriptedRun(await entries_of(made.stream(request)), tools.calls)


def plannable(script):
    """Whether the script's turns fit into one plan, so that a run of it can come to its end."""
    return len(list(itertools.chain(*_steps(_with_listings(script.turns))))) <= MOST_STEPS


def repeats(entries):
    """The ids of calls made twice in a row, to the same result, with nothing written since.

    What a step waits for is looked at again by the run itself, and is no repeat.
    """
    effects = {e.proposal.id: e.proposal.effect for e in events(entries, CallProposed)}
    intended = {event.id for event in events(entries, CallIntended)}
    latest, world, found = {}, 0, []
    for event in events(entries, CallSettled):
        if event.id not in intended or event.poll or not event.outcome.ok:
            continue
        result = result_digest(event.outcome.data)
        if latest.get(event.fingerprint) == (result, world):
            found.append(event.id)
        world += effects[event.id.rpartition(".")[0]] != "read"
        latest[event.fingerprint] = (result, world)
    return found


class ScriptedModel:
    """A planner that follows a script whatever it is told."""

    def __init__(self, script):
        self._script = script
        self._turns = _with_listings(script.turns)
        self._at = 0
        self._over = {}
        self._chosen = ""
        self._step = ""
        self.turn = Turn()

    def __call__(self, request):
        asked = request.messages[-1].content
        if isinstance(request.constraint, Choice):
            self._step = re.findall(r"^Step (s\d+)", asked, re.MULTILINE)[-1]
            return self._choose(request.constraint.options)
        if asked.startswith("Which tool do you need"):
            return {"query": f"{self.turn.search}, please"}
        schema = request.constraint.json_schema
        if '"steps"' in str(schema).replace("'", '"'):
            return self._plan(_step_ids(schema))
        return self._arguments()

    def _choose(self, options):
        self.turn = self._turns[self._at % len(self._turns)]
        self._at += 1
        if self.turn.say:
            return self.turn.say
        wish = SEARCH if self.turn.search else self.turn.tool
        self._chosen = wish if wish in options else options[0]
        return self._chosen

    def _arguments(self):
        turn = self.turn if self.turn.tool == self._chosen else self._latest(self._chosen)
        if turn.fan_out and self._step in self._over:
            return {key: f"${self._over[self._step]}.{key}" for key in turn.calls[0]}
        return turn.calls[0] if turn.calls else {}

    def _latest(self, tool_id):
        return next((turn for turn in self._turns if turn.tool == tool_id), Turn())

    def _plan(self, ids):
        if self._script.namespace:
            return plan(step(ids[0], "do what is to be done", self._script.namespace))
        ahead = itertools.islice(itertools.cycle(self._turns), self._at, None)
        if self._script.bound is None:
            ahead = self._turns[self._at :]
        ahead = list(itertools.islice(ahead, 200))
        steps = []
        for turns in list(_steps(ahead)) or [ahead[:1]]:
            if len(steps) + len(turns) > min(MOST_STEPS, len(ids)):
                break
            steps += self._planned(turns, ids[len(steps) :])
        return plan(*steps)

    def _planned(self, turns, ids):
        made = [
            step(step_id, f"do {turn.tool} for {step_id}", turn.tool.partition(".")[0])
            for step_id, turn in zip(ids, turns, strict=False)
        ]
        if len(made) > 1:
            made[1]["over"] = self._over[made[1]["id"]] = made[0]["id"]
        if turns[-1].until:
            made[-1]["wait_until"] = turns[-1].until
        return made


def _step_ids(schema):
    forms = [form for form in schema.get("anyOf", [schema]) if "steps" in form["properties"]]
    return forms[0]["properties"]["steps"]["items"]["properties"]["id"]["enum"]


def _steps(turns):
    """Part turns into the steps of a plan: one that fails is part of the step that mends it."""
    listing = []
    for turn in turns:
        if turn.tool == BATCH:
            listing = [turn]
        elif turn.tool and not turn.error:
            yield [*(listing if turn.fan_out else []), turn]
            listing = []


def _with_listings(turns):
    """Put before each fan-out the listing of the items that it goes over."""
    found, listed = [], None
    for turn in turns:
        if turn.fan_out and turn.calls != listed:
            rows = {"rows": [dict(call) for call in turn.calls]}
            batch = ({"number": len(found)},)
            found.append(Turn(tool=BATCH, calls=batch, gives=(rows,)))
            listed = turn.calls
        found.append(turn)
        listed = listed if turn.error else None
    return found


class ScriptedTools:
    """A toolset that answers what the turn at hand says, or the first turn with that call."""

    def __init__(self, script, model):
        self._model = model
        self._turns = _with_listings(script.turns)
        named = {turn.tool: turn for turn in self._turns if turn.tool}
        self.specs = tuple(_spec(name, turn, self._turns) for name, turn in named.items())
        if script.namespace not in {"", *(spec.namespace for spec in self.specs)}:
            about = ToolSpec(id=f"{script.namespace}.about", description="Say what this is about.")
            self.specs += (about.model_copy(update={"effect": "read"}),)
        self.calls = []
        self._asked = Counter()

    async def call(self, call):
        await anyio.lowlevel.checkpoint()
        self.calls.append(call)
        wanted = call_fingerprint(call.tool, call.arguments)
        for turn in [self._model.turn, *self._turns]:
            for place, arguments in enumerate(turn.calls):
                if call_fingerprint(turn.tool, arguments) == wanted:
                    self._asked[id(turn)] += 1
                    return _outcome(turn, place, self._asked[id(turn)])
        self.calls.pop()
        return succeeded({"about": call.tool})


def _outcome(turn, place, times):
    if turn.error:
        return failed(ToolFailed(turn.error))
    later = turn.later and times > 1
    return succeeded(turn.later[times - 2] if later else turn.gives[place])


def _spec(name, turn, turns):
    calls = [call for each in turns if each.tool == name for call in each.calls]
    properties = {
        key: {"type": "number" if isinstance(value, int | float) else "string"}
        for call in calls
        for key, value in call.items()
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolSpec(id=name, description=f"To {name}.", input_schema=schema, effect=turn.effect)
