"""Plans: the schema they are answered in, reading them, and what makes one impossible."""

import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import ValidationError

from orchestrator.core.errors import InvalidPlan
from orchestrator.core.plans import MAX_STEPS, Plan, PlanStep
from orchestrator.core.runs import StepState
from orchestrator.policy.conditions import names_a_step, parse_facts, parse_own
from orchestrator.policy.selection import parse_where, split_take
from orchestrator.policy.verbs import MAKES, makes_a_name, reads

IDS = tuple(f"s{number}" for number in range(1, MAX_STEPS + 1))
CONDITIONS = ("only_if", "wait_until")
"""The fields of a step that make it conditional."""
NOTHING_READ = (
    "needs a step before it that reads the text. If nothing has to be read to know it, reply with"
    ' {"answer": "..."}.'
)
_AFTER = re.compile(r"\bafter ((?:the|its?|their) .+)$", re.IGNORECASE)
"""What a thing is named after."""
_ALWAYS = re.compile(r"true|yes|always|none|n/a", re.IGNORECASE)
"""No condition at all, written where one belongs."""
_NO_CONDITION = re.compile(
    r"[\w .-]+(?:/[\w .-]+)+|text|path|names?|titles?|files?|folders?|tasks?|events?|mails?"
    r"|messages?|notes?|contacts?|drafts?|inbox|items?|all|each|every|any|none"
)
"""A folder, a field or a kind of things alone: written where a condition belongs, it says of no
item that it is meant or not."""


def plan_schema(
    namespaces: Sequence[str],
    *,
    kept: Sequence[str] = (),
    steps_only: bool = False,
    needs: bool = False,
    conditions: Sequence[str] = CONDITIONS,
) -> dict[str, Any]:
    """The JSON schema of a plan: steps in those namespaces, or an answer, or a question.

    The ids of `kept` steps may be referred to but not used again. With `needs` each step has to
    say which earlier ones it cannot be decided without. `conditions` are those that may be written.
    """
    ids = list(IDS)
    said = {"type": "array", "items": {"enum": ids}, "maxItems": MAX_STEPS}
    step = {
        "type": "object",
        "properties": {
            "id": {"enum": [name for name in ids if name not in kept]},
            "intent": {"type": "string", "minLength": 3, "maxLength": 160},
            "namespace": {"enum": list(namespaces)},
            **({"needs": said} if needs else {}),
            "over": {"enum": ["", *ids]},
            "where": {"type": "string", "maxLength": 80},
            **{name: {"type": "string", "maxLength": 60} for name in conditions},
        },
        "required": ["id", "intent", "namespace", *["needs"][:needs], "over", "where"],
        "additionalProperties": False,
    }
    steps = {"type": "array", "items": step, "minItems": 1, "maxItems": MAX_STEPS}
    forms = [_only("steps", steps)]
    if not steps_only:
        text = {"type": "string", "minLength": 1, "maxLength": 400}
        forms += [_only("answer", text), _only("question", text)]
    return {"anyOf": forms} if len(forms) > 1 else forms[0]


def _only(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: schema},
        "required": [name],
        "additionalProperties": False,
    }


def read_plan(text: str, kept: Sequence[PlanStep] = (), *, mend: bool = False) -> Plan:
    """Read a model's reply as a plan whose head are the steps already done.

    With `mend` what plainly says nothing is left out of its steps.

    Raises:
        InvalidPlan: It is not JSON, not a plan, or a condition cannot be read.
    """
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise InvalidPlan("The plan is not a JSON object.")
        said = [_plainly_meant(step) if mend else step for step in data.pop("steps", ())]
        steps = _distinct([_step(step) for step in _handed_down(said)])
        steps = with_values(steps, taken={step.id for step in kept})
        return Plan(steps=(*kept, *steps) if steps else (), **data)
    except (json.JSONDecodeError, ValidationError, TypeError) as error:
        raise InvalidPlan(f"The reply is not a plan: {_first_line(error)}") from error


