"""A planner that knows the gold calls: it shows what the layers around it can carry out.

It answers as a perfect model would: one step a gold call, the gold tool where it may be chosen,
the gold arguments as literals. What it could not say in the form it was asked for is counted.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from orchestrator.core.chat import ChatReply, ChatRequest, Choice, JsonSchema, StreamItem
from orchestrator.evals.cases import Gold
from orchestrator.prompting.transcript import SEARCH

ANSWER = "There is nothing to call."


class GoldPlanner:
    """Plays both roles of one run at a time; `expect` gives it the calls of the next.

    `searched` lists the gold tools that it had to search for, `unlisted` those that it could
    not choose even then, `unsaid` the calls whose arguments the form did not admit
    (they are said all the same: whether they run shows in the result).
    """

    def __init__(self) -> None:
        self.searched: list[str] = []
        self.unlisted: list[str] = []
        self.unsaid: list[str] = []
        self._calls: tuple[Gold, ...] = ()
        self._at = 0
        self._searching = False

    def expect(self, calls: Sequence[Gold]) -> None:
        """Know the gold calls of the next run."""
        self._calls, self._at, self._searching = tuple(calls), 0, False

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamItem]:
        """Answer from the gold calls."""
        yield ChatReply(text=self._answer(request), model="gold calls")

    def _answer(self, request: ChatRequest) -> str:
        constraint = request.constraint
        if constraint is None:
            return "It is done." if self._calls else ANSWER
        if isinstance(constraint, Choice):
            self._at = self._step(request.messages[-1].content)
            return self._choice(constraint)
        return json.dumps(self._object(constraint), ensure_ascii=False)

    def _step(self, asked: str) -> int:
        """Which call the decision is about: the one whose intent was told last."""
        places = [asked.rfind(intent(call, at)) for at, call in enumerate(self._calls)]
        return max(range(len(places)), key=places.__getitem__)

    def _choice(self, constraint: Choice) -> str:
        tool = self._calls[self._at].tool
        if tool in constraint.options:
            return tool
        if SEARCH in constraint.options:
            self.searched.append(tool)
            self._searching = True
            return SEARCH
        self.unlisted.append(tool)
        return constraint.options[0]

    def _object(self, constraint: JsonSchema) -> JsonValue:
        if _asks_for_plan(constraint.json_schema):
            return _plan(self._calls)
        call = self._calls[self._at]
        if self._searching:
            self._searching = False
            return {"query": _words(call.tool)}
        return self._arguments(call, Draft202012Validator(constraint.json_schema))

    def _arguments(self, call: Gold, form: Any) -> dict[str, JsonValue]:
        """The gold arguments, numbers as text where the form wants text."""
        if form.is_valid(call.arguments):
            return call.arguments
        as_text: dict[str, JsonValue] = {
            name: str(value) if isinstance(value, int | float) else value
            for name, value in call.arguments.items()
        }
        if form.is_valid(as_text):
            return as_text
        self.unsaid.append(f"{call.tool} {json.dumps(call.arguments)}")
        return call.arguments


def intent(call: Gold, at: int) -> str:
    """What a step of the gold plan says: its place, the tool's words, the arguments it sets."""
    given = ", ".join(call.arguments)
    told = f"{at + 1}. {_words(call.tool)}"
    return f"{told} with {given}"[:160] if given else told


def _words(tool: str) -> str:
    return tool.partition(".")[2].replace("_", " ")


def _asks_for_plan(schema: dict[str, Any]) -> bool:
    forms = schema.get("anyOf", [schema])
    return any("steps" in form.get("properties", {}) for form in forms)


def _plan(calls: Sequence[Gold]) -> JsonValue:
    if not calls:
        return {"answer": ANSWER}
    return {
        "steps": [
            {
                "id": f"s{at + 1}",
                "intent": intent(call, at),
                "namespace": call.tool.partition(".")[0],
                "over": "",
                "where": "",
            }
            for at, call in enumerate(calls)
        ]
    }