def _plainly_meant(step: Any) -> Any:
    """The step without what says nothing: going over itself, a folder in place of a condition."""
    if not isinstance(step, dict):
        return step
    itself = step.get("over") and step.get("over") == step.get("id")
    where = str(step.get("where", "")).strip()
    nowhere = itself or _NO_CONDITION.fullmatch(where) or _said_already(where, step)
    return _with_detail(
        {
            **step,
            "over": "" if itself else step.get("over", ""),
            "where": "" if nowhere else step.get("where", ""),
            **{c: "" for c in CONDITIONS if _ALWAYS.fullmatch(str(step.get(c, "")).strip())},
        }
    )


def _with_detail(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step that makes something, with what stands in place of its condition: `subject: Trees`."""
    field, colon, value = str(step.get("where", "")).partition(":")
    intent = str(step.get("intent", ""))
    if not (colon and field.strip().isidentifier() and value.strip() and MAKES.match(intent)):
        return dict(step)
    return {
        **step,
        "where": "",
        "intent": f"{intent}, {field.strip()} \u201c{value.strip()}\u201d"[:160],
    }


def _said_already(where: str, step: Mapping[str, Any]) -> bool:
    """Whether a condition is none but says again what the step makes: `subject: Our season`."""
    field, colon, value = where.partition(":")
    said = str(step.get("intent", "")).lower()
    return bool(colon) and field.isidentifier() and value.strip(" \"'").lower() in said


def _handed_down(steps: Sequence[Any]) -> list[Any]:
    """A condition on items, moved from the step that finds them to those that go over them.

    "Find the files" has nothing to choose among yet; the step that moves them has.
    """
    said = [dict(step) if isinstance(step, Mapping) else step for step in steps]
    for at, step in enumerate(said):
        where = isinstance(step, dict) and not step.get("over") and step.get("where")
        if not isinstance(where, str) or not _is_condition(where) or names_a_step(where):
            continue
        for later in said[at + 1 :]:
            if isinstance(later, dict) and later.get("over") == step.get("id"):
                later["where"] = later.get("where") or where
    return said


def with_values(steps: Sequence[PlanStep], taken: AbstractSet[str]) -> tuple[PlanStep, ...]:
    """The steps, and before each that uses a name which none makes, the one that makes it.

    What is missing is always the same step, and a small model that is asked for it writes the
    objection into its plan.
    """
    found: list[PlanStep] = []
    for step in steps:
        used = taken | {other.id for other in (*steps, *found)}
        free = next((name for name in IDS if name not in used), None)
        if free and _lacks_a_value(step, {other.id: other for other in found}):
            kind = "title" if "title" in step.intent.lower() else "file name"
            after = _AFTER.search(step.intent)
            what = f" with {after[1]}" if after else ""
            aim = "" if after else f", to {step.intent}"
            words = f"write a short {kind}{what} from what {step.over} read{aim}"[:160]
            chosen = {"over": step.over, "where": step.where, "take": step.take}
            found.append(PlanStep(id=free, intent=words, namespace="text", **chosen))
            found.append(step.model_copy(update={"over": free, "where": (), "take": None}))
        else:
            found.append(step)
    return tuple(found)


def _is_condition(text: str) -> bool:
    try:
        return bool(parse_where(split_take(text)[0]))
    except InvalidPlan:
        return False


def _distinct(steps: Sequence[PlanStep]) -> tuple[PlanStep, ...]:
    """Leave out a step that says again what the one before it says: a small model's stutter."""
    same = [
        bool(at) and step.model_copy(update={"id": steps[at - 1].id}) == steps[at - 1]
        for at, step in enumerate(steps)
    ]
    return tuple(step for step, again in zip(steps, same, strict=True) if not again)


def _step(data: Mapping[str, Any]) -> PlanStep:
    if not isinstance(data, Mapping):
        raise InvalidPlan("A step is not a JSON object.")
    said = {key: str(data.get(key, "")) for key in ("id", "over", "where", *CONDITIONS)}
    if names_a_step(said["where"]) and not said["only_if"]:
        # Small models put a condition on an earlier step where the one on items belongs.
        said |= {"where": "", "only_if": said["where"]}
    if not said["over"]:
        # Nor has a step that goes over nothing any items to choose among.
        said["where"] = ""
    where, take = split_take(said["where"])
    taken = {} if take is None else {"take": take}
    tests = {
        "only_if": parse_facts(said["only_if"], default=said["over"]),
        "wait_until": parse_own(said["wait_until"], said["id"]),
    }
    return PlanStep(**{**data, "where": parse_where(where), **taken, **tests})


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]


def plan_problems(plan: Plan, namespaces: Sequence[str]) -> list[str]:
    """What makes a plan impossible, in words that its author can mend it by."""
    problems: list[str] = []
    seen: dict[str, PlanStep] = {}
    for step in plan.steps:
        problems += _step_problems(step, seen, namespaces)
        seen[step.id] = step
    if len(plan.steps) > MAX_STEPS:
        problems.append(f"The plan has {len(plan.steps)} steps; the limit is {MAX_STEPS}.")
    return problems


def _step_problems(
    step: PlanStep, seen: Mapping[str, PlanStep], namespaces: Sequence[str]
) -> list[str]:
    problems = []
    if step.id in seen:
        problems.append(f"{step.id} is there twice.")
    if step.namespace not in namespaces:
        problems.append(
            f"{step.id}: {step.namespace!r} is no namespace. Use one of: {', '.join(namespaces)}."
        )
    if step.over and step.over not in seen:
        problems.append(f"{step.id} goes over {_unknown(step.over, step, seen)}")
    problems += [
        f"{step.id} has an 'only_if' on {_unknown(fact.step, step, seen)}"
        for fact in step.only_if
        if fact.step not in seen
    ]
    problems += [
        f"{step.id} needs {_unknown(source, step, seen)}"
        for source in step.needs or ()
        if source not in seen
    ]
    if step.where and not step.over:
        problems.append(f"{step.id} has a 'where' but goes over nothing.")
    if step.namespace == "text" and not seen:
        problems.append(f"{step.id} {NOTHING_READ}")
    if "text" in namespaces and _lacks_a_value(step, seen):
        problems.append(
            f"{step.id} needs a name made from what {step.over} reads:"
            " put a step of the namespace text between them."
        )
    return problems + _repeated(step, seen)


def _unknown(source: str, step: PlanStep, seen: Mapping[str, PlanStep]) -> str:
    """A step that cannot be a source, and which ones can."""
    earlier = f"The earlier steps are: {', '.join(seen)}." if seen else "It is the first step."
    if source == step.id:
        return f"itself, which is no earlier step. {earlier}"
    return f"{source!r}, which is no earlier step. {earlier}"


def _lacks_a_value(step: PlanStep, seen: Mapping[str, PlanStep]) -> bool:
    """Whether a step uses a name that no step makes from the text it comes from."""
    source = seen.get(step.over)
    if source is None or "text" in {step.namespace, source.namespace}:
        return False
    return bool(makes_a_name(step.intent) and reads(source.intent))


def _repeated(step: PlanStep, seen: Mapping[str, PlanStep]) -> list[str]:
    same = next(
        (
            other
            for other in seen.values()
            if (other.intent, other.namespace, other.over)
            == (step.intent, step.namespace, step.over)
        ),
        None,
    )
    return [f"{step.id} is the same step as {same.id}."] if same else []


def done_steps(steps: Sequence[StepState]) -> tuple[PlanStep, ...]:
    """The steps of a plan that are done and that a new plan keeps."""
    return tuple(state.step for state in steps if state.status == "done")
